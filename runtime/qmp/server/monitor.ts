import type { Incoming } from '../../json/incoming.js';
import { REQUEST_LIMITS } from '../../json/limits.js';
import { RequestReader } from '../../json/request-reader.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json/value.js';
import { after } from '../deadline.js';
import { isQmpFailure, QmpError } from '../error.js';
import type { StreamPair } from '../streams.js';
import { isPromise } from './dispatcher.js';
import type { Executor } from './executor.js';
import { isOutOfBand, readRequest } from './request.js';
import type { Participant } from './rotation.js';
import { ServerSession } from './session.js';

/** How a server speaks with its clients. */
export interface MonitorProtocol {
  readonly greeting: JsonValue;
  readonly capabilities: readonly string[];
  /** Writes a message as text. */
  readonly write: (message: JsonValue) => string;
  /** The most bytes that may wait for a client to read them before it is disconnected. */
  readonly maxBuffered: number;
  /** How long a client that has ended its side is answered, in milliseconds: it may be gone altogether, which looks the same. */
  readonly linger: number;
}

/** What learns of what happens to monitors. */
export interface MonitorObserver {
  /** A handler failed in a way that is not meant for the client. */
  failed(command: string, error: unknown): void;
  /** The monitor has ended; `problem` says why when it was not the client's wish. */
  ended(monitor: Monitor, problem: string | undefined): void;
}

/** What all monitors of a server share. */
export interface MonitorCollaborators {
  readonly protocol: MonitorProtocol;
  readonly executor: Executor;
  readonly observer: MonitorObserver;
}

/** How many in-band requests may wait, the one that is executed not counted. Source: the reference's queue limit. */
const queueLimit = 8;

/** With so many bytes waiting for the client to read them, nothing more is read from it. */
const patience = 1 << 20;

/** One client's connection: its negotiation, its queue of requests, its replies and events. */
export class Monitor implements Participant {
  readonly #streams: StreamPair;
  readonly #protocol: MonitorProtocol;
  readonly #executor: Executor;
  readonly #observer: MonitorObserver;
  readonly #session: ServerSession;
  readonly #reader = new RequestReader(REQUEST_LIMITS);
  readonly #queue: Incoming[] = [];
  readonly #abort = new AbortController();
  #executing = false;
  #corked = false;
  /** A chunk of input is being handled. */
  #receiving = false;
  #inputEnded = false;
  #ended = false;

  constructor(streams: StreamPair, { protocol, executor, observer }: MonitorCollaborators) {
    this.#streams = streams;
    this.#protocol = protocol;
    this.#executor = executor;
    this.#observer = observer;
    this.#session = new ServerSession(protocol.capabilities);
    const { readable, writable } = streams;
    readable.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      this.#receiving = true;
      this.#read();
      this.#receiving = false;
      if (this.#corked) this.#uncork();
      this.#regulate();
    });
    readable.once('end', () => {
      this.#inputEnded = true;
      this.#pump();
      if (this.#ended) return;
      const timer = after(protocol.linger, () => this.end());
      this.#abort.signal.addEventListener('abort', () => clearTimeout(timer));
    });
    writable.on('drain', () => this.#pump());
    for (const stream of new Set([readable, writable])) {
      stream.on('error', () => this.end());
      stream.once('close', () => this.end());
    }
    this.#send(protocol.greeting);
  }

  /** Writes a message as text, as this client is to see it. */
  get write(): MonitorProtocol['write'] {
    return this.#protocol.write;
  }

  /** Whether a request waits to be executed. */
  get ready(): boolean {
    return this.#queue.length > 0 && !this.#ended;
  }

  /** Sends an event that is already text. A client that is still negotiating gets none. */
  event(text: string): void {
    if (!this.#session.negotiating) this.#write(text);
  }

  /** Executes the request that waits longest, and answers it. */
  work(): Promise<void> | undefined {
    const incoming = this.#queue.shift() as Incoming;
    this.#executing = true;
    this.#read();
    const answered = this.#answer(incoming);
    if (answered) return answered.then(() => this.#worked());
    this.#worked();
    return undefined;
  }

  #worked(): void {
    this.#executing = false;
    this.#pump();
  }

  /** Ends the connection: requests that wait are dropped, the one that is executed runs to its end. */
  end(problem?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#queue.length = 0;
    this.#abort.abort(new Error('The client is gone'));
    this.#executor.rotation.leave(this);
    // Ending also sends what is still held back.
    this.#streams.writable.end();
    this.#streams.readable.destroy();
    this.#observer.ended(this, problem);
  }

  #pump(): void {
    this.#read();
    if (!this.#receiving) this.#regulate();
  }

  /** Reads as many requests as may wait. Without out-of-band execution that is none while one is executed. */
  #read(): void {
    while (this.#mayRead()) {
      const incoming = this.#reader.next();
      if (!incoming) return;
      if (this.#session.outOfBand && incoming.value !== undefined && isOutOfBand(incoming.value)) {
        void this.#answer(incoming);
      } else {
        this.#queue.push(incoming);
        this.#executor.rotation.enter(this);
      }
    }
  }

  /** Takes more input when all that came is read, and ends when none will come and all is answered. */
  #regulate(): void {
    if (this.#reader.pending) this.#streams.readable.pause();
    else if (!this.#ended) this.#streams.readable.resume();
    const idle = !this.#executing && this.#queue.length === 0 && !this.#reader.pending;
    if (this.#inputEnded && idle) this.end();
  }

  #mayRead(): boolean {
    if (this.#ended || this.#streams.writable.writableLength > patience) return false;
    return this.#session.outOfBand ? this.#queue.length < queueLimit : this.#queue.length === 0 && !this.#executing;
  }

  /** Executes a request and sends what comes of it; at once, unless its handler takes time. */
  #answer(incoming: Incoming): Promise<void> | undefined {
    const id = idOf(incoming.value);
    let command = '';
    const refuse = (error: unknown): void => this.#send({ ...id, error: this.#describe(command, error) });
    try {
      if (incoming.error) throw new QmpError(`The message is not valid JSON: ${incoming.error.message}`);
      const request = readRequest(incoming.value, this.#session.outOfBand);
      command = request.command;
      const result = this.#executor.execute(request, this.#session, this.#abort.signal);
      if (isPromise(result)) return result.then((value) => this.#return(value, id)).catch(refuse);
      this.#return(result, id);
    } catch (error) {
      refuse(error);
    }
    return undefined;
  }

  #return(result: JsonValue | undefined, id: { id?: JsonValue }): void {
    if (result !== undefined) this.#send({ return: result, ...id });
  }

  /** What the client receives of an error: all of one that was meant for it, nothing of any other. */
  #describe(command: string, error: unknown): JsonObject {
    if (isQmpFailure(error)) return { class: error.class, desc: error.message };
    this.#observer.failed(command, error);
    return { class: 'GenericError', desc: `Command '${command}' failed unexpectedly; the server's log says why` };
  }

  #send(message: JsonValue): void {
    this.#write(`${this.#protocol.write(message)}\r\n`);
  }

  #write(text: string): void {
    const { writable } = this.#streams;
    if (this.#ended || !writable.writable) return;
    // The replies to one chunk of input leave in one system call, when the last of them is there.
    const last = this.#receiving && this.#queue.length === 0 && this.#reader.exhausted;
    if (!this.#corked && !last) {
      this.#corked = true;
      writable.cork();
      if (!this.#receiving) process.nextTick(this.#uncork);
    }
    // All that is sent is ASCII.
    writable.write(text, 'latin1');
    if (writable.writableLength > this.#protocol.maxBuffered) this.end('it does not read what it is sent');
  }

  readonly #uncork = (): void => {
    this.#corked = false;
    this.#streams.writable.uncork();
  };
}

/** The member to echo; none when the message is no object or has none. */
function idOf(message: JsonValue | undefined): { id?: JsonValue } {
  return isJsonObject(message) && message.id !== undefined ? { id: message.id } : {};
}
