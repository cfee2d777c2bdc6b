import { isJsonObject, type JsonObject, type JsonValue } from '../../runtime/json/value.js';

/** An event as it went over the wire. */
export type EventMessage = JsonObject & { readonly event: string };

/**
 * Sees the messages of a client, so that `checkConformance` checks more than what the client hands on: whether replies repeat the
 * id, and whether a message has members that it should not have.
 *
 * @example
 * const wire = new WireWatch();
 * const client = await connect('/run/qmp.sock', { onWire: wire.onWire });
 * const { ok } = await checkConformance(client, schema, { wire });
 */
export class WireWatch {
  /** All events so far. */
  readonly events: EventMessage[] = [];
  readonly #marks = new Set<JsonValue | undefined>();
  #reply: JsonObject | undefined;

  /** The last reply, unless it was forgotten. */
  get reply(): JsonObject | undefined {
    return this.#reply;
  }

  /** Forgets the last reply: the next one is that of the next request. */
  forget(): void {
    this.#reply = undefined;
  }

  /** Takes a message; the option `onWire` of `connect`. */
  readonly onWire = (direction: 'sent' | 'received', message: JsonValue): void => {
    if (!isJsonObject(message)) return;
    if (direction === 'sent') {
      if (message.execute === 'guest-sync-delimited' && isJsonObject(message.arguments))
        this.#marks.add(message.arguments.id);
      return;
    }
    // The client of an agent asks for marks by itself, between and behind the requests.
    if (message.return !== undefined && this.#marks.has(message.return)) return;
    if (typeof message.event === 'string') this.events.push(message as EventMessage);
    else this.#reply = message;
  };
}
