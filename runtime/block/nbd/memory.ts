import { BufferPool } from './buffer-pool.js';
import { collectGarbage } from './collect.js';

/** Bytes of data that all connections together may have in flight; each may have {@link pieceLength} more. */
const mostInFlightBytes = 64 * 1024 * 1024;

/** Bytes of buffers that are kept between requests: sixteen of 2 MiB, and some small ones. */
const mostKept = 36 * 1024 * 1024;

/** What a connection can always have, in bytes: with that it goes on, if slowly, however much the others hold. */
export const pieceLength: number = 1024 * 1024;

/** Milliseconds with little in flight after which memory is given back. */
const quietTime = 2000;
/** Little is this part of what there was. */
const little = 1 / 4;
/** Bytes in flight that leave enough behind to collect it. */
const worthCollecting = 16 * 1024 * 1024;

/**
 * The memory for data of NBD clients. A client that does not read what it asked for holds on to it, so that there is a bound for
 * all of them together, and no client can use up what others need.
 */
export class NbdMemory {
  readonly pool: BufferPool = new BufferPool(mostKept);
  readonly #most: number;
  readonly #collect: () => void;
  #connections = 0;
  #bytes = 0;
  /** The most bytes in flight since memory was given back, and since there has been little. */
  #peak = 0;
  #recent = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param most bytes in flight for all connections together
   * @param collect called when much memory is not used any more
   */
  constructor(most: number = mostInFlightBytes, collect: () => void = collectGarbage) {
    this.#most = most;
    this.#collect = collect;
  }

  /** Bytes in flight. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A connection begins to send requests. */
  join(): MemoryShare {
    this.#connections++;
    return new MemoryShare(this);
  }

  /** A connection is no more. Only its share calls this. */
  leave(): void {
    this.#connections--;
  }

  /** Data goes in flight, or has landed. Only shares call this. */
  change(bytes: number): void {
    this.#bytes += bytes;
    this.#recent = Math.max(this.#recent, this.#bytes);
    this.#peak = Math.max(this.#peak, this.#bytes);
    if (bytes <= 0) this.#watch();
  }

  /** Whether a connection that has `held` bytes in flight may have some more. */
  hasRoom(held: number, more: number): boolean {
    if (held === 0 && more <= pieceLength) return true;
    if (this.#bytes + more > this.#most) return false;
    // Alone in flight, a request may be larger than a fair share.
    return held === 0 || held + more <= Math.max(pieceLength, this.#most / this.#connections);
  }

  /** Looks after some time whether there has been little since. */
  #watch(): void {
    if (this.#timer !== undefined || this.#bytes > this.#peak * little) return;
    this.#recent = this.#bytes;
    this.#timer = setTimeout(() => this.#look(), quietTime).unref();
  }

  #look(): void {
    this.#timer = undefined;
    const peak = this.#peak;
    this.#peak = this.#recent;
    if (this.#recent > peak * little) {
      this.#watch();
      return;
    }
    this.pool.clear();
    if (peak >= worthCollecting) this.#collect();
  }
}

/** What one connection has of the memory. */
export class MemoryShare {
  readonly #memory: NbdMemory;
  #bytes = 0;

  /** Made by {@link NbdMemory.join}. */
  constructor(memory: NbdMemory) {
    this.#memory = memory;
  }

  get pool(): BufferPool {
    return this.#memory.pool;
  }

  hasRoom(bytes: number): boolean {
    return this.#memory.hasRoom(this.#bytes, bytes);
  }

  take(bytes: number): void {
    this.#bytes += bytes;
    this.#memory.change(bytes);
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
    this.#memory.change(-bytes);
  }

  /** The connection is no more. */
  leave(): void {
    this.giveBack(this.#bytes);
    this.#memory.leave();
  }
}

/** That of the process: for all its NBD servers. */
export const processMemory: NbdMemory = new NbdMemory();
