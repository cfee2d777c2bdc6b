import type { BlockDirtyInfo, DirtyBitmapStatus } from '../../../generated/index.js';
import { BlockError } from '../error.js';
import type { BlockNode } from '../graph/node.js';
import { DirtyBits } from './dirty-bits.js';

/**
 * Records what is written to a node. While a backup uses it, it is *frozen*: what is written meanwhile is recorded apart, by its
 * successor, which takes its place when the backup succeeds, and is added to it when the backup fails.
 */
export class DirtyBitmap {
  /** Absent: it belongs to a job. */
  readonly name: string | undefined;
  readonly #node: BlockNode;
  #bits: DirtyBits;
  #successor: DirtyBits | undefined;
  readonly #track = (offset: number, length: number): void => (this.#successor ?? this.#bits).set(offset, length);
  readonly #resize = (size: number): void => {
    this.#bits.resize(size);
    this.#successor?.resize(size);
  };

  /**
   * Begins to record, with everything clean.
   *
   * @param granularity bytes of a granule, a power of two
   */
  constructor(node: BlockNode, granularity: number, name?: string) {
    this.#node = node;
    this.name = name;
    this.#bits = new DirtyBits(node.length, granularity);
    node.requests.dirtyTrackers.add(this.#track);
    node.requests.lengthTrackers.add(this.#resize);
  }

  /** What is dirty. Of a frozen one: what was, when it was frozen. */
  get bits(): DirtyBits {
    return this.#bits;
  }

  get status(): DirtyBitmapStatus {
    return this.#successor === undefined ? 'active' : 'frozen';
  }

  /** Ends the recording. */
  stop(): void {
    this.#node.requests.dirtyTrackers.delete(this.#track);
    this.#node.requests.lengthTrackers.delete(this.#resize);
  }

  /** @throws BlockError when a backup uses it */
  checkFree(action: string): void {
    if (this.#successor === undefined) return;
    throw new BlockError(`Bitmap '${this.name}' is currently frozen and cannot be ${action}: a backup uses it`, {
      code: 'EBUSY',
    });
  }

  /** A backup uses it from now on. */
  freeze(): void {
    this.#successor = new DirtyBits(this.#bits.size, this.#bits.granularity);
  }

  /** The backup has succeeded: only what was written since it began is dirty. */
  abdicate(): void {
    if (this.#successor !== undefined) this.#bits = this.#successor;
    this.#successor = undefined;
  }

  /** The backup has failed: what was written since it began is dirty beside what was before. */
  reclaim(): void {
    const successor = this.#successor;
    this.#successor = undefined;
    if (successor !== undefined) this.#bits.add(successor);
  }

  /** Makes all clean. @returns what was dirty, for {@link restore} */
  clear(): DirtyBits {
    const before = this.#bits;
    this.#bits = new DirtyBits(before.size, before.granularity);
    return before;
  }

  /** Takes back a {@link clear}: what was dirty before is, beside what was written since. */
  restore(before: DirtyBits): void {
    before.resize(this.#bits.size);
    before.add(this.#bits);
    this.#bits = before;
  }

  /** What queries show, the successor of a frozen one after it. */
  describe(): BlockDirtyInfo[] {
    const { granularity, dirtyBytes } = this.#bits;
    const named = this.name === undefined ? {} : { name: this.name };
    const own: BlockDirtyInfo = { ...named, count: dirtyBytes, granularity, status: this.status };
    if (this.#successor === undefined) return [own];
    return [own, { count: this.#successor.dirtyBytes, granularity, status: 'active' }];
  }
}
