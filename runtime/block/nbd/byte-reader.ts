/** The peer closed the connection in the middle of a message, or the connection broke. */
export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed';
}

/** The most bytes that are received at once, unless they are known to be one piece of data. */
const windowSize = 64 * 1024;
/** After data as long as this, more of the kind is expected, and only the header before it received along with others. */
const largeData = 32 * 1024;
const smallWindow = 4096;
/** Room for a window and for what may be left of the one before, which is less than a message's header after it. */
const memorySize = 2 * windowSize + 64;

/**
 * Takes messages out of a stream of bytes. The bytes come either in chunks ({@link push}) or, without being copied once more, in
 * memory that the reader names ({@link room}, {@link arrived}): long data is then received where it belongs.
 *
 * A peer that sends without end is slowed down and not stored: after {@link hold}, little more than a window is taken.
 */
export class ByteReader {
  /** Called when bytes have arrived, or none will any more. */
  onReady: () => void = () => {};
  /** Makes the bytes flow again, after they were held. */
  resume: () => void = () => {};
  #memory: Buffer = Buffer.alloc(0);
  /** The bytes that have arrived and are not taken are between these two. */
  #start = 0;
  #end = 0;
  /** What is being filled, and how much of it is. */
  #target: Buffer | undefined;
  #filled = 0;
  /** The next bytes arrive in the target itself. */
  #direct = false;
  #window = windowSize;
  #held = false;
  #ended = false;

  /** Whether what was to be filled still is. */
  get filling(): boolean {
    return this.#target !== undefined;
  }

  /** Whether nothing will come any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Where the next bytes go. */
  room(): Buffer {
    this.#direct = this.#target !== undefined;
    if (this.#target !== undefined) return this.#target.subarray(this.#filled);
    if (this.#memory.length < memorySize) this.#memory = Buffer.allocUnsafeSlow(memorySize);
    if (this.#start > 0) {
      this.#memory.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    return this.#memory.subarray(this.#end, this.#end + this.#window);
  }

  /**
   * Bytes have arrived in what {@link room} gave.
   *
   * @returns whether more may come
   */
  arrived(count: number): boolean {
    if (this.#direct) {
      this.#filled += count;
      if (this.#filled === this.#target?.length) this.#target = undefined;
    } else {
      this.#end += count;
      this.#pour();
    }
    this.onReady();
    return !this.#held;
  }

  /**
   * A chunk has arrived. Its bytes must not change afterwards.
   *
   * @returns whether more may come
   */
  push(chunk: Buffer): boolean {
    const rest = this.#memory.subarray(this.#start, this.#end);
    this.#memory = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    this.#start = 0;
    this.#end = this.#memory.length;
    this.#pour();
    this.onReady();
    return !this.#held;
  }

  /** Nothing will come any more. */
  end(): void {
    this.#ended = true;
    this.onReady();
  }

  /** No more is wanted for now. */
  hold(): void {
    this.#held = true;
  }

  /** More is wanted again. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.resume();
  }

  /** The next `length` bytes if they are here: a view, which the next ones that arrive may overwrite. */
  take(length: number): Buffer | undefined {
    if (this.#end - this.#start < length) return undefined;
    this.#start += length;
    return this.#memory.subarray(this.#start - length, this.#start);
  }

  /** Fills a buffer with the next bytes, with those that are here at once; {@link filling} tells whether some are missing. */
  fill(target: Buffer): void {
    this.#target = target;
    this.#filled = 0;
    this.#window = target.length < largeData ? windowSize : smallWindow;
    this.#pour();
  }

  /**
   * The next `length` bytes.
   *
   * @throws ConnectionClosed when the stream ends before.
   */
  read(length: number): Promise<Buffer> {
    const target = Buffer.allocUnsafe(length);
    return new Promise((resolve, reject) => {
      this.onReady = () => {
        if (!this.filling) resolve(target);
        else if (this.#ended) reject(new ConnectionClosed('The connection was closed'));
      };
      this.fill(target);
      this.onReady();
    });
  }

  /** Moves what is here to where it is wanted. */
  #pour(): void {
    const target = this.#target;
    if (target === undefined) return;
    const copied = this.#memory.copy(target, this.#filled, this.#start, this.#end);
    this.#start += copied;
    this.#filled += copied;
    if (this.#filled === target.length) this.#target = undefined;
  }
}
