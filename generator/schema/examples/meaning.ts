import type { DiagnosticName, DiagnosticParameters } from '../../text/diagnostic.js';
import type { Command, Event, ObjectType, Schema, Type } from '../model.js';
import type { ExampleMessage } from './messages.js';
import { faultOf } from './values.js';

type JsonObject = Readonly<Record<string, unknown>>;

/** What a message of an example is. */
export type Meaning =
  | { readonly kind: 'call'; readonly command: Command; readonly arguments: JsonObject; readonly oob: boolean }
  /** A reply; to what, where that stands in the same example. */
  | { readonly kind: 'reply'; readonly command: Command | undefined; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'event'; readonly event: Event; readonly data: unknown }
  | { readonly kind: 'greeting' | 'shortened' }
  | Fault<'example-not-json'>
  | Fault<'example-of-nothing'>
  | Fault<'example-not-valid'>;

/** What is wrong with a message. */
interface Fault<N extends DiagnosticName> {
  readonly kind: 'fault';
  readonly name: N;
  readonly parameters: DiagnosticParameters<N>;
}

/** Reads the messages of one example after the other. */
export class MessageReader {
  readonly #schema: Schema;
  /** The command whose reply comes next. */
  #last: Command | undefined;

  constructor(schema: Schema) {
    this.#schema = schema;
  }

  /** What the next message is, by the schema. One with `...`, which stands for something that is left out, is not looked at. */
  read({ direction, text, shortened }: ExampleMessage): Meaning {
    const value = shortened ? undefined : parsed(text);
    if (typeof value === 'object') return direction === 'sent' ? this.#sent(value) : this.#received(value);
    if (value !== undefined) return { kind: 'fault', name: 'example-not-json', parameters: { reason: value } };
    this.#last = undefined;
    return { kind: 'shortened' };
  }

  #sent(message: JsonObject): Meaning {
    this.#last = undefined;
    const name = message.execute ?? message['exec-oob'];
    if (typeof name !== 'string') return invalid("the request has no 'execute'");
    const command = this.#schema.lookup(name);
    if (command?.kind !== 'command') return ofNothing('command', name);
    this.#last = command;
    const value = message.arguments ?? {};
    const call = { kind: 'call', command, arguments: value as JsonObject, oob: 'exec-oob' in message } as const;
    return this.#checked(value, command.arguments, 'arguments', call, !command.gen);
  }

  #received(message: JsonObject): Meaning {
    if ('event' in message) {
      const name = String(message.event);
      const event = this.#schema.lookup(name);
      if (event?.kind !== 'event') return ofNothing('event', name);
      const data = message.data ?? {};
      return this.#checked(data, event.arguments, 'data', { kind: 'event', event, data });
    }
    if ('error' in message) return { kind: 'error', error: message.error };
    if ('QMP' in message) return { kind: 'greeting' };
    if (!('return' in message)) return invalid('the message is neither a reply nor an event');
    // What a reply answers may stand elsewhere.
    const command = this.#last;
    const reply = { kind: 'reply', command, value: message.return } as const;
    return command ? this.#checked(message.return, command.returns, 'return', reply) : reply;
  }

  #checked(value: unknown, type: Type | undefined, path: string, meaning: Meaning, open = false): Meaning {
    const fault = faultOf(value, type ?? (this.#schema.lookup('q_empty') as ObjectType), path, { open });
    return fault === undefined ? meaning : invalid(fault);
  }
}

function invalid(fault: string): Meaning {
  return { kind: 'fault', name: 'example-not-valid', parameters: { fault } };
}

function ofNothing(what: 'command' | 'event', name: string): Meaning {
  return { kind: 'fault', name: 'example-of-nothing', parameters: { what, name } };
}

/** The message that a text is; what is wrong with it, when it is none. */
function parsed(text: string): JsonObject | string {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as JsonObject) : 'it is no object';
  } catch (error) {
    return reasonOf(error as Error);
  }
}

/** What the parser says, without the text that it shows: the place shows that. */
function reasonOf({ message }: Error): string {
  return message.replace(
    /, ?"?(\.\.\.)?[\s\S]*" is not valid JSON$| in JSON at position [\s\S]*$| \(line [\s\S]*$/,
    '',
  );
}
