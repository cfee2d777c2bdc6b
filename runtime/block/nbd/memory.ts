import { BufferPool } from './buffer-pool.js';

/** Bytes of data that all connections together may have in flight; each may have {@link pieceLength} more. */
const mostInFlightBytes = 64 * 1024 * 1024;

/** Bytes of buffers that are kept between requests: sixteen of 2 MiB, and some small ones. */
const mostKept = 36 * 1024 * 1024;

/** What a connection can always have, in bytes: with that it goes on, if slowly, however much the others hold. */
export const pieceLength: number = 1024 * 1024;

/** Milliseconds without any data in flight after which kept buffers are let go. */
const idleTime = 2000;

/**
 * The memory for data of NBD clients. A client that does not read what it asked for holds on to it, so that there is a bound for
 * all of them together, and no client can use up what others need.
 */
export class NbdMemory {
  readonly pool: BufferPool = new BufferPool(mostKept);
  readonly #most: number;
  #connections = 0;
  #bytes = 0;
  #idle: NodeJS.Timeout | undefined;

  /** @param most bytes in flight for all connections together */
  constructor(most: number = mostInFlightBytes) {
    this.#most = most;
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
    if (bytes > 0 || this.#bytes > 0) return;
    // A timer that is there already is started again, which costs less than a new one.
    if (this.#idle === undefined) this.#idle = setTimeout(() => this.#release(), idleTime).unref();
    else this.#idle.refresh();
  }

  /** Whether a connection that has `held` bytes in flight may have some more. */
  hasRoom(held: number, more: number): boolean {
    if (held === 0 && more <= pieceLength) return true;
    if (this.#bytes + more > this.#most) return false;
    // Alone in flight, a request may be larger than a fair share.
    return held === 0 || held + more <= Math.max(pieceLength, this.#most / this.#connections);
  }

  #release(): void {
    if (this.#bytes === 0) this.pool.clear();
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
