import type { JsonObject } from '../json/value.js';
import type { ConnectOptions } from './client-options.js';
import { Connection, type Request } from './connection.js';
import type { Endpoint } from './endpoint.js';
import { atCallSite, callSite, QmpConnectionError, QmpTimeoutError } from './failure.js';
import { tell } from './listener.js';
import { tryAgain } from './reconnect.js';

/** What a server says of itself when a connection is made. */
export interface QmpGreeting {
  readonly version: {
    readonly qemu: { readonly major: number; readonly minor: number; readonly micro: number };
    readonly package: string;
  };
  /** What the server offers, such as `oob`. */
  readonly capabilities: readonly string[];
}

/** What a session tells its client. */
export interface SessionHooks {
  event(message: JsonObject): void;
  /** There will be no connection any more; `error` is absent when this side closed it. */
  end(error: Error | undefined): void;
}

const CONNECT_TIMEOUT = 10_000;

/** Keeps a client connected: opens, negotiates, and where wanted does so again. */
export class Session {
  greeting: QmpGreeting = { version: { qemu: { major: 0, minor: 0, micro: 0 }, package: '' }, capabilities: [] };
  /** Whether out-of-band execution is enabled. */
  oob = false;

  readonly #endpoint: Endpoint;
  readonly #options: ConnectOptions;
  readonly #hooks: SessionHooks;
  readonly #closing = new AbortController();
  #connection: Connection | undefined;
  /** Settles when there is a connection, or when there will be none. */
  #opening: Promise<unknown> = Promise.resolve();
  #ended = false;

  constructor(endpoint: Endpoint, options: ConnectOptions, hooks: SessionHooks) {
    if (options.reconnect && !endpoint.lasting) {
      throw new TypeError(
        'a stream cannot be opened again: to reconnect, give a path, host:port, or a function that opens one',
      );
    }
    this.#endpoint = endpoint;
    this.#options = options;
    this.#hooks = hooks;
  }

  /** Makes the first connection. */
  async start(): Promise<void> {
    this.#opening = this.#open();
    await this.#opening;
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
          (error) => this.#refuse(request, error),
        )
        .catch(request.reject);
  }

  #refuse({ command, site, reject }: Request, cause: Error): void {
    const message = `${cause.message}; ${command} was not sent`;
    reject(atCallSite(new QmpConnectionError(message, { cause, command }), site));
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
    const { connectTimeout = CONNECT_TIMEOUT, signal } = this.#options;
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(new QmpTimeoutError(this.#silence(connectTimeout))), connectTimeout);
    const signals = [deadline.signal, this.#closing.signal, ...(signal ? [signal] : [])];
    const stop = AbortSignal.any(signals);
    try {
      stop.throwIfAborted();
      await this.#negotiate(await this.#endpoint.open(stop), stop);
    } finally {
      clearTimeout(timer);
    }
  }

  #negotiate(streams: Awaited<ReturnType<Endpoint['open']>>, stop: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const { onOddity, onWire } = this.#options;
      const fail = (error: unknown): void => {
        reject(error);
        connection.close();
      };
      const connection = new Connection(streams, this.#endpoint.name, {
        greeting: (greeting) => {
          const oob = this.#options.oob !== false && offers(greeting, 'oob');
          connection.send({
            command: 'qmp_capabilities',
            arguments: oob ? { enable: ['oob'] } : undefined,
            oob: false,
            site: callSite(this.start),
            reject: fail,
            resolve: () => {
              stop.removeEventListener('abort', abort);
              this.greeting = greeting as unknown as QmpGreeting;
              this.oob = oob;
              if (oob) connection.enableOutOfBand();
              this.#connection = connection;
              resolve();
            },
          });
        },
        event: (message) => this.#hooks.event(message),
        oddity: (oddity) => tell(onOddity, oddity),
        log: onWire && ((direction, message) => tell(onWire, direction, message)),
        end: (error, lost) => {
          reject(error);
          if (connection === this.#connection) this.#lose(error, lost);
        },
      });
      const abort = (): void => fail(stop.reason);
      stop.addEventListener('abort', abort);
    });
  }

  #lose(error: QmpConnectionError | undefined, commands: readonly string[]): void {
    this.#connection = undefined;
    const { reconnect } = this.#options;
    if (!error || !reconnect) {
      this.#finish(error);
      return;
    }
    const options = reconnect === true ? {} : reconnect;
    const since = Date.now();
    tell(options.onLost, { error, commands });
    this.#opening = tryAgain(() => this.#open(), options, this.#closing.signal).then(
      (attempts) => tell(options.onReconnect, { error, commands, attempts, downtime: Date.now() - since }),
      (last: unknown) => {
        this.#finish(last instanceof Error ? last : error);
        throw last;
      },
    );
    this.#opening.catch(() => {});
  }

  #finish(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#opening = Promise.reject(error ?? this.#closing.signal.reason);
    this.#opening.catch(() => {});
    this.#hooks.end(error);
  }

  #silence(timeout: number): string {
    return `${this.#endpoint.name} did not greet and agree within ${timeout} ms; a QMP server talks to one client at a time: is another one connected?`;
  }
}

const offers = (greeting: JsonObject, capability: string): boolean =>
  Array.isArray(greeting.capabilities) && greeting.capabilities.includes(capability);
