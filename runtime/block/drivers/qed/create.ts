import type { Child, CreateRequest } from '../../driver.js';
import { BlockError, invalid } from '../../error.js';
import { isPowerOfTwo } from '../../limits.js';
import { zeroed } from '../shared/zeroed.js';
import { largestDisk, serialiseHeader } from './header.js';

/**
 * Makes a new image. The header is written last: until then the file is no QED image. Options: `cluster_size`, `table_size`.
 *
 * @throws BlockError EINVAL for sizes that are wrong, EFBIG when tables of that size cannot map the disk
 */
export async function createQed(file: Child, { size, backing, options }: CreateRequest): Promise<void> {
  const clusterSize = options.takeSize('cluster_size') ?? 65_536;
  const tableClusters = options.takeSize('table_size') ?? 4;
  if (!isPowerOfTwo(clusterSize) || clusterSize < 4096 || clusterSize > 2 ** 26) {
    throw invalid('QED cluster size must be a power of two between 4k and 64M');
  }
  // QEMU makes images with tables of one cluster, but cannot open them.
  if (!isPowerOfTwo(tableClusters) || tableClusters < 2 || tableClusters > 16) {
    throw invalid('QED table size must be a power of two between 2 and 16 clusters');
  }
  const tableLength = tableClusters * clusterSize;
  if (size > largestDisk({ clusterSize, tableLength })) {
    throw new BlockError('The disk is too large for QED images of this cluster size and table size', { code: 'EFBIG' });
  }
  const header = serialiseHeader({
    clusterSize,
    tableLength,
    headerLength: clusterSize,
    needsCheck: false,
    autoclear: 0n,
    l1Offset: clusterSize,
    size,
    ...(backing === undefined ? {} : { backing }),
  });
  await zeroed(file, 0, clusterSize + tableLength);
  await file.write(0, header);
}
