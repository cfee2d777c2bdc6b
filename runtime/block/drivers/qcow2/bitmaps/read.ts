import { BlockError } from '../../../error.js';
import { viewOf } from '../../shared/big-endian.js';
import { bitmapBytes } from '../format/bitmap-directory.js';
import { offsetOf } from '../format/table-entry.js';
import type { Image } from '../space/image.js';
import type { NamedRecord } from './state.js';

/** Tables are read in pieces of this many bytes. */
const piece = 65_536;

/** In a table entry without an offset: all bits are set. */
export const allOnes = 1;

/** Calls `visit` with each entry of a bitmap's table. */
export async function visitTable(
  { file }: Image,
  { tableOffset, tableEntries }: Pick<NamedRecord, 'tableOffset' | 'tableEntries'>,
  visit: (high: number, low: number, index: number) => Promise<void> | undefined,
): Promise<void> {
  const buffer = new Uint8Array(Math.min(piece, tableEntries * 8));
  for (let first = 0; first < tableEntries; first += piece / 8) {
    const part = buffer.subarray(0, Math.min(piece, (tableEntries - first) * 8));
    await file.read(tableOffset + first * 8, part);
    const view = viewOf(part);
    for (let at = 0; at < part.length; at += 8) {
      await visit(view.getUint32(at), view.getUint32(at + 4), first + at / 8);
    }
  }
}

/**
 * Reads what a bitmap says.
 *
 * @param dirty called with each stretch of the disk that is dirty, in bytes; the last may reach beyond the end
 * @throws BlockError when its table is impossible, or takes more than an image of this length can
 */
export async function readBitmap(
  image: Image,
  record: NamedRecord,
  dirty: (offset: number, length: number) => void,
): Promise<void> {
  const { clusterSize, file, header, bitmaps } = image;
  const granularity = 2 ** record.granularityBits;
  const span = clusterSize * 8 * granularity;
  const needed = Math.ceil(bitmapBytes(header.size, record.granularityBits) / clusterSize);
  const cluster = new Uint8Array(clusterSize);
  await visitTable(image, { ...record, tableEntries: Math.min(needed, record.tableEntries) }, (high, low, index) => {
    const offset = offsetOf(high, low);
    if (high & 0xff00_0000 || low & (offset === 0 ? 0x1fe : 0x1ff) || offset % clusterSize !== 0) {
      throw broken(record, `has an impossible entry ${index}`);
    }
    if (offset === 0 && !(low & allOnes)) return undefined;
    bitmaps.budget -= clusterSize;
    if (bitmaps.budget < 0) throw broken(record, 'takes more memory than there is for bitmaps');
    if (offset === 0) {
      dirty(index * span, span);
      return undefined;
    }
    if (offset >= file.node.length) throw broken(record, 'is beyond the end of the file');
    return file.read(offset, cluster).then(() => {
      for (const [from, to] of onesOf(cluster)) dirty(index * span + from * granularity, (to - from) * granularity);
    });
  });
}

function broken({ text }: NamedRecord, what: string): BlockError {
  return new BlockError(`The bitmap '${text}' ${what}`, { code: 'EINVAL' });
}

/** The stretches of set bits, least significant bits first. */
function* onesOf(bytes: Uint8Array): Iterable<readonly [from: number, to: number]> {
  let from: number | undefined;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === (from === undefined ? 0 : 0xff)) continue;
    for (let bit = 0; bit < 8; bit++) {
      const set = (byte >> bit) & 1;
      if (set && from === undefined) from = at * 8 + bit;
      else if (!set && from !== undefined) {
        yield [from, at * 8 + bit];
        from = undefined;
      }
    }
  }
  if (from !== undefined) yield [from, bytes.length * 8];
}
