import { BlockError } from '../../../error.js';
import type { Table } from '../../shared/table-cache.js';
import { IncompatibleFeature, incompatibleField } from '../format/header.js';
import { offsetOf } from '../format/table-entry.js';
import { type HostCluster, type HostOffset, hostCluster, hostOffset } from '../format/units.js';
import { corrupted } from './corruption.js';
import type { Image } from './image.js';

/** Where the refcount block with this index is; 0: there is none, and all its refcounts are 0. */
export function blockOffset(image: Image, index: number): HostOffset {
  const { view } = image.refcountTable;
  if (index * 8 >= view.byteLength) return hostOffset(0);
  const high = view.getUint32(index * 8);
  // Offsets have all bits up to the highest here. What is too large for an L2 entry is none that can be.
  return high > 0x001f_ffff ? hostOffset(Number.NaN) : offsetOf(high, view.getUint32(index * 8 + 4));
}

/** The refcount block with this index, if there is one. @throws BlockError */
export async function refcountBlock(image: Image, index: number): Promise<Table | undefined> {
  const offset = blockOffset(image, index);
  if (offset === 0) return undefined;
  if (!(offset % image.clusterSize === 0)) {
    throw await corrupted(image, `The entry of refcount block ${index} is no offset of a cluster`);
  }
  return image.refcountBlocks.peek(offset) ?? (await image.refcountBlocks.load(offset));
}

/** How many times a host cluster is used. */
export async function refcountOf(image: Image, cluster: HostCluster): Promise<number> {
  const block = await refcountBlock(image, Math.floor(cluster / image.refcountsPerBlock));
  return block === undefined ? 0 : image.refcounts.get(block.bytes, cluster % image.refcountsPerBlock);
}

/**
 * Changes the refcounts of host clusters, in the cache. The caller holds the lock, and has seen to it that there are blocks
 * and that no count gets too large. Counts that are 0 already stay so: they are wrong, but what is freed twice is not lost.
 *
 * @param onChange called with each new count
 * @throws BlockError when a block cannot be read; some counts are changed then
 */
export async function changeRefcounts(
  image: Image,
  first: HostCluster,
  count: number,
  delta: 1 | -1,
  onChange: (cluster: HostCluster, refcount: number) => void = () => {},
): Promise<void> {
  const { refcounts, refcountsPerBlock } = image;
  for (let cluster: number = first; cluster < first + count; ) {
    const index = Math.floor(cluster / refcountsPerBlock);
    const blockStart = index * refcountsPerBlock;
    const end = Math.min(first + count, blockStart + refcountsPerBlock);
    const block = await refcountBlock(image, index);
    if (block === undefined) {
      if (delta > 0) throw new BlockError('qcow2: A refcount block is missing', { code: 'EIO' });
    } else {
      image.refcountBlocks.changed(
        block,
        Math.floor(((cluster - blockStart) * refcounts.bits) / 8),
        Math.ceil(((end - blockStart) * refcounts.bits) / 8),
      );
      for (let each = cluster; each < end; each++) {
        const refcount = Math.max(0, refcounts.get(block.bytes, each - blockStart) + delta);
        refcounts.set(block.bytes, each - blockStart, refcount);
        onChange(hostCluster(each), refcount);
      }
    }
    cluster = end;
  }
}

/** To be called before the first change to refcounts: with lazy refcounts, the image says from now on that they may be wrong. */
export async function beforeRefcountChange(image: Image): Promise<void> {
  const { header } = image;
  if (!image.lazyRefcounts || header.incompatible & IncompatibleFeature.dirty) return;
  const incompatible = header.incompatible | IncompatibleFeature.dirty;
  await image.changeHeader({ ...header, incompatible }, incompatibleField(incompatible));
}

/** Writes the changed refcounts to the file. With lazy refcounts, they need not be there. */
export async function writeRefcounts(image: Image): Promise<void> {
  if (!image.lazyRefcounts) await image.refcountBlocks.writeAll();
}
