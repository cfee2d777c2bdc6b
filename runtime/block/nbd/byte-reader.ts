import type { Duplex } from 'node:stream';

/** The peer closed the connection in the middle of a message, or the connection broke. */
export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed';
}

/**
 * Reads exact numbers of bytes from a stream. What arrives faster than it is read stays in the stream, except for about one chunk,
 * so that a peer that sends without end is slowed down and not stored.
 */
export class ByteReader {
  readonly #stream: Duplex;
  #chunks: Buffer[] = [];
  /** Bytes of the first chunk that are already read. */
  #consumed = 0;
  #available = 0;
  #ended = false;
  #waiting:
    | { readonly length: number; readonly resolve: (data: Buffer) => void; readonly reject: (error: Error) => void }
    | undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#available += chunk.length;
      this.#settle();
      if (this.#waiting === undefined) stream.pause();
    });
    const end = (): void => {
      this.#ended = true;
      this.#settle();
    };
    stream.on('end', end);
    stream.on('close', end);
    stream.on('error', end);
  }

  /** The next `length` bytes if they are already here. A view: valid until it is written over by its owner, which is nobody. */
  tryRead(length: number): Buffer | undefined {
    return this.#available >= length ? this.#take(length) : undefined;
  }

  /**
   * The next `length` bytes.
   *
   * @throws ConnectionClosed when the stream ends before.
   */
  read(length: number): Promise<Buffer> {
    const data = this.tryRead(length);
    if (data) return Promise.resolve(data);
    return new Promise((resolve, reject) => {
      this.#waiting = { length, resolve, reject };
      this.#settle();
      this.#stream.resume();
    });
  }

  #settle(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    if (this.#available >= waiting.length) {
      this.#waiting = undefined;
      waiting.resolve(this.#take(waiting.length));
    } else if (this.#ended) {
      this.#waiting = undefined;
      waiting.reject(new ConnectionClosed('The connection was closed'));
    }
  }

  #take(length: number): Buffer {
    const first = this.#chunks[0];
    this.#available -= length;
    if (first !== undefined && first.length - this.#consumed >= length) {
      const data = first.subarray(this.#consumed, this.#consumed + length);
      this.#consumed += length;
      if (this.#consumed === first.length) this.#dropFirst();
      return data;
    }
    const data = Buffer.allocUnsafe(length);
    for (let filled = 0; filled < length; ) {
      const chunk = this.#chunks[0] as Buffer;
      const copied = chunk.copy(data, filled, this.#consumed);
      filled += copied;
      this.#consumed += copied;
      if (this.#consumed === chunk.length) this.#dropFirst();
    }
    return data;
  }

  #dropFirst(): void {
    this.#chunks.shift();
    this.#consumed = 0;
  }
}
