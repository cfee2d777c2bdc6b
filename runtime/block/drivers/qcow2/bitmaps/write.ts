import type { BitmapContents } from '../../../abilities.js';
import { setUint64, viewOf } from '../../shared/big-endian.js';
import { BitmapFlag, type BitmapRecord, bitmapBytes, recordOf } from '../format/bitmap-directory.js';
import { allocateClusters } from '../space/allocate.js';
import type { Image } from '../space/image.js';
import { checkOverlap } from '../space/overlap.js';
import { allOnes } from './read.js';

/** Clusters that were allocated: the first one's offset, and how many. */
export interface Allocated {
  readonly offset: number;
  readonly count: number;
}

/**
 * Writes bytes to new clusters. The caller holds the lock.
 *
 * @param allocated notes them, so that they can be freed when something fails afterwards
 * @returns their offset
 */
export async function writeToNew(image: Image, bytes: Uint8Array, allocated: Allocated[]): Promise<number> {
  const count = Math.ceil(bytes.length / image.clusterSize);
  const { offset } = await allocateClusters(image, count);
  allocated.push({ offset, count });
  await checkOverlap(image, 0, offset, bytes.length);
  await image.file.write(offset, bytes);
  return offset;
}

/** Writes a bitmap's data and table to new clusters. The caller holds the lock. @returns what the directory is to say of it */
export async function writeBitmap(
  image: Image,
  contents: BitmapContents,
  allocated: Allocated[],
): Promise<BitmapRecord> {
  const { clusterSize, header } = image;
  const granularityBits = Math.log2(contents.granularity);
  const entries = Math.max(1, Math.ceil(bitmapBytes(header.size, granularityBits) / clusterSize));
  // In whole clusters: nothing that was in them before is ever taken for an entry.
  const table = new Uint8Array(Math.ceil((entries * 8) / clusterSize) * clusterSize);
  const view = viewOf(table);
  for (const { index, bytes } of clustersOf(contents, clusterSize)) {
    if (bytes.every((byte) => byte === 0xff)) view.setUint32(index * 8 + 4, allOnes);
    else setUint64(view, index * 8, await writeToNew(image, bytes, allocated));
  }
  return recordOf({
    tableOffset: await writeToNew(image, table, allocated),
    tableEntries: entries,
    flags: contents.recording ? BitmapFlag.auto : 0,
    granularityBits,
    name: Buffer.from(contents.name),
  });
}

/** The clusters of a bitmap's data that have something in them. The bytes are only valid until the next one. */
function* clustersOf(
  contents: BitmapContents,
  clusterSize: number,
): Iterable<{ readonly index: number; readonly bytes: Uint8Array }> {
  const { granularity } = contents;
  const bits = clusterSize * 8;
  const bytes = new Uint8Array(clusterSize);
  let current = -1;
  for (const { offset, length } of contents.runs()) {
    const end = Math.ceil((offset + length) / granularity);
    for (let bit = Math.floor(offset / granularity); bit < end; ) {
      const index = Math.floor(bit / bits);
      if (index !== current) {
        if (current >= 0) yield { index: current, bytes };
        bytes.fill(0);
        current = index;
      }
      const stop = Math.min(end, (index + 1) * bits);
      setBits(bytes, bit - index * bits, stop - index * bits);
      bit = stop;
    }
  }
  if (current >= 0) yield { index: current, bytes };
}

/** Sets bits, least significant bits of bytes first. */
function setBits(bytes: Uint8Array, from: number, to: number): void {
  let bit = from;
  for (; bit < to && bit % 8 !== 0; bit++) bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) | (1 << (bit & 7));
  const whole = to - (to % 8);
  if (bit < whole) {
    bytes.fill(0xff, bit / 8, whole / 8);
    bit = whole;
  }
  for (; bit < to; bit++) bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) | (1 << (bit & 7));
}
