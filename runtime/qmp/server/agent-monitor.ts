import { REQUEST_LIMITS } from '../../json/limits.js';
import { RequestReader } from '../../json/request-reader.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json/value.js';
import { isQmpFailure, QmpError } from '../error.js';
import type { StreamPair } from '../streams.js';
import type { Answer } from './dispatcher.js';
import { readRequest, type ServerRequest } from './request.js';

/** What the conversation with a client needs of its server. */
export interface AgentHost {
  /** Writes a message as text. */
  readonly write: (message: JsonValue) => string;
  execute(request: ServerRequest, signal: AbortSignal): Answer;
  /** A handler failed in a way that is not meant for the client. */
  failed(command: string, error: unknown): void;
}

/** The byte before the reply to `guest-sync-delimited`, and the number that stands for it in one-byte text. */
const MARK = '\xff';

/**
 * Talks to one client as a guest agent does, until the client is gone: one request after the other, none is read while one is
 * executed.
 */
export async function serveAgent({ readable, writable }: StreamPair, host: AgentHost): Promise<void> {
  const gone = new AbortController();
  const reader = new RequestReader(REQUEST_LIMITS);
  for (const stream of new Set([readable, writable])) {
    stream.on('error', () => {});
    stream.once('close', () => gone.abort(new Error('The client is gone')));
  }
  try {
    for await (const chunk of readable) {
      reader.push(chunk as Buffer);
      for (let incoming = reader.next(); incoming && !gone.signal.aborted; incoming = reader.next()) {
        const reply = await answer(incoming.value, incoming.error, host, gone.signal);
        if (reply !== undefined && !writable.write(reply, 'latin1')) await drained(writable, gone.signal);
      }
    }
  } catch {
    // The streams broke: that is the end, too.
  }
  writable.end();
}

/** @returns what goes to the client, all of it ASCII but for the mark; nothing for a success that is not answered */
async function answer(
  message: JsonValue | undefined,
  malformed: Error | undefined,
  host: AgentHost,
  signal: AbortSignal,
): Promise<string | undefined> {
  const id = isJsonObject(message) && message.id !== undefined ? { id: message.id } : {};
  let command = '';
  try {
    if (message === undefined) throw new QmpError(`The message is not valid JSON: ${malformed?.message}`);
    const request = readRequest(message, false);
    command = request.command;
    const result = await host.execute(request, signal);
    if (result === undefined) return undefined;
    const mark = command === 'guest-sync-delimited' ? MARK : '';
    return `${mark}${host.write({ return: result, ...id })}\n`;
  } catch (error) {
    return `${host.write({ ...id, error: describe(command, error, host) })}\n`;
  }
}

function describe(command: string, error: unknown, host: AgentHost): JsonObject {
  if (isQmpFailure(error)) return { class: error.class, desc: error.message };
  host.failed(command, error);
  return { class: 'GenericError', desc: `Command '${command}' failed unexpectedly; the agent's log says why` };
}

function drained(writable: StreamPair['writable'], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    writable.once('drain', resolve);
    signal.addEventListener('abort', () => resolve());
  });
}
