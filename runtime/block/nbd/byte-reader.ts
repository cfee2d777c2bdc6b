import type { Duplex } from 'node:stream';

/** The peer closed the connection in the middle of a message, or the connection broke. */
export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed';
}

/** Bytes that may be here unread. To stop and start the stream for each chunk would cost more than they do. */
const readAhead = 256 * 1024;

/**
 * Reads exact numbers of bytes from a stream. What arrives faster than it is read stays in the stream, except for a few chunks,
 * so that a peer that sends without end is slowed down and not stored.
 */
export class ByteReader {
  readonly #stream: Duplex;
  #chunks: Buffer[] = [];
  /** Bytes of the first chunk that are already read. */
  #consumed = 0;
  #available = 0;
  #ended = false;
  #paused = false;
  /** What is being filled, and how much of it is. */
  #target: Buffer | undefined;
  #filled = 0;
  #resolve: () => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#available += chunk.length;
      if (this.#target !== undefined) this.#advance();
      if (this.#available >= readAhead && !this.#paused) {
        this.#paused = true;
        stream.pause();
      }
    });
    const end = (): void => {
      this.#ended = true;
      if (this.#target !== undefined) this.#advance();
    };
    stream.on('end', end);
    stream.on('close', end);
    stream.on('error', end);
  }

  /** The next `length` bytes if they are already here, in one piece. A view, which nobody writes over. */
  tryRead(length: number): Buffer | undefined {
    const first = this.#chunks[0];
    if (first === undefined || first.length - this.#consumed < length) return undefined;
    const data = first.subarray(this.#consumed, this.#consumed + length);
    this.#consume(first, length);
    return data;
  }

  /**
   * The next `length` bytes.
   *
   * @throws ConnectionClosed when the stream ends before.
   */
  async read(length: number): Promise<Buffer> {
    const data = this.tryRead(length);
    if (data) return data;
    const target = Buffer.allocUnsafe(length);
    await this.fill(target);
    return target;
  }

  /**
   * Fills a buffer with the next bytes, as they arrive.
   *
   * @throws ConnectionClosed when the stream ends before.
   */
  fill(target: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#target = target;
      this.#filled = 0;
      this.#resolve = resolve;
      this.#reject = reject;
      this.#advance();
    });
  }

  #advance(): void {
    const target = this.#target as Buffer;
    while (this.#filled < target.length) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) {
        this.#wait();
        return;
      }
      const copied = chunk.copy(target, this.#filled, this.#consumed);
      this.#filled += copied;
      this.#consume(chunk, copied);
    }
    this.#target = undefined;
    this.#resolve();
  }

  #wait(): void {
    if (this.#ended) {
      this.#target = undefined;
      this.#reject(new ConnectionClosed('The connection was closed'));
    } else if (this.#paused) {
      this.#paused = false;
      this.#stream.resume();
    }
  }

  #consume(first: Buffer, length: number): void {
    this.#available -= length;
    this.#consumed += length;
    if (this.#consumed < first.length) return;
    this.#chunks.shift();
    this.#consumed = 0;
  }
}
