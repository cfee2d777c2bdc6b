import { BlockError } from '../../../error.js';
import { setUint64, viewOf } from '../../shared/big-endian.js';
import { limits, refcountTableFields } from '../format/header.js';
import type { Examination } from './check.js';
import { CheckContext } from './context.js';
import type { ReferenceCounts } from './counts.js';
import type { OutsideRanges } from './outside.js';
import { countReferences } from './references.js';

/** Clusters of a new refcount structure: the table, and the blocks that it needs, in the order of the file. */
interface Structure {
  readonly start: number;
  readonly tableClusters: number;
  /** The indexes of the blocks. */
  readonly blocks: readonly number[];
}

interface Geometry {
  /** Clusters that a refcount block counts. */
  readonly perBlock: number;
  readonly clusterSize: number;
}

/**
 * Writes new refcounts behind everything that is in use, and makes the header point at them. Until then the image is as it was;
 * afterwards, where the old ones were is free.
 *
 * @throws BlockError (EFBIG) when the file is too large for a refcount table
 */
export async function rebuildRefcounts(examined: Examination): Promise<void> {
  const { file, header, counts: old } = examined.context;
  const { clusterSize } = header;
  const context = new CheckContext(file, header);
  await countReferences(context);
  const perBlock = (clusterSize * 8) / context.width.bits;
  const used = usedBlocks(context.counts, perBlock);
  const geometry = { perBlock, clusterSize };
  const { start, tableClusters, blocks } = place(Math.max(old.end(), old.clusters), context.outside, used, geometry);
  for (let cluster = start; cluster < start + tableClusters + blocks.length; cluster++) {
    context.counts.add(cluster, 1, context.report);
  }
  const table = new Uint8Array(tableClusters * clusterSize);
  for (const [index, block] of blocks.entries()) {
    const offset = (start + tableClusters + index) * clusterSize;
    await file.write(offset, blockOf(context, block * perBlock, perBlock));
    setUint64(viewOf(table), block * 8, offset);
  }
  await file.write(start * clusterSize, table);
  await file.flush();
  const fields = refcountTableFields({
    refcountTableOffset: start * clusterSize,
    refcountTableClusters: tableClusters,
  });
  await file.write(fields.offset, fields.bytes);
  await file.flush();
}

/** Where the new refcounts go: behind the file, but nowhere that anything points at. A guest would write there. */
function place(start: number, outside: OutsideRanges, used: readonly number[], geometry: Geometry): Structure {
  let structure = plan(start, used, geometry);
  for (const { from, to } of outside.merged()) {
    const end = structure.start + structure.tableClusters + structure.blocks.length;
    if (from < end && to > structure.start) structure = plan(to, used, geometry);
  }
  return structure;
}

/** The indexes of the refcount blocks that have something to count. */
function usedBlocks(counts: ReferenceCounts, perBlock: number): number[] {
  const used: number[] = [];
  for (let cluster = counts.skipUnused(0, counts.clusters); cluster < counts.clusters; ) {
    const block = Math.floor(cluster / perBlock);
    const end = Math.min((block + 1) * perBlock, counts.clusters);
    if (hasCount(counts, cluster, end)) used.push(block);
    cluster = counts.skipUnused(end, counts.clusters);
  }
  return used;
}

/** The table and blocks that begin at `start` and count themselves, too. */
function plan(start: number, used: readonly number[], { perBlock, clusterSize }: Geometry): Structure {
  let tableClusters = 1;
  let own = 1;
  for (;;) {
    const last = Math.floor((start + tableClusters + own - 1) / perBlock);
    const blocks = new Set(used);
    for (let block = Math.floor(start / perBlock); block <= last; block++) blocks.add(block);
    const needed = Math.ceil(((last + 1) * 8) / clusterSize);
    if (needed * clusterSize > limits.refcountTableBytes) {
      throw new BlockError('The file is too large for its refcounts to be rebuilt', { code: 'EFBIG' });
    }
    if (blocks.size <= own && needed <= tableClusters) {
      return { start, tableClusters, blocks: [...blocks] };
    }
    own = Math.max(own, blocks.size);
    tableClusters = Math.max(tableClusters, needed);
  }
}

function hasCount(counts: ReferenceCounts, from: number, end: number): boolean {
  for (let cluster = from; cluster < end; cluster++) if (counts.get(cluster) > 0) return true;
  return false;
}

function blockOf({ counts, width, header }: CheckContext, first: number, length: number): Uint8Array {
  const bytes = new Uint8Array(header.clusterSize);
  for (let cluster = counts.skipUnused(first, first + length); cluster < first + length; cluster++) {
    const count = counts.get(cluster);
    if (count > 0) width.set(bytes, cluster - first, count);
  }
  return bytes;
}
