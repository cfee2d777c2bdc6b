import { BlockError } from '../../../error.js';
import { largestSize } from '../../../limits.js';
import { further, type HostCluster, type HostOffset, hostCluster, startOf } from '../format/units.js';
import type { Image } from './image.js';
import { makeRefcountBlocks } from './refcount-growth.js';
import { beforeRefcountChange, changeRefcounts, refcountBlock } from './refcounts.js';

/** Host clusters that are the caller's from now on. */
export interface HostClusters {
  readonly offset: HostOffset;
  /** Nothing has ever been written there: they read as zeroes. */
  readonly fresh: boolean;
}

/**
 * Allocates host clusters in a row: the first that are free, counted from where the last were found. The caller holds the lock.
 *
 * @throws BlockError EFBIG when the file would get too large, or as the file fails
 */
export async function allocateClusters(image: Image, count: number): Promise<HostClusters> {
  image.file.debug('cluster_alloc');
  await beforeRefcountChange(image);
  let first: HostCluster;
  do first = await findFree(image, count);
  while (await makeRefcountBlocks(image, first, count, () => findFree(image, 1)));
  await changeRefcounts(image, first, count, 1);
  image.searchFrom = further(first, count);
  const offset = startOf(first, image.clusterSize);
  const fresh = offset >= image.highWater;
  image.highWater = Math.max(image.highWater, offset + count * image.clusterSize);
  return { offset, fresh };
}

/** The first cluster of `count` that are free. What lies beyond the refcount table always is. */
async function findFree(image: Image, count: number): Promise<HostCluster> {
  const { refcounts, refcountsPerBlock, clusterSize } = image;
  let found = 0;
  for (let cluster: number = image.searchFrom; ; ) {
    if ((cluster + count) * clusterSize > largestSize) {
      throw new BlockError('qcow2: The image is too large', { code: 'EFBIG' });
    }
    const index = Math.floor(cluster / refcountsPerBlock);
    const blockStart = index * refcountsPerBlock;
    const end = blockStart + refcountsPerBlock;
    const block = await refcountBlock(image, index);
    if (block === undefined) {
      if (found + (end - cluster) >= count) return hostCluster(cluster - found);
      found += end - cluster;
      cluster = end;
      continue;
    }
    for (; cluster < end; cluster++) {
      found = refcounts.get(block.bytes, cluster - blockStart) === 0 ? found + 1 : 0;
      if (found === count) return hostCluster(cluster - count + 1);
    }
  }
}
