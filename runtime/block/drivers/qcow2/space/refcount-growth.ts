import { BlockError } from '../../../error.js';
import { largestSize } from '../../../limits.js';
import { setUint64, viewOf } from '../../shared/big-endian.js';
import { limits, refcountTableFields } from '../format/header.js';
import { MetadataKind } from '../format/options.js';
import { type HostCluster, hostOffset, startOf } from '../format/units.js';
import { freeClusters } from './free.js';
import { type Image, wholeTable } from './image.js';
import { checkOverlap } from './overlap.js';
import { blockOffset, changeRefcounts } from './refcounts.js';

/**
 * Makes sure that host clusters have refcount blocks. The caller holds the lock.
 *
 * @param findFree finds a cluster that is free
 * @returns whether anything had to be made, which has taken space: the clusters may not be free any more
 */
export async function makeRefcountBlocks(
  image: Image,
  first: HostCluster,
  count: number,
  findFree: () => Promise<HostCluster>,
): Promise<boolean> {
  const { refcountsPerBlock } = image;
  const last = Math.floor((first + count - 1) / refcountsPerBlock);
  for (let index = Math.floor(first / refcountsPerBlock); index <= last; index++) {
    if (index * 8 >= image.refcountTable.bytes.length) {
      await growRefcountTable(image, index);
      return true;
    }
    if (blockOffset(image, index) === 0) {
      // The free cluster may have no block itself: one that is put there counts itself, and comes first.
      const free = await findFree();
      const own = Math.floor(free / refcountsPerBlock);
      await addBlock(image, blockOffset(image, own) === 0 ? own : index, free);
      return true;
    }
  }
  return false;
}

/** Puts the block with this index into a free cluster, which it counts itself, or which has a block. */
async function addBlock(image: Image, index: number, cluster: HostCluster): Promise<void> {
  const { file, clusterSize, refcounts, refcountsPerBlock, refcountTable } = image;
  const offset = startOf(cluster, clusterSize);
  file.debug('refblock_alloc');
  const bytes = new Uint8Array(clusterSize);
  await checkOverlap(image, MetadataKind.refcountBlock, offset, clusterSize);
  image.highWater = Math.max(image.highWater, offset + clusterSize);
  if (Math.floor(cluster / refcountsPerBlock) === index) {
    refcounts.set(bytes, cluster % refcountsPerBlock, 1);
  } else {
    await changeRefcounts(image, cluster, 1, 1);
    await image.refcountBlocks.writeAll();
  }
  file.debug('refblock_alloc_write');
  await file.write(offset, bytes);
  await file.flush();
  const entry = new Uint8Array(8);
  setUint64(viewOf(entry), 0, offset);
  await checkOverlap(image, MetadataKind.refcountTable, image.header.refcountTableOffset + index * 8, 8);
  file.debug('refblock_alloc_hookup');
  await file.write(image.header.refcountTableOffset + index * 8, entry);
  await image.refcountBlocks.insert(offset, bytes);
  refcountTable.bytes.set(entry, index * 8);
  image.tablePlaces.add(offset);
}

/** The table to be, and the blocks that count it and themselves. All of it comes behind what the old table covers. */
interface NewTable {
  readonly clusters: number;
  readonly blocks: number;
  /** The first cluster that is not covered by the old table: the blocks' place, and behind them that of the table. */
  readonly first: number;
}

async function growRefcountTable(image: Image, index: number): Promise<void> {
  const { file, clusterSize, header } = image;
  file.debug('reftable_grow');
  const plan = planTable(image, index);
  const { blocks, clusters, first } = plan;
  const offset = first * clusterSize;
  const length = (blocks + clusters) * clusterSize;
  await checkOverlap(image, 0, offset, length);
  image.highWater = Math.max(image.highWater, offset + length);
  const oldEntries = image.refcountTable.bytes.length / 8;
  const bytes = new Uint8Array(clusters * clusterSize);
  bytes.set(image.refcountTable.bytes);
  const table = wholeTable(bytes);
  file.debug('refblock_alloc_write_blocks');
  for (let block = 0; block < blocks; block++) {
    await file.write(offset + block * clusterSize, selfCounting(image, block, blocks + clusters));
    setUint64(table.view, (oldEntries + block) * 8, offset + block * clusterSize);
  }
  const tableOffset = offset + blocks * clusterSize;
  file.debug('refblock_alloc_write_table');
  await file.write(tableOffset, bytes);
  await file.flush();
  const grown = { ...header, refcountTableOffset: tableOffset, refcountTableClusters: clusters };
  file.debug('refblock_alloc_switch_table');
  await image.changeHeader(grown, refcountTableFields(grown));
  image.refcountTable = table;
  for (let block = 0; block < blocks; block++) image.tablePlaces.add(offset + block * clusterSize);
  freeClusters(image, hostOffset(header.refcountTableOffset), header.refcountTableClusters, 'other');
}

function planTable(image: Image, index: number): NewTable {
  const { clusterSize, refcountsPerBlock } = image;
  const perCluster = clusterSize / 8;
  const oldEntries = image.refcountTable.bytes.length / 8;
  const first = oldEntries * refcountsPerBlock;
  for (let clusters = image.header.refcountTableClusters; ; ) {
    clusters = Math.ceil(Math.max(1, clusters) * 1.5);
    if (clusters * clusterSize > limits.refcountTableBytes) {
      throw new BlockError('qcow2: The image is too large: its refcount table cannot grow any more', { code: 'EFBIG' });
    }
    let blocks = 1;
    while (blocks * refcountsPerBlock < blocks + clusters) blocks++;
    if ((first + blocks + clusters) * clusterSize > largestSize) {
      throw new BlockError('qcow2: The image is too large', { code: 'EFBIG' });
    }
    if (clusters * perCluster > Math.max(index, oldEntries + blocks - 1)) return { clusters, blocks, first };
  }
}

/** The block with index `block` of those that count the first `used` clusters of what they cover. */
function selfCounting(image: Image, block: number, used: number): Uint8Array {
  const { refcounts, refcountsPerBlock } = image;
  const bytes = new Uint8Array(image.clusterSize);
  const counted = Math.min(refcountsPerBlock, used - block * refcountsPerBlock);
  for (let entry = 0; entry < counted; entry++) refcounts.set(bytes, entry, 1);
  return bytes;
}
