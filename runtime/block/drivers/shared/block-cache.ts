interface Block {
  readonly data: Uint8Array;
  /** Absent when the data is there. */
  loading: Promise<void> | undefined;
}

/**
 * Fills buffers that follow each other with what begins at `offset`.
 *
 * @throws BlockError when not all of it can be read
 */
export type Load = (offset: number, buffers: readonly Uint8Array[]) => Promise<void>;

/** What is fetched at a time where blocks are smaller, in bytes. */
const smallestRequest = 256 * 1024;
/** What is kept, in bytes, but always a few blocks. */
const cacheSize = 4 * 1024 * 1024;
const fewestBlocks = 4;

/** The blocks of a file that were used last. A block that several readers want at the same time is loaded once. */
export class BlockCache {
  readonly #length: number;
  readonly #blockSize: number;
  readonly #capacity: number;
  readonly #load: Load;
  /** By their index; those used last are last. */
  readonly #blocks = new Map<number, Block>();

  /** @param length of the file, in bytes */
  constructor(length: number, blockSize: number, load: Load) {
    this.#length = length;
    this.#blockSize = blockSize;
    this.#capacity = Math.max(fewestBlocks, Math.floor(cacheSize / blockSize));
    this.#load = load;
  }

  /** Fills a buffer. The range is inside of the file. */
  async read(offset: number, buffer: Uint8Array): Promise<void> {
    const size = this.#blockSize;
    const first = Math.floor(offset / size);
    const end = Math.ceil((offset + buffer.length) / size);
    const blocks = this.#blocksOf(first, end);
    // Awaited together, so that none of them fails unheard.
    const loading = blocks.map((block) => block.loading).filter((promise) => promise !== undefined);
    if (loading.length > 0) await Promise.all(loading);
    for (const [index, { data }] of blocks.entries()) {
      const start = (first + index) * size;
      const from = Math.max(0, offset - start);
      buffer.set(data.subarray(from, Math.min(size, offset + buffer.length - start)), start + from - offset);
    }
  }

  #blocksOf(first: number, end: number): Block[] {
    const blocks: Block[] = [];
    for (let index = first; index < end; index++) {
      const block = this.#blocks.get(index);
      if (block === undefined) {
        const missing = this.#loadFrom(index, end);
        blocks.push(...missing);
        index += missing.length - 1;
      } else {
        this.#blocks.delete(index);
        this.#blocks.set(index, block);
        blocks.push(block);
      }
    }
    this.#evict();
    return blocks;
  }

  /** Begins to load the block with an index, and those behind it that are wanted and missing, too, as far as one request goes. */
  #loadFrom(first: number, end: number): Block[] {
    const size = this.#blockSize;
    const most = Math.max(1, Math.floor(smallestRequest / size));
    const missing: Block[] = [];
    for (let index = first; index < Math.min(end, first + most) && !this.#blocks.has(index); index++) {
      const data = Buffer.allocUnsafe(Math.min(size, this.#length - index * size));
      const block: Block = { data, loading: undefined };
      missing.push(block);
      this.#blocks.set(index, block);
    }
    const loading = this.#fill(first, missing);
    for (const block of missing) block.loading = loading;
    return missing;
  }

  async #fill(first: number, blocks: readonly Block[]): Promise<void> {
    try {
      await this.#load(
        first * this.#blockSize,
        blocks.map((block) => block.data),
      );
      for (const block of blocks) block.loading = undefined;
    } catch (error) {
      // The next reader tries again.
      for (const [index, block] of blocks.entries()) {
        if (this.#blocks.get(first + index) === block) this.#blocks.delete(first + index);
      }
      throw error;
    }
  }

  #evict(): void {
    for (const index of this.#blocks.keys()) {
      if (this.#blocks.size <= this.#capacity) return;
      this.#blocks.delete(index);
    }
  }
}
