import type { BlockHost } from '../../driver.js';
import { BlockError, ioError } from '../../error.js';
import { ExportFlag } from '../../nbd/protocol.js';
import { Gate } from '../shared/gate.js';
import { type Connected, connectTo } from './connect.js';
import { ConnectionLost, NbdConnection } from './connection.js';
import type { Agreement } from './handshake.js';
import { describePlace } from './names.js';
import type { NbdOptions } from './options.js';
import type { Extent, NbdRequest } from './request.js';

/** As many requests as run at a time; servers take no more either. */
const mostRequests = 16;
/** Nanoseconds between attempts to reach a server that was never reached. */
const openPause = 1e9;
/** Nanoseconds between attempts to reach a server that has gone: so many at first, twice as many each time, and at most so many. */
const firstPause = 1e9;
const longestPause = 16e9;

interface Waiting {
  resolve(): void;
  reject(error: BlockError): void;
}

/** An export on a server. When the connection is lost, it is made again in the background. */
export class NbdDisk {
  readonly #options: NbdOptions;
  readonly #host: BlockHost;
  readonly #gate = new Gate(mostRequests);
  /** Ends what goes on in the background. */
  readonly #closing = new AbortController();
  /** What was agreed first: a server that comes back must offer as much. */
  readonly #agreement: Agreement;
  #connection: NbdConnection | undefined;
  /** Requests that wait for the server to come back. */
  readonly #waiting = new Set<Waiting>();
  /** Runs from a loss on until a request has been answered again. Afterwards requests do not wait, but fail at once. */
  #delay: { cancel(): void } | undefined;
  #pause: { cancel(): void } | undefined;
  /** Nanoseconds until the next attempt. */
  #nextPause = 0;

  private constructor(options: NbdOptions, host: BlockHost, connected: Connected) {
    this.#options = options;
    this.#host = host;
    this.#agreement = connected.agreement;
    this.#use(connected);
  }

  /** @throws BlockError when the server cannot be reached, has no such export, or does not speak as it should */
  static async open(options: NbdOptions, host: BlockHost): Promise<NbdDisk> {
    const end = host.clock.now() + options.openTimeout;
    for (;;) {
      try {
        return new NbdDisk(options, host, await connectTo(options, host, new AbortController().signal));
      } catch (error) {
        if (!(error instanceof BlockError) || host.clock.now() >= end) throw error;
        const pause = Math.min(openPause, end - host.clock.now());
        await new Promise<void>((resolve) => host.clock.after(pause, resolve));
      }
    }
  }

  get agreement(): Agreement {
    return this.#agreement;
  }

  /** Whether the server does something: one of {@link ExportFlag}. */
  can(flag: number): boolean {
    return (this.#agreement.flags & flag) !== 0;
  }

  /**
   * Sends a request, when there are not too many in flight.
   *
   * @returns what block status was asked for
   * @throws BlockError that the server reports, or EIO when it is gone
   */
  request(request: NbdRequest): Promise<Extent | undefined> {
    return this.#gate.run(async () => {
      for (;;) {
        const connection = this.#connection;
        if (connection === undefined) {
          await this.#reconnected();
          continue;
        }
        try {
          const extent = await connection.request(request);
          this.#worked();
          return extent;
        } catch (error) {
          if (!(error instanceof ConnectionLost)) throw error;
          // All requests may be made again: none depends on another.
          if (this.#delay === undefined) throw ioError('EIO', error);
        }
      }
    });
  }

  close(): void {
    this.#closing.abort();
    this.#pause?.cancel();
    this.giveUpWaiting();
    this.#connection?.close();
    this.#connection = undefined;
  }

  #use(connected: Connected): void {
    this.#connection = new NbdConnection(connected, (reason) => this.#lost(reason));
    this.#connection.start();
  }

  /** The server does what is asked of it: what it did before is forgotten. */
  #worked(): void {
    this.#nextPause = 0;
    this.#delay?.cancel();
    this.#delay = undefined;
  }

  #lost(reason: ConnectionLost): void {
    this.#connection = undefined;
    this.#warn(`the connection is lost: ${reason.message}; connecting again`);
    const { reconnectDelay } = this.#options;
    // A server that comes back, only to go once more at the same request, is not given time again and again.
    if (this.#nextPause === 0 && reconnectDelay > 0) {
      this.#delay ??= this.#host.clock.after(reconnectDelay, () => this.giveUpWaiting());
    }
    this.#connectLater();
  }

  /** Requests do not wait any longer for the server to come back: those that did fail, and so do others while it is away. */
  giveUpWaiting(): void {
    this.#delay?.cancel();
    this.#delay = undefined;
    for (const { reject } of this.#waiting) reject(ioError('EIO'));
    this.#waiting.clear();
  }

  /** Resolves when there may be a connection again. @throws BlockError (EIO) when that is not waited for */
  #reconnected(): Promise<void> {
    if (this.#delay === undefined) return Promise.reject(ioError('EIO'));
    return new Promise((resolve, reject) => this.#waiting.add({ resolve, reject }));
  }

  #connectLater(): void {
    const pause = this.#nextPause;
    this.#nextPause = Math.min(Math.max(firstPause, 2 * pause), longestPause);
    if (pause === 0) void this.#connectAgain();
    else this.#pause = this.#host.clock.after(pause, () => void this.#connectAgain());
  }

  /** Tries to connect, and again later if that fails. */
  async #connectAgain(): Promise<void> {
    const { signal } = this.#closing;
    let connected: Connected;
    try {
      connected = await connectTo(this.#options, this.#host, signal);
      this.#checkSame(connected);
    } catch {
      // The loss was reported. What keeps the server away does not matter.
      if (!signal.aborted) this.#connectLater();
      return;
    }
    if (signal.aborted) {
      connected.socket.destroy();
      return;
    }
    this.#warn('connected again');
    this.#use(connected);
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** @throws BlockError when the export is not what it was: what is above counts on that */
  #checkSame({ socket, agreement }: Connected): void {
    const { size, flags, minimum, maximum, framing, contextId } = this.#agreement;
    const same =
      agreement.size >= size &&
      (flags & ~agreement.flags & ~ExportFlag.readOnly) === 0 &&
      (agreement.flags & ~flags & ExportFlag.readOnly) === 0 &&
      (agreement.minimum ?? 1) <= (minimum ?? 1) &&
      agreement.maximum >= maximum &&
      (framing !== 'extended' || agreement.framing === 'extended') &&
      (contextId === undefined || agreement.contextId !== undefined);
    if (same) return;
    socket.destroy();
    this.#warn('the server is back with an export that is not the same; it is not used');
    throw new BlockError('the export is not what it was', { code: 'EINVAL' });
  }

  #warn(message: string): void {
    const { place, exportName } = this.#options;
    this.#host.warn(`NBD export '${exportName}' of '${describePlace(place)}': ${message}`);
  }
}
