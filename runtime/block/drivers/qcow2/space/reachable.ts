import { viewOf } from '../../shared/big-endian.js';
import { compressedFlag, compressedLength, compressedOffset, offsetOf } from '../format/table-entry.js';
import { corrupted } from './corruption.js';
import type { Image } from './image.js';

/** Called with host clusters in a row: the number of the first, and how many. */
export type ClusterVisitor = (first: number, count: number) => Promise<void> | void;

/**
 * Visits all host clusters that an L1 table leads to: L2 tables, and what they point at, each as often as it is pointed at. The
 * order depends on the tables only. Reads the file: caches must have been written.
 *
 * @throws BlockError when a table cannot be read, or is impossible
 */
export async function visitReachable(image: Image, l1: DataView, visit: ClusterVisitor): Promise<void> {
  const { clusterSize, file } = image;
  const bytes = new Uint8Array(clusterSize);
  const visited = new Set<number>();
  for (let at = 0; at < l1.byteLength; at += 8) {
    const offset = offsetOf(l1.getUint32(at), l1.getUint32(at + 4));
    if (offset === 0) continue;
    if (offset % clusterSize !== 0) {
      throw await corrupted(image, `L2 table offset 0x${offset.toString(16)} unaligned (L1 index: ${at / 8})`);
    }
    // What is visited is bounded by the file: no table twice, and none where there is no file.
    if (visited.has(offset) || offset >= image.highWater) {
      throw await corrupted(image, `L2 table offset 0x${offset.toString(16)} impossible (L1 index: ${at / 8})`);
    }
    visited.add(offset);
    await file.read(offset, bytes);
    await visitTable(image, viewOf(bytes), visit);
    await visit(offset / clusterSize, 1);
  }
}

async function visitTable(image: Image, table: DataView, visit: ClusterVisitor): Promise<void> {
  const { clusterSize, header } = image;
  let first = 0;
  let count = 0;
  for (let at = 0; at < table.byteLength; at += image.l2EntrySize) {
    const high = table.getUint32(at);
    const low = table.getUint32(at + 4);
    if (high & compressedFlag) {
      const start = compressedOffset(high, low, header.clusterBits);
      const end = start + compressedLength(high, low, header.clusterBits) - 1;
      const cluster = Math.floor(start / clusterSize);
      await visit(cluster, Math.floor(end / clusterSize) - cluster + 1);
      continue;
    }
    const offset = offsetOf(high, low);
    if (offset === 0) continue;
    if (offset % clusterSize !== 0) {
      throw await corrupted(
        image,
        `Cluster offset 0x${offset.toString(16)} unaligned (L2 index: ${at / image.l2EntrySize})`,
      );
    }
    if (count > 0 && offset / clusterSize === first + count) {
      count++;
      continue;
    }
    if (count > 0) await visit(first, count);
    first = offset / clusterSize;
    count = 1;
  }
  if (count > 0) await visit(first, count);
}
