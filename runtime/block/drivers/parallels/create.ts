import type { Child, CreateRequest } from '../../driver.js';
import { BlockError, invalid } from '../../error.js';
import { roundUp, sectorSize } from '../../limits.js';
import { zeroed } from '../shared/zeroed.js';
import { headerLength, mostEntries, serialiseHeader } from './header.js';

const largestCluster = 2 ** 30;

/**
 * Makes a new image. The header is written last: until then the file is no Parallels image. Option: `cluster_size`.
 *
 * @throws BlockError EINVAL for a cluster size that is wrong, EFBIG when the disk is too large
 */
export async function createParallels(file: Child, { size, options }: CreateRequest): Promise<void> {
  const clusterSize = options.takeSize('cluster_size') ?? 2 ** 20;
  if (clusterSize === 0 || clusterSize % sectorSize !== 0 || clusterSize > largestCluster) {
    throw invalid('Cluster size must be a multiple of 512, up to 1G');
  }
  const entries = Math.ceil(size / clusterSize);
  if (entries > mostEntries) {
    throw new BlockError('The disk is too large for Parallels images of this cluster size', { code: 'EFBIG' });
  }
  const dataOffset = roundUp(headerLength + entries * 4, clusterSize);
  await zeroed(file, 0, dataOffset);
  await file.write(0, serialiseHeader({ clusterSize, entries, size, dataOffset }));
}
