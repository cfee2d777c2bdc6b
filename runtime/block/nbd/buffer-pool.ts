/** The sizes that are kept, as powers of two: 4 KiB to 2 MiB, the most that usual clients ask for. */
const smallest = 12;
const largest = 21;
/** A little more than a power of two: data of that size, and the header before it. */
const margin = 64;

/**
 * Buffers to be used again. To allocate one per request would keep the garbage collector busy with memory that it does not own.
 */
export class BufferPool {
  readonly #free: Buffer[][] = Array.from({ length: largest + 1 }, () => []);
  readonly #mostBytes: number;
  #bytes = 0;

  /** @param mostBytes that are kept while not in use */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** A buffer of at least `length` bytes, with anything in it. */
  take(length: number): Buffer {
    const size = sizeFor(length);
    if (size > largest) return Buffer.allocUnsafeSlow(length);
    const buffer = this.#free[size]?.pop();
    if (buffer === undefined) return Buffer.allocUnsafeSlow((1 << size) + margin);
    this.#bytes -= buffer.length;
    return buffer;
  }

  /** Gives back what {@link take} gave. */
  giveBack(buffer: Buffer): void {
    const size = sizeFor(buffer.length);
    if (size > largest || this.#bytes + buffer.length > this.#mostBytes) return;
    this.#bytes += buffer.length;
    this.#free[size]?.push(buffer);
  }

  /** Lets go of all buffers that are kept. */
  clear(): void {
    for (const buffers of this.#free) buffers.length = 0;
    this.#bytes = 0;
  }
}

/** The exponent of the smallest power of two that, with the margin, has room for some bytes. */
function sizeFor(length: number): number {
  return 32 - Math.clz32(Math.max(length - margin, 1 << smallest) - 1);
}
