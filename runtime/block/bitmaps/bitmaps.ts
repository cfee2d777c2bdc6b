import type { BlockDirtyInfo } from '../../../generated/index.js';
import type { BitmapContents } from '../abilities.js';
import { BlockError, blockErrorOf, invalid } from '../error.js';
import type { BlockNode } from '../graph/node.js';
import { isPowerOfTwo } from '../limits.js';
import { type BitmapOptions, DirtyBitmap } from './bitmap.js';

/** Bytes of the smallest granule. */
const least = 512;
/** Bytes between which a granularity lies that is not chosen by a user. */
const fine = 4096;
const coarse = 65_536;

/** Bytes of the longest name: that of qcow2 images. */
const longestName = 1023;

/** The granularity for a node where none is chosen: that of its format, within bounds. Bytes. */
export function defaultGranularity(clusterSize: number | undefined): number {
  return Math.min(coarse, Math.max(fine, clusterSize ?? coarse));
}

/** The bitmaps of all nodes. Those of a node are gone when it is closed. */
export class Bitmaps {
  readonly #ofNodes = new WeakMap<BlockNode, DirtyBitmap[]>();

  /** The bitmaps of a node, the newest first. */
  of(node: BlockNode): readonly DirtyBitmap[] {
    return this.#ofNodes.get(node) ?? [];
  }

  /** What queries show of the bitmaps of a node. */
  describe(node: BlockNode): BlockDirtyInfo[] {
    const described = this.of(node).flatMap((bitmap) => [...bitmap.describe()]);
    return described.sort((a, b) => b.order - a.order).map(({ info }) => info);
  }

  /** @throws BlockError when the node has no bitmap of this name */
  named(node: BlockNode, name: string): DirtyBitmap {
    const found = this.of(node).find((bitmap) => bitmap.name === name);
    if (found === undefined) throw new BlockError(`Dirty bitmap '${name}' not found`, { code: 'ENOENT' });
    return found;
  }

  /**
   * Takes over the bitmaps that an image keeps, and keeps them up to date. To be called when a node is opened, before anything is
   * written to it.
   */
  async load(node: BlockNode): Promise<void> {
    const store = node.instance?.bitmaps;
    if (store === undefined || !node.readsData || node.flags.inactive) return;
    for (const { name, granularity, recording, inconsistent } of store.kept) {
      let bitmap = new DirtyBitmap(node, { name, granularity, recording, inconsistent, persistent: true });
      const { bits } = bitmap;
      if (!inconsistent && !(await store.load(name, (offset, length) => bits.set(offset, length)))) {
        bitmap.stop();
        bitmap = new DirtyBitmap(node, { name, granularity, inconsistent: true, persistent: true });
      }
      this.#put(node, bitmap);
    }
    store.keepFrom(() => this.#toKeep(node));
  }

  /** Forgets the bitmaps that a node's image keeps, which has them. */
  forgetKept(node: BlockNode): void {
    for (const bitmap of this.of(node)) if (bitmap.persistent) this.remove(node, bitmap);
  }

  *#toKeep(node: BlockNode): Iterable<BitmapContents> {
    for (const bitmap of this.of(node).toReversed()) {
      const { name, persistent, recording, inconsistent } = bitmap;
      if (!persistent || name === undefined) continue;
      const { granularity } = bitmap.bits;
      yield { name, granularity, recording, inconsistent, runs: () => bitmap.contents.runs() };
    }
  }

  /**
   * Adds a bitmap for a user.
   *
   * @param options `granularity` absent: that of the node's format
   * @throws BlockError when the name is taken, the granularity is not a power of two of at least 512, or the node's image cannot
   * keep it
   */
  add(node: BlockNode, name: string, options: Partial<BitmapOptions> = {}): DirtyBitmap {
    const granularity = options.granularity ?? defaultGranularity(node.info?.clusterSize);
    if (granularity < least || !isPowerOfTwo(granularity)) {
      throw invalid(`Granularity must be power of 2 and at least ${least}`);
    }
    if (Buffer.byteLength(name) > longestName) throw invalid(`Bitmap name too long: ${name}`);
    if (this.of(node).some((bitmap) => bitmap.name === name)) {
      throw new BlockError(`Bitmap already exists: ${name}`, { code: 'EEXIST' });
    }
    if (options.persistent) {
      const store = node.instance?.bitmaps;
      if (store === undefined) {
        throw new BlockError(`Can't store persistent bitmaps to ${node.deviceOrNodeName}: Operation not supported`, {
          code: 'ENOTSUP',
        });
      }
      try {
        store.checkRoom(name, granularity);
      } catch (error) {
        throw blockErrorOf(error, `Can't make bitmap '${name}' persistent in '${node.deviceOrNodeName}'`);
      }
    }
    return this.#put(node, new DirtyBitmap(node, { ...options, granularity, name }));
  }

  /** Adds a bitmap for a job, without a name. */
  addAnonymous(node: BlockNode, granularity: number): DirtyBitmap {
    return this.#put(node, new DirtyBitmap(node, { granularity }));
  }

  /**
   * Removes a bitmap also from its image, at once.
   *
   * @throws BlockError when that fails; it stays then
   */
  async removeEverywhere(node: BlockNode, bitmap: DirtyBitmap): Promise<void> {
    if (bitmap.persistent && bitmap.name !== undefined) await node.instance?.bitmaps?.remove(bitmap.name);
    this.remove(node, bitmap);
  }

  /** Ends the recording, and forgets the bitmap. */
  remove(node: BlockNode, bitmap: DirtyBitmap): void {
    bitmap.stop();
    const others = this.of(node).filter((each) => each !== bitmap);
    this.#ofNodes.set(node, others);
  }

  #put(node: BlockNode, bitmap: DirtyBitmap): DirtyBitmap {
    this.#ofNodes.set(node, [bitmap, ...this.of(node)]);
    return bitmap;
  }
}
