import { parseJson } from '../../runtime/json/parse.js';
import { stringifyReply } from '../../runtime/json/stringify-reply.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../runtime/json/value.js';
import { QmpError } from '../../runtime/qmp/error.js';
import type { ReplyFault } from './rule.js';
import type { FaultyReply } from './wire.js';

/** What a reply would say: a result or an error. */
export type ReplyContent = { readonly return: JsonValue } | { readonly error: JsonObject };

const mark = 'qapi-ts-mock-reply-';

/**
 * The replies that something is to happen to. The server knows nothing of it, and the connection knows nothing of commands: so the
 * server sends an error of a class that names the reply, in its turn and with its id, and the connection puts the reply there.
 */
export class FaultyReplies {
  readonly #waiting = new Map<string, { readonly content: ReplyContent; readonly fault: ReplyFault }>();
  #count = 0;

  /** The error to answer a command with, so that it is answered with `content` in a faulty way. */
  standIn(content: ReplyContent, fault: ReplyFault): QmpError {
    const name = `${mark}${this.#count++}`;
    this.#waiting.set(name, { content, fault });
    return new QmpError('', { class: name });
  }

  /** What a message stands for; undefined when it is to be sent as it is. */
  of(message: Buffer): FaultyReply | undefined {
    if (!message.includes(mark)) return undefined;
    const { id, error } = parseJson(message.toString('latin1')) as JsonObject;
    const name = isJsonObject(error) && typeof error.class === 'string' ? error.class : '';
    const found = this.#waiting.get(name);
    if (!found) return undefined;
    this.#waiting.delete(name);
    const reply = { ...found.content, ...(id !== undefined && { id }) } as JsonObject;
    return { bytes: Buffer.from(`${stringifyReply(reply)}\r\n`), fault: found.fault };
  }
}
