import { REPLY_LIMITS } from '../json/limits.js';
import { parseJson } from '../json/parse.js';
import { ReplyReader } from '../json/reply-reader.js';
import { stringify } from '../json/stringify.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/value.js';
import { explain } from './explain.js';
import { errorOfReply, QmpConnectionError } from './failure.js';
import { fail, type Link, type LinkHooks, type Request } from './link.js';
import { Stranger } from './stranger.js';
import { follow, type OpenedStreams, type StreamEnd } from './streams.js';

/** A request with the text that goes over the wire. */
interface Outgoing {
  readonly request: Request;
  readonly id: string;
  readonly text: string;
}

/**
 * One connection to a server, from greeting to end: requests out, replies matched to them by `id`, everything else to its owner.
 */
export class Connection implements Link {
  /** How many in-band requests may be unanswered at a time. */
  limit = Infinity;
  /** What the server is until it greets. */
  stranger: Stranger | undefined = new Stranger('QMP monitor');

  readonly #streams: OpenedStreams;
  readonly #name: string;
  readonly #hooks: LinkHooks;
  /** Called with what the server says of itself. That happens once. */
  readonly #greet: (greeting: JsonObject) => void;
  readonly #reader = new ReplyReader(REPLY_LIMITS);
  /** Sent and not answered, in the order of sending. */
  readonly #pending = new Map<string, Request>();
  #waiting: Outgoing[] = [];
  #inBand = 0;
  /** It has been sent something unreadable, and has not complained yet. */
  #provoked = false;
  /** The server has been asked to end, and has not refused. */
  #quit = false;
  #ended = false;
  /** Ids are unlike those of earlier connections: a server may give the reply to a former client to its successor. */
  readonly #series = Math.random().toString(36).slice(2, 8);
  #serial = 0;

  constructor(streams: OpenedStreams, name: string, hooks: LinkHooks, greet: (greeting: JsonObject) => void) {
    this.#streams = streams;
    this.#name = name;
    this.#hooks = hooks;
    this.#greet = greet;
    follow(
      streams,
      (chunk) => this.#receive(chunk),
      async (end) => {
        const { stranger } = this;
        const early = stranger && (await explain(({ describeEarlyEnd }) => describeEarlyEnd(stranger)));
        this.#end({ ...end, why: (early ?? '') + end.why });
      },
    );
  }

  provoke(): void {
    if (!this.stranger || this.stranger.spoke) return;
    this.#provoked = true;
    this.#streams.writable.write(Buffer.of(UNREADABLE));
  }

  send(request: Request): void {
    const id = `${this.#series}-${++this.#serial}`;
    const args = request.arguments ? `,"arguments":${stringify(request.arguments)}` : '';
    const text = `{"${request.oob ? 'exec-oob' : 'execute'}":${stringify(request.command)}${args},"id":"${id}"}\n`;
    const outgoing = { request, id, text };
    if (request.oob) this.#write(outgoing);
    else this.#waiting.push(outgoing);
    this.#flush();
  }

  abandon(request: Request): void {
    request.abandoned = true;
    this.#waiting = this.#waiting.filter((outgoing) => outgoing.request !== request);
  }

  close(): void {
    this.#end(undefined);
  }

  #flush(): void {
    while (this.#inBand < this.limit) {
      const outgoing = this.#waiting.shift();
      if (!outgoing) return;
      this.#inBand++;
      this.#write(outgoing);
    }
  }

  #write({ request, id, text }: Outgoing): void {
    this.#pending.set(id, request);
    this.#hooks.log?.('sent', parseJson(text));
    const { writable } = this.#streams;
    if (isEncrypted(writable)) {
      // QEMU (seen in 7.2) leaves all of a TLS record but its first byte unread until the next one comes: that has one byte.
      writable.write(text, () => writable.writableLength === 0 && !this.#ended && writable.write('\n'));
      return;
    }
    // A caller that keeps several requests under way mostly sends several in one go: they go out in one go.
    if (this.#pending.size > 1 && writable.writableCorked === 0) {
      writable.cork();
      process.nextTick(() => writable.uncork());
    }
    writable.write(text);
  }

  #receive(chunk: Buffer): Promise<void> | undefined {
    this.#reader.push(chunk);
    for (let incoming = this.#reader.next(); incoming && !this.#ended; incoming = this.#reader.next()) {
      if (incoming.error) {
        for (const request of this.#pending.values()) request.doubtful = true;
        this.#hooks.oddity({ kind: 'malformed', error: incoming.error });
        continue;
      }
      this.#hooks.log?.('received', incoming.value);
      this.#dispatch(incoming.value);
    }
    if (this.#ended) return undefined;
    return this.stranger?.hear(chunk).then((what) => {
      if (what && this.stranger) this.#hooks.failed(new QmpConnectionError(this.#name + what));
    });
  }

  #dispatch(message: JsonValue): void {
    const { event, return: result, error, QMP }: Partial<JsonObject> = isJsonObject(message) ? message : {};
    if (typeof event === 'string') this.#hooks.event(message as JsonObject);
    else if (result !== undefined || error !== undefined) this.#reply(message as JsonObject);
    else if (isJsonObject(QMP) && this.stranger) {
      this.stranger = undefined;
      this.#greet(QMP);
    } else this.#hooks.oddity({ kind: 'unknown-message', message });
  }

  #reply(message: JsonObject): void {
    const { return: result, error } = message;
    if (this.#provoked && message.id === undefined && error !== undefined) {
      this.#provoked = false;
      if (this.stranger) this.#hooks.failed(new QmpConnectionError(`${this.#name}${AGENT}`));
      return;
    }
    const id = (message.id === undefined ? this.#withoutId(error) : message.id) as string;
    const request = this.#pending.get(id);
    if (!request) {
      this.#hooks.oddity({ kind: 'unsolicited-reply', message });
      return;
    }
    if (!request.oob) this.#overtake(request);
    this.#settle(id, request);
    this.#provoked = false;
    if (result === undefined) request.reject(errorOfReply(request.command, error));
    else {
      this.#quit ||= request.command === 'quit';
      request.resolve(result);
    }
    this.#flush();
  }

  /** In-band replies come in order: a request that an answered one overtakes has lost its reply to something unreadable. */
  #overtake(answered: Request): void {
    for (const [id, request] of this.#pending) {
      if (request === answered) return;
      if (!request.doubtful || request.oob) continue;
      this.#settle(id, request);
      fail(request, `the reply to ${request.command} could not be read`);
    }
  }

  /**
   * The request that a reply without an id belongs to: servers leave it out of an error when they could not read the request. A
   * success without one can only be assigned when there is no choice, and belongs to an earlier client while this one still negotiates.
   */
  #withoutId(error: JsonValue | undefined): string | undefined {
    const [oldest, other] = [...this.#pending].filter(([, request]) => !request.oob);
    const sure = !other && oldest?.[1].command !== 'qmp_capabilities';
    return error !== undefined || sure ? oldest?.[0] : undefined;
  }

  #settle(id: string, request: Request): void {
    this.#pending.delete(id);
    if (!request.oob) this.#inBand--;
  }

  /** @param end absent when this side ends it */
  #end(end: StreamEnd | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    const { readable, writable } = this.#streams;
    writable.end();
    readable.destroy();
    const how = `the connection to ${this.#name} was ${end?.how ?? 'closed by this side'}`;
    const why = end?.why ?? '';
    const error = end && new QmpConnectionError(how + why, { cause: end.cause });
    for (const { request } of this.#waiting) fail(request, `${how}; ${request.command} was not sent${why}`, error);
    const unanswered = [...this.#pending.values()].filter((request) => !request.abandoned);
    for (const request of unanswered) {
      // A program that quits need not find the time to say so.
      if (request.command === 'quit' && error) {
        this.#quit = true;
        request.resolve({});
      } else {
        const fate = `before ${request.command} was answered; whether it was carried out is unknown`;
        fail(request, `${how} ${fate}${why}`, error);
      }
    }
    this.#hooks.end(
      error,
      unanswered.map((request) => request.command),
      this.#quit,
    );
  }
}

/** A byte that is part of no text: a program that waits for its client to begin complains of it, or begins anew. */
const UNREADABLE = 0xff;

/** Of the programs that speak QAPI's JSON, only agents do not greet. */
const AGENT = ' is a guest agent and no QMP monitor: use connectAgent';

const isEncrypted = (stream: object): boolean => 'encrypted' in stream && stream.encrypted === true;
