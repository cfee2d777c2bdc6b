import { Lock } from './lock.js';

/** What is kept, in bytes, but always the block that was used last. */
const capacity = 4 * 1024 * 1024;

interface Block {
  readonly length: number;
  readonly data: Promise<Uint8Array>;
}

/**
 * The decompressed blocks of an image that were used last: parts of a block are mostly read one after the other. A block that
 * several readers want at the same time is decompressed once, and of those that are too large to be kept, one at a time.
 */
export class UnpackedBlocks {
  /** By their keys; those used last are last. */
  readonly #blocks = new Map<number, Block>();
  readonly #large = new Lock();
  #kept = 0;
  #loading = 0;

  /**
   * @param key tells blocks apart
   * @param length of the block, decompressed
   * @param load reads it. `alone` returns whether no other block is being read
   * @returns its contents, which are shared: not to be changed
   */
  get(key: number, length: number, load: (alone: () => boolean) => Promise<Uint8Array>): Promise<Uint8Array> {
    const known = this.#blocks.get(key);
    if (known !== undefined) {
      this.#blocks.delete(key);
      this.#blocks.set(key, known);
      return known.data;
    }
    this.#loading++;
    const alone = (): boolean => this.#loading === 1;
    const data = length > capacity ? this.#large.run(() => load(alone)) : load(alone);
    const block = { length, data };
    this.#blocks.set(key, block);
    this.#kept += length;
    this.#evict();
    data.then(
      () => {
        this.#loading--;
      },
      () => {
        this.#loading--;
        // The next reader tries again.
        if (this.#blocks.get(key) === block) this.#forget(key, block);
      },
    );
    return data;
  }

  /** Forgets all blocks: there may be something else where they were. */
  clear(): void {
    this.#blocks.clear();
    this.#kept = 0;
  }

  #forget(key: number, { length }: Block): void {
    this.#blocks.delete(key);
    this.#kept -= length;
  }

  #evict(): void {
    for (const [key, block] of this.#blocks) {
      if (this.#kept <= capacity || this.#blocks.size === 1) return;
      this.#forget(key, block);
    }
  }
}
