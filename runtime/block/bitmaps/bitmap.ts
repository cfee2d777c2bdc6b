import type { BlockDirtyInfo, DirtyBitmapStatus } from '../../../generated/index.js';
import { BlockError, invalid } from '../error.js';
import type { BlockNode } from '../graph/node.js';
import { DirtyBits } from './dirty-bits.js';

/** What a bitmap is made with. */
export interface BitmapOptions {
  /** Bytes of a granule, a power of two. */
  readonly granularity: number;
  /** Absent: it belongs to a job. */
  readonly name?: string;
  /** Its image keeps it. Default: it is gone with its node. */
  readonly persistent?: boolean;
  /** Default: it records what is written. */
  readonly recording?: boolean;
  /** It was lost when its image was not closed: there is nothing in it. */
  readonly inconsistent?: boolean;
}

/** What queries show of a bitmap, and its place among others: of two, the one with the greater number was made later. */
export interface DescribedBitmap {
  readonly order: number;
  readonly info: BlockDirtyInfo;
}

/** How many bitmaps and successors were made. */
let made = 0;

/**
 * Records what is written to a node. While a backup uses it, it is *frozen*: what is written meanwhile is recorded apart, by its
 * successor, which takes its place when the backup succeeds, and is added to it when the backup fails.
 */
export class DirtyBitmap {
  /** Absent: it belongs to a job. */
  readonly name: string | undefined;
  readonly persistent: boolean;
  /** It was lost when its image was not closed. It never records, and can only be removed. */
  readonly inconsistent: boolean;
  #recording: boolean;
  readonly #node: BlockNode;
  #bits: DirtyBits;
  #successor: DirtyBits | undefined;
  /** How many were made before this one, and before its successor. */
  #order = made++;
  #successorOrder = 0;
  /** Users that need it to stay as it is. */
  readonly #holds = new Set<object>();
  readonly #track = (offset: number, length: number): void => {
    if (this.#recording) (this.#successor ?? this.#bits).set(offset, length);
  };
  readonly #resize = (size: number): void => {
    this.#bits.resize(size);
    this.#successor?.resize(size);
  };

  /** Begins to record, if it is to, with everything clean. */
  constructor(node: BlockNode, options: BitmapOptions) {
    const { granularity, name, persistent = false, inconsistent = false, recording = !inconsistent } = options;
    this.#node = node;
    this.name = name;
    this.persistent = persistent;
    this.inconsistent = inconsistent;
    this.#recording = recording;
    this.#bits = new DirtyBits(node.length, granularity);
    node.requests.dirtyTrackers.add(this.#track);
    node.requests.lengthTrackers.add(this.#resize);
  }

  /** What is dirty. Of a frozen one: what was, when it was frozen. */
  get bits(): DirtyBits {
    return this.#bits;
  }

  /** What is written is recorded. */
  get recording(): boolean {
    return this.#recording;
  }

  /** Its image keeps it, and is read-only: it cannot be changed. */
  get readOnly(): boolean {
    return this.persistent && this.#node.flags.readOnly;
  }

  /** Records, or does not record any more, what is written. */
  record(recording: boolean): void {
    this.#recording = recording;
  }

  /** All that its image is to keep: what is dirty, and what would be if the backup that uses it failed. */
  get contents(): DirtyBits {
    if (this.#successor === undefined) return this.#bits;
    const all = new DirtyBits(this.#bits.size, this.#bits.granularity);
    all.add(this.#bits);
    all.add(this.#successor);
    return all;
  }

  get status(): DirtyBitmapStatus {
    if (this.inconsistent) return 'inconsistent';
    if (this.#successor !== undefined) return 'frozen';
    if (this.#holds.size > 0) return 'locked';
    return this.#recording ? 'active' : 'disabled';
  }

  /** Something needs it as it is: a backup, or an export. */
  get busy(): boolean {
    return this.#successor !== undefined || this.#holds.size > 0;
  }

  /** Ends the recording. */
  stop(): void {
    this.#node.requests.dirtyTrackers.delete(this.#track);
    this.#node.requests.lengthTrackers.delete(this.#resize);
  }

  /**
   * Whether it can be used now.
   *
   * @param use `read` what it says, `change` it, or `remove` it
   * @throws BlockError when it is in use by something else, kept in an image that is read-only, or inconsistent
   */
  checkUse(use: 'read' | 'change' | 'remove'): void {
    if (this.busy) {
      throw new BlockError(`Bitmap '${this.name}' is currently in use by another operation and cannot be used`, {
        code: 'EBUSY',
      });
    }
    if (use !== 'read' && this.readOnly) {
      throw new BlockError(`Bitmap '${this.name}' is readonly and cannot be modified`, { code: 'EPERM' });
    }
    if (use !== 'remove' && this.inconsistent) {
      throw invalid(
        `Bitmap '${this.name}' is inconsistent and cannot be used: its image was not closed; block-dirty-bitmap-remove removes it`,
      );
    }
  }

  /** To be called before it is changed by anything but a write: its image says so on the disk first. @throws BlockError */
  async beforeChange(): Promise<void> {
    if (this.persistent) await this.#node.instance?.bitmaps?.beforeChange();
  }

  /** Keeps it as it is but for what is recorded. What it returns ends that, when it is called for the first time. */
  hold(): () => void {
    const hold = {};
    this.#holds.add(hold);
    return () => void this.#holds.delete(hold);
  }

  /**
   * Marks what is dirty in others, beside what is already.
   *
   * @returns what was dirty, for {@link unmerge}
   * @throws BlockError when one is for a disk of another size
   */
  merge(others: readonly DirtyBits[]): DirtyBits {
    const before = this.#bits;
    const all = new DirtyBits(before.size, before.granularity);
    for (const bits of [before, ...others]) {
      if (bits.size !== all.size) {
        throw invalid(
          `Bitmaps are of different sizes (destination size is ${all.size}, source size is ${bits.size}) and can't be merged`,
        );
      }
      all.add(bits);
    }
    this.#bits = all;
    return before;
  }

  /** Puts back what was dirty before a {@link merge}. Nothing was written since. */
  unmerge(before: DirtyBits): void {
    this.#bits = before;
  }

  /** Marks what a failed backup has not copied. */
  mark(bits: DirtyBits): void {
    this.#bits.add(bits);
  }

  /** A backup uses it from now on. */
  freeze(): void {
    this.#successor = new DirtyBits(this.#bits.size, this.#bits.granularity);
    this.#successorOrder = made++;
  }

  /** The backup has succeeded: only what was written since it began is dirty. */
  abdicate(): void {
    if (this.#successor === undefined) return;
    this.#bits = this.#successor;
    this.#order = this.#successorOrder;
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

  /** What queries show: the bitmap, and, while a backup uses it, its successor, which has no name. */
  *describe(): Iterable<DescribedBitmap> {
    const { granularity, dirtyBytes } = this.#bits;
    const name = this.name === undefined ? {} : { name: this.name };
    const recording = this.#recording;
    const kept = { persistent: this.persistent, ...(this.inconsistent ? { inconsistent: true } : {}) };
    const { status, busy } = this;
    const info = { ...name, count: dirtyBytes, granularity, status, recording, busy, ...kept };
    yield { order: this.#order, info };
    if (this.#successor === undefined) return;
    const later = { count: this.#successor.dirtyBytes, granularity, recording, busy: false, persistent: false };
    yield { order: this.#successorOrder, info: { ...later, status: recording ? 'active' : 'disabled' } };
  }
}
