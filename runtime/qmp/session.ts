import { isJsonObject, type JsonObject, type JsonValue } from '../json/value.js';
import type { ConnectOptions } from './client-options.js';
import { Connection, fail, type Request } from './connection.js';
import { watch } from './deadline.js';
import type { Endpoint, StreamPair } from './endpoint.js';
import { EventHub } from './event-hub.js';
import { QmpConnectionError } from './failure.js';
import { tell } from './listener.js';
import type { EventTimestamp } from './schema.js';
import type { Validation } from './validation.js';

/** What a server says of itself when a connection is made. */
export interface QmpGreeting {
  readonly version: {
    readonly qemu: { readonly major: number; readonly minor: number; readonly micro: number };
    readonly package: string;
  };
  /** What the server offers, such as `oob`. */
  readonly capabilities: readonly string[];
}

const CONNECT_TIMEOUT = 10_000;

/** How many in-band requests leave a server able to read an out-of-band one: with more of them waiting it stops reading. */
const IN_BAND_LIMIT = 8;

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
  readonly #options: ConnectOptions;
  readonly #closing = new AbortController();
  #connection: Connection | undefined;
  /** Settles when there is a connection, or when there will be none. */
  #opening: Promise<void> = Promise.resolve();
  #end: (error: Error | undefined) => void = () => {};

  constructor(endpoint: Endpoint, options: ConnectOptions) {
    if (options.reconnect && !endpoint.lasting) {
      throw new TypeError('a stream cannot be opened again: to reconnect, give an address or a function');
    }
    this.#endpoint = endpoint;
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
    this.#opening = this.#open();
    return this.#opening;
  }

  /**
   * Sends a request, as soon as there is a connection.
   *
   * @throws TypeError when its arguments have no form in JSON
   */
  send(request: Request): void {
    if (this.#connection) this.#connection.send(request);
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
    this.#connection?.abandon(request);
  }

  /** Ends the session from this side. */
  close(): void {
    this.#closing.abort(new QmpConnectionError(`the connection to ${this.#endpoint.name} was closed by this side`));
    this.#connection?.close();
    this.#finish(undefined);
  }

  async #open(): Promise<void> {
    const { connectTimeout: timeout = CONNECT_TIMEOUT, signal = this.#closing.signal } = this.#options;
    const stop = new AbortController();
    const silence = `${this.#endpoint.name}, which may be busy with another client, did not greet and agree`;
    const giveUp = (error: unknown): void => stop.abort(error);
    const unwatch = watch({ signal: AbortSignal.any([signal, this.#closing.signal]), timeout }, silence, giveUp);
    try {
      stop.signal.throwIfAborted();
      await this.#negotiate(await this.#endpoint.open(stop.signal), stop.signal);
    } finally {
      unwatch();
    }
  }

  #negotiate(streams: StreamPair, stop: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const { onOddity, onWire } = this.#options;
      const giveUp = (error: unknown): void => {
        reject(error);
        connection.close();
      };
      const connection = new Connection(streams, this.#endpoint.name, {
        greeting: (greeting) => {
          const offered = (greeting as Partial<QmpGreeting>).capabilities;
          const oob = this.#options.oob !== false && Array.isArray(offered) && offered.includes('oob');
          connection.send({
            command: 'qmp_capabilities',
            arguments: oob ? { enable: ['oob'] } : undefined,
            oob: false,
            reject: giveUp,
            resolve: () => {
              this.greeting = greeting as unknown as QmpGreeting;
              this.oob = oob;
              if (oob) connection.limit = IN_BAND_LIMIT;
              this.#connection = connection;
              resolve();
            },
          });
        },
        event: (message) => this.#publish(message),
        oddity: (oddity) => tell(onOddity, oddity),
        log: onWire && ((direction, message) => tell(onWire, direction, message)),
        end: (error, lost) => {
          reject(error);
          if (connection === this.#connection) this.#lose(error, lost);
        },
      });
      stop.addEventListener('abort', () => giveUp(stop.reason));
    });
  }

  #lose(error: QmpConnectionError | undefined, commands: readonly string[]): void {
    this.#connection = undefined;
    const { reconnect } = this.#options;
    if (error && reconnect) {
      this.#opening = reconnect(() => this.#open(), { error, commands }, this.#closing.signal);
      this.#opening.catch((last: Error) => this.#finish(last));
    } else {
      this.#finish(error);
    }
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
