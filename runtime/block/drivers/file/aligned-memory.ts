/** The part of WebAssembly's interface that is used here; its declarations come with those of browsers only. */
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

const pageSize = 65_536;

/**
 * Buffers at addresses that any disk takes: O_DIRECT refuses others, and Node.js gives no say in where a buffer lies. The memory
 * of WebAssembly begins at a page.
 */
export class AlignedMemory {
  /** Bytes of a buffer; a longer request is cut into pieces. */
  readonly bufferSize: number;
  readonly #free: Buffer[] = [];
  readonly #waiting: ((buffer: Buffer) => void)[] = [];

  /**
   * @param bufferSize bytes, a multiple of 65536
   * @param count how many buffers there are; who wants one more waits
   */
  constructor(bufferSize: number, count: number) {
    this.bufferSize = bufferSize;
    const pages = (bufferSize * count) / pageSize;
    const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
    for (let i = 0; i < count; i++) this.#free.push(Buffer.from(buffer, i * bufferSize, bufferSize));
  }

  /** A buffer for one's own use until it is given back. */
  take(): Promise<Buffer> {
    const buffer = this.#free.pop();
    if (buffer !== undefined) return Promise.resolve(buffer);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  giveBack(buffer: Buffer): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(buffer);
    else next(buffer);
  }
}

let shared: AlignedMemory | undefined;

/** The buffers that all files share. */
export function alignedMemory(): AlignedMemory {
  shared ??= new AlignedMemory(4 * pageSize, 16);
  return shared;
}
