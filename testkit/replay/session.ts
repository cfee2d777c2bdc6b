import { REQUEST_LIMITS } from '../../runtime/json/limits.js';
import { RequestReader } from '../../runtime/json/request-reader.js';
import { stringify } from '../../runtime/json/stringify.js';
import { stringifyReply } from '../../runtime/json/stringify-reply.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../runtime/json/value.js';
import { described } from '../mock/matching.js';
import type { RecordedMessage } from './recording.js';
import { unlike } from './unlike.js';

/** One client's way through a recorded session. */
export class ReplaySession {
  /** What the client sent that was not recorded. */
  readonly problems: string[] = [];
  readonly #messages: readonly RecordedMessage[];
  readonly #volatile: ReadonlySet<string>;
  readonly #send: (text: string) => void;
  readonly #reader = new RequestReader(REQUEST_LIMITS);
  /** The client's id for each id of the recording. */
  readonly #ids = new Map<string, JsonValue | undefined>();
  #next = 0;

  constructor(messages: readonly RecordedMessage[], volatile: ReadonlySet<string>, send: (text: string) => void) {
    this.#messages = messages;
    this.#volatile = volatile;
    this.#send = send;
  }

  /** The request that comes next; undefined at the end. */
  get rest(): string | undefined {
    const next = this.#messages[this.#next];
    return next && nameOf(next.message);
  }

  /** Sends what was received before the first request. */
  start(): void {
    this.#play();
  }

  /** Takes bytes of the client. */
  receive(chunk: Uint8Array): void {
    this.#reader.push(chunk);
    for (let next = this.#reader.next(); next; next = this.#reader.next()) {
      this.#request(isJsonObject(next.value) ? next.value : {});
    }
  }

  #request(request: JsonObject): void {
    const recorded = this.#messages[this.#next]?.message;
    const problem = this.#complaint(recorded, request);
    if (problem !== undefined) {
      this.problems.push(problem);
      const error = { class: 'GenericError', desc: `This was not recorded: ${problem}` };
      this.#write({ error, ...(request.id !== undefined && { id: request.id }) });
      return;
    }
    this.#ids.set(keyOf(recorded?.id), request.id);
    this.#next++;
    this.#play();
  }

  #complaint(recorded: JsonObject | undefined, request: JsonObject): string | undefined {
    if (!recorded) return `${nameOf(request)}: the recording is at its end`;
    const { id: _, ...expected } = recorded;
    const { id: __, ...sent } = request;
    const verbs = ['execute', 'exec-oob'];
    if (verbs.some((verb) => expected[verb] !== sent[verb]))
      return `${nameOf(request)}: the recording has ${nameOf(recorded)}`;
    return unlike(expected.arguments ?? {}, sent.arguments ?? {}, this.#volatile, String(commandOf(request)));
  }

  /** Sends what was received before the next request. */
  #play(): void {
    for (let next = this.#messages[this.#next]; next?.direction === 'received'; next = this.#messages[++this.#next]) {
      const { id, ...message } = next.message;
      const actual = id === undefined ? undefined : this.#ids.get(keyOf(id));
      this.#write({ ...message, ...(actual !== undefined && { id: actual }) });
    }
  }

  #write(message: JsonObject): void {
    this.#send(`${stringifyReply(message)}\r\n`);
  }
}

const keyOf = (id: JsonValue | undefined): string => (id === undefined ? '' : stringify(id));

const commandOf = (request: JsonObject): JsonValue =>
  request.execute ?? request['exec-oob'] ?? 'a message without a command';

const nameOf = (request: JsonObject): string => described(String(commandOf(request)), request.arguments);
