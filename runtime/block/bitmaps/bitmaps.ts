import { BlockError, invalid } from '../error.js';
import type { BlockNode } from '../graph/node.js';
import { isPowerOfTwo } from '../limits.js';
import { DirtyBitmap } from './bitmap.js';

/** Bytes of the smallest granule. */
const least = 512;
/** Bytes between which a granularity lies that is not chosen by a user. */
const fine = 4096;
const coarse = 65_536;

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

  /** @throws BlockError when the node has no bitmap of this name */
  named(node: BlockNode, name: string): DirtyBitmap {
    const found = this.of(node).find((bitmap) => bitmap.name === name);
    if (found === undefined) throw new BlockError(`Dirty bitmap '${name}' not found`, { code: 'ENOENT' });
    return found;
  }

  /**
   * Adds a bitmap for a user.
   *
   * @param granularity bytes; absent: that of the node's format
   * @throws BlockError when the name is taken, or the granularity is not a power of two of at least 512
   */
  add(node: BlockNode, name: string, granularity: number | undefined): DirtyBitmap {
    const chosen = granularity ?? defaultGranularity(node.info?.clusterSize);
    if (chosen < least || !isPowerOfTwo(chosen)) {
      throw invalid(`Granularity must be power of 2 and at least ${least}`);
    }
    if (this.of(node).some((bitmap) => bitmap.name === name)) {
      throw new BlockError(`Bitmap already exists: ${name}`, { code: 'EEXIST' });
    }
    return this.#put(node, new DirtyBitmap(node, chosen, name));
  }

  /** Adds a bitmap for a job, without a name. */
  addAnonymous(node: BlockNode, granularity: number): DirtyBitmap {
    return this.#put(node, new DirtyBitmap(node, granularity));
  }

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
