import { stringify } from '../json/stringify.js';
import { stringifyReply } from '../json/stringify-reply.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/value.js';

/** What stands in the log instead of a secret. */
const HIDDEN = '***';

/** What goes into a log of the wire. */
export interface WireLogOptions {
  /** Takes a line of the log, without its end. */
  readonly write: (line: string) => void;
  /** Names of members whose values are not to be seen, wherever they stand: `['password', 'data']`. */
  readonly secrets?: readonly string[];
}

/**
 * A log of all messages, one a line: `>` before those that are sent, `<` before those received. It goes into the option `onWire`.
 *
 * @example
 * await connect(address, { onWire: wireLog({ write: console.error, secrets: ['password'] }) });
 */
export function wireLog({
  write,
  secrets = [],
}: WireLogOptions): (direction: 'sent' | 'received', message: JsonValue) => void {
  const hidden = new Set(secrets);
  return (direction, message) => {
    const shown = hidden.size > 0 ? redact(message, hidden) : message;
    write(direction === 'sent' ? `> ${stringify(shown)}` : `< ${stringifyReply(shown)}`);
  };
}

/** A copy with the values of some members hidden. */
function redact(value: JsonValue, hidden: ReadonlySet<string>): JsonValue {
  if (Array.isArray(value)) return value.map((element) => redact(element, hidden));
  if (!isJsonObject(value)) return value;
  const copy: JsonObject = { ...value };
  for (const [key, member] of Object.entries(value)) copy[key] = hidden.has(key) ? HIDDEN : redact(member, hidden);
  return copy;
}
