import { REPLY_LIMITS } from '../json/limits.js';
import { parseJson } from '../json/parse.js';
import { stringify } from '../json/stringify.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/value.js';
import { AgentReader, MARK } from './agent-reader.js';
import { errorOfReply, QmpConnectionError } from './failure.js';
import { fail, type Link, type LinkHooks, type Protocol, type Request } from './link.js';
import { Stranger } from './stranger.js';
import { follow, type OpenedStreams, type StreamEnd } from './streams.js';

/** Commands whose success is not answered. Source: the agent's schema, `success-response: false`. */
const SILENT: ReadonlySet<string> = new Set([
  'guest-shutdown',
  'guest-suspend-disk',
  'guest-suspend-ram',
  'guest-suspend-hybrid',
]);

/** So long after a command whose success is not answered, silence is success, in milliseconds. */
const SILENCE = 2000;

/**
 * What was sent while no agent ran in the guest may be lost, so it is asked again to answer: after so many milliseconds, and then
 * each time after twice as many.
 */
const ASK_AGAIN = { first: 500, most: 30_000 };

/**
 * One connection to a guest agent: one request at a time, to which the next reply belongs. Agents before QEMU 3.0 refuse requests
 * with an id, so none has one; instead, the agent is asked to put a mark into its output whenever a reply may still be under way
 * that no request waits for.
 */
class AgentLink implements Link {
  readonly stranger = new Stranger('guest agent');
  readonly #streams: OpenedStreams;
  readonly #name: string;
  readonly #hooks: LinkHooks;
  readonly #reader = new AgentReader(REPLY_LIMITS);
  #waiting: Request[] = [];
  #current: Request | undefined;
  /** The number that the agent is to send behind the mark, while it is waited for. */
  #mark: number | undefined;
  /** All that the agent has sent or will send is known to belong to the current request. */
  #synchronized = false;
  #ready = false;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(streams: OpenedStreams, name: string, hooks: LinkHooks) {
    this.#streams = streams;
    this.#name = name;
    this.#hooks = hooks;
    follow(
      streams,
      (chunk) => this.#receive(chunk),
      (end) => this.#end(end),
    );
    this.#synchronize();
  }

  send(request: Request): void {
    // A request that has no form in JSON is refused before it has a place in the queue.
    stringify(request.arguments ?? {});
    this.#waiting.push(request);
    this.#next();
  }

  abandon(request: Request): void {
    request.abandoned = true;
    this.#waiting = this.#waiting.filter((other) => other !== request);
    if (request === this.#current) this.#doubt();
  }

  close(): void {
    this.#end(undefined);
  }

  /** Sends the next request when nothing is under way; before it, if need be, the one for a mark. */
  #next(): void {
    if (this.#current || this.#mark !== undefined || this.#ended || this.#waiting.length === 0) return;
    if (this.#synchronized) this.#execute(this.#waiting.shift() as Request);
    else this.#synchronize();
  }

  #execute(request: Request): void {
    this.#current = request;
    this.#write(request.command, request.arguments);
    if (!SILENT.has(request.command)) return;
    // It has succeeded when the agent gets to what is asked for behind it, or says nothing at all.
    this.#askForMark();
    this.#startTimer(SILENCE, () => {
      this.#doubt();
      request.resolve({});
    });
  }

  /** From here on a reply may come that no request waits for. */
  #doubt(): void {
    clearTimeout(this.#timer);
    this.#current = undefined;
    this.#mark = undefined;
    this.#synchronized = false;
    this.#next();
  }

  #synchronize(pause = ASK_AGAIN.first): void {
    // A byte that is no JSON ends the message that an earlier client may have begun.
    this.#streams.writable.write(Buffer.of(MARK));
    this.#askForMark();
    this.#startTimer(pause, () => this.#synchronize(Math.min(ASK_AGAIN.most, pause * 2)));
  }

  /** Each mark has a number of its own: when the last one comes, no reply to what was sent before it is under way. */
  #askForMark(): void {
    this.#mark = Math.floor(Math.random() * 2 ** 31);
    this.#write('guest-sync-delimited', { id: this.#mark });
  }

  #startTimer(milliseconds: number, callBack: () => void): void {
    clearTimeout(this.#timer);
    // The streams keep the process running, or the user does not want them to.
    this.#timer = setTimeout(callBack, milliseconds).unref();
  }

  #write(command: string, args: JsonObject | undefined): void {
    const text = `{"execute":${stringify(command)}${args ? `,"arguments":${stringify(args)}` : ''}}\n`;
    this.#hooks.log?.('sent', parseJson(text));
    this.#streams.writable.write(text);
  }

  #receive(chunk: Buffer): Promise<void> | undefined {
    this.#reader.push(chunk);
    for (let found = this.#reader.next(); found && !this.#ended; found = this.#reader.next()) {
      const { incoming, marked } = found;
      if (incoming.error) {
        this.#hooks.oddity({ kind: 'malformed', error: incoming.error });
        this.#unreadable();
        continue;
      }
      this.#hooks.log?.('received', incoming.value);
      this.#dispatch(incoming.value, marked);
    }
    if (this.#ready || this.#ended) return undefined;
    return this.stranger.hear(chunk).then((what) => {
      if (what !== undefined && !this.#ready) this.#fail(what);
    });
  }

  #dispatch(message: JsonValue, marked: boolean): void {
    if (!isJsonObject(message)) this.#hooks.oddity({ kind: 'unknown-message', message });
    else if (marked && typeof message.return === 'number' && !this.#asksForMark) this.#reached(message);
    else if (message.return !== undefined || message.error !== undefined) this.#reply(message);
    else if (isJsonObject(message.QMP) && !this.#ready) this.#fail(' is a QMP server and no guest agent: use connect');
    else this.#hooks.oddity({ kind: 'unknown-message', message });
  }

  /** Whether the current request is for a mark itself: then that is the reply to it. */
  get #asksForMark(): boolean {
    return this.#current?.command === 'guest-sync-delimited';
  }

  /** A mark, which may be one of those asked for earlier. */
  #reached(message: JsonObject): void {
    if (this.#mark === undefined || message.return !== this.#mark) {
      this.#hooks.oddity({ kind: 'unsolicited-reply', message });
      return;
    }
    clearTimeout(this.#timer);
    this.#mark = undefined;
    this.#synchronized = true;
    // The mark was asked for behind a command whose success is not answered.
    this.#current?.resolve({});
    this.#current = undefined;
    if (!this.#ready) {
      this.#ready = true;
      this.#hooks.ready(undefined, false);
    }
    this.#next();
  }

  #reply(message: JsonObject): void {
    const { return: result, error, id } = message;
    const request = this.#current;
    if (request && id === undefined) {
      this.#current = undefined;
      // The mark behind a command that was refused is still to come.
      if (this.#mark !== undefined) this.#doubt();
      if (result === undefined) request.reject(errorOfReply(request.command, error));
      else request.resolve(result);
      this.#next();
      return;
    }
    const { class: kind, description } = errorOfReply('', error);
    if (!this.#ready && kind === 'CommandNotFound' && description.includes('guest-sync-delimited')) {
      this.#fail(` cannot be synchronized with: ${description}`);
    }
    this.#hooks.oddity({ kind: 'unsolicited-reply', message });
  }

  #fail(why: string): void {
    this.#hooks.failed(new QmpConnectionError(`${this.#name}${why}`));
  }

  /** It may have been the reply that is waited for. */
  #unreadable(): void {
    const request = this.#current;
    if (!request) return;
    this.#doubt();
    fail(request, `the reply to ${request.command} could not be read`);
  }

  /** @param end absent when this side ends it */
  #end(end: StreamEnd | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#streams.writable.end();
    this.#streams.readable.destroy();
    const how = `the connection to ${this.#name} was ${end?.how ?? 'closed by this side'}`;
    const explanation = end?.why ?? '';
    const error = end && new QmpConnectionError(how + explanation, { cause: end.cause });
    for (const request of this.#waiting) fail(request, `${how}; ${request.command} was not sent${explanation}`, error);
    const request = this.#current;
    // A guest that goes down takes its agent along.
    const gone = request !== undefined && SILENT.has(request.command) && error !== undefined;
    if (gone) request.resolve({});
    else if (request) {
      const fate = `before ${request.command} was answered; whether it was carried out is unknown`;
      fail(request, `${how} ${fate}${explanation}`, error);
    }
    this.#hooks.end(error, request && !gone ? [request.command] : [], false);
  }
}

/** Talks to a guest agent once it has answered. */
export const agentProtocol: Protocol = (streams, name, hooks) => new AgentLink(streams, name, hooks);
