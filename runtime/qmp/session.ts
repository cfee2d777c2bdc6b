import { isJsonObject, type JsonObject, type JsonValue } from '../json/value.js';
import type { ConnectOptions } from './client-options.js';
import { after, LONGEST_DELAY, watch } from './deadline.js';
import type { Endpoint } from './endpoint.js';
import { EventHub } from './event-hub.js';
import { explain } from './explain.js';
import { QmpConnectionError } from './failure.js';
import type { QmpGreeting } from './greeting.js';
import { fail, type Link, type Protocol, type Request } from './link.js';
import { tell } from './listener.js';
import type { EventTimestamp } from './schema.js';
import type { Validation } from './validation.js';

/** What can keep a process running: sockets, pipes and timers. */
interface Referable {
  ref(): unknown;
  unref(): unknown;
}

const CONNECT_TIMEOUT = 10_000;

/** The part of that time after which a silent peer is made to show what it is. */
const PATIENCE = 0.75;

/** Keeps a client connected: opens, negotiates, and where wanted does so again. Events come out of it whatever connection they use. */
export class Session {
  readonly events = new EventHub();
  readonly validation?: Validation;
  /** Settles when there will be no connection any more; without an error when this side closed it. */
  readonly closed: Promise<Error | undefined>;
  greeting: QmpGreeting | undefined;
  /** Whether out-of-band execution is enabled. */
  oob = false;

  readonly #endpoint: Endpoint;
  readonly #protocol: Protocol;
  readonly #options: ConnectOptions;
  readonly #closing = new AbortController();
  #link: Link | undefined;
  /** Settles when there is a connection, or when there will be none. */
  #opening: Promise<void> = Promise.resolve();
  #referenced = true;
  /** What keeps the process running: streams, or a timer. */
  #holding: readonly object[] = [];
  #end: (error: Error | undefined) => void = () => {};

  constructor(endpoint: Endpoint, protocol: Protocol, options: ConnectOptions) {
    if (options.reconnect && !endpoint.lasting) {
      throw new TypeError('a stream cannot be opened again: to reconnect, give an address or a function');
    }
    this.#endpoint = endpoint;
    this.#protocol = protocol;
    this.#options = options;
    if (options.validate === 'report' || options.validate === 'strict') {
      this.validation = options.schema(options.validate, options.onDifference);
    }
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Makes the first connection. */
  start(): Promise<void> {
    const { signal, reconnect } = this.#options;
    const end = this.#closing.signal;
    const stop = signal ? AbortSignal.any([signal, end]) : end;
    const open = (): Promise<void> => this.#open(stop);
    this.#opening = open().catch((error: unknown) => {
      if (!reconnect?.waitForServer || !(error instanceof QmpConnectionError)) throw error;
      return this.#hold(reconnect(open, { error, commands: [] }, stop));
    });
    return this.#opening;
  }

  /** Whether there is a connection, over which commands go out at once. */
  get connected(): boolean {
    return this.#link !== undefined;
  }

  /** Whether the session keeps the process running. */
  set referenced(referenced: boolean) {
    this.#referenced = referenced;
    for (const held of this.#holding as readonly Partial<Referable>[]) referenced ? held.ref?.() : held.unref?.();
  }

  /**
   * Sends a request, as soon as there is a connection.
   *
   * @throws TypeError when its arguments have no form in JSON
   */
  send(request: Request): void {
    if (this.#link) this.#link.send(request);
    else
      this.#opening
        .then(
          () => request.abandoned || this.send(request),
          (error: Error) => fail(request, `${error.message}; ${request.command} was not sent`, error),
        )
        .catch(request.reject);
  }

  /** Gives up on a request. */
  abandon(request: Request): void {
    request.abandoned = true;
    this.#link?.abandon(request);
  }

  /** Ends the session from this side. */
  close(): void {
    this.#closing.abort(new QmpConnectionError(`the connection to ${this.#endpoint.name} was closed by this side`));
    this.#link?.close();
    this.#finish(undefined);
  }

  /** @param signal gives up, as does the end of the time that connecting may take */
  #open(signal: AbortSignal): Promise<void> {
    const { connectTimeout: timeout = CONNECT_TIMEOUT, onOddity, onWire, oob = true } = this.#options;
    const { name } = this.#endpoint;
    const stop = new AbortController();
    let link: Link | undefined;
    const patience = after(timeout * PATIENCE, () => link?.provoke?.());
    let unwatch: (() => void) | undefined;
    return new Promise<void>((resolve, reject) => {
      const failed = (error: unknown): void => {
        // It has become ready while it was found out what was amiss.
        if (link && link === this.#link) return;
        reject(error);
        stop.abort(error);
        link?.close();
      };
      const silence = async (): Promise<string> =>
        name + ((await explain(({ describeSilence }) => describeSilence(link))) ?? ' did not answer');
      unwatch = watch({ signal, timeout }, silence, failed);
      stop.signal.throwIfAborted();
      this.#endpoint
        .open(stop.signal)
        .then((streams) => {
          const opened = this.#protocol(
            streams,
            name,
            {
              ready: (greeting, enabled) => {
                const again = this.greeting !== undefined;
                this.greeting = greeting;
                this.oob = enabled;
                this.#link = opened;
                this.#holding = [streams.readable, streams.writable];
                this.referenced = this.#referenced;
                resolve();
                if (again) this.events.reconnected();
              },
              failed,
              event: (message) => this.#publish(message),
              oddity: (oddity) => tell(onOddity, oddity),
              log: onWire && ((direction, message) => tell(onWire, direction, message)),
              end: (error, lost, quit) => {
                reject(error);
                if (opened === this.#link) this.#lose(error, lost, quit);
              },
            },
            oob,
          );
          link = opened;
          // It was opened too late.
          if (stop.signal.aborted) link.close();
        })
        .catch(failed);
    }).finally(() => {
      clearTimeout(patience);
      unwatch?.();
    });
  }

  #lose(error: QmpConnectionError | undefined, commands: readonly string[], quit: boolean): void {
    this.#link = undefined;
    const { reconnect } = this.#options;
    if (error && reconnect && !quit) {
      this.#opening = this.#hold(
        reconnect(() => this.#open(this.#closing.signal), { error, commands }, this.#closing.signal),
      );
      this.#opening.catch((last: Error) => this.#finish(last));
    } else {
      this.#finish(error);
    }
  }

  /** Keeps the process running until it is decided whether there will be another connection. */
  #hold(reconnecting: Promise<void>): Promise<void> {
    const timer = setInterval(() => {}, LONGEST_DELAY);
    this.#holding = [timer];
    this.referenced = this.#referenced;
    return reconnecting.finally(() => clearInterval(timer));
  }

  #finish(error: Error | undefined): void {
    this.#opening = Promise.reject(error ?? this.#closing.signal.reason);
    this.#opening.catch(() => {});
    this.events.end(error);
    this.#end(error);
  }

  #publish(message: JsonObject): void {
    const { event, data } = message as { event: string; data?: JsonValue };
    try {
      const checked = this.validation ? this.validation.data(event, data) : data;
      this.events.publish({ event, data: checked, ...timeOf(message.timestamp) });
    } catch (error) {
      tell(this.#options.onOddity, { kind: 'invalid-event', message, error: error as Error });
    }
  }
}

function timeOf(timestamp: JsonValue | undefined): { timestamp: EventTimestamp; date: Date } {
  const { seconds = -1, microseconds = -1 } = isJsonObject(timestamp) ? timestamp : {};
  const time = { seconds: Number(seconds), microseconds: Number(microseconds) };
  const date = new Date(time.seconds < 0 ? Number.NaN : time.seconds * 1000 + time.microseconds / 1000);
  return { timestamp: time, date };
}
