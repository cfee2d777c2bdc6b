import { viewOf } from '../../shared/big-endian.js';
import { bitmapDirectoryOf, bitmapLimits, bitmapRecords } from '../format/bitmap-directory.js';
import { offsetOf } from '../format/table-entry.js';
import type { CheckContext } from './context.js';

const piece = 65536;

/** Counts what bitmaps take, when the image says that they are valid; else their clusters are leaked. */
export async function countBitmaps(context: CheckContext): Promise<void> {
  const place = bitmapDirectoryOf(context.header);
  if (place === undefined) return;
  if (place === 'malformed') {
    context.report.error('The header extension of the bitmaps is malformed');
    return;
  }
  const { offset, length } = place;
  context.count('The bitmap directory', offset, length);
  const directory = await context.readTable(offset, new Uint8Array(Math.min(length, context.fileLength)));
  for (const { tableOffset, tableEntries } of bitmapRecords(directory)) {
    await countTable(context, tableOffset, tableEntries);
  }
}

async function countTable(context: CheckContext, offset: number, entries: number): Promise<void> {
  const { report, header } = context;
  if (entries * header.clusterSize > bitmapLimits.bytes) {
    report.corruption(`The table of a bitmap has ${entries} entries, which are too many`);
    return;
  }
  context.count('The table of a bitmap', offset, entries * 8);
  const buffer = new Uint8Array(Math.min(piece, entries * 8));
  for (let done = 0; done < entries * 8; done += buffer.length) {
    const part = await context.readTable(offset + done, buffer.subarray(0, entries * 8 - done));
    if (part.length === 0) return;
    const view = viewOf(part);
    for (let at = 0; at + 8 <= part.length; at += 8) countEntry(context, view.getUint32(at), view.getUint32(at + 4));
  }
}

function countEntry(context: CheckContext, high: number, low: number): void {
  const cluster = offsetOf(high, low);
  // Bit 0 says "all ones" of a cluster that has no place; the others are reserved.
  const reserved = (high & 0xff00_0000) !== 0 || (low & (cluster === 0 ? 0x1fe : 0x1ff)) !== 0;
  if (reserved || cluster % context.header.clusterSize !== 0) {
    context.report.corruption('An entry in the table of a bitmap has bits set that must not be');
  } else if (cluster !== 0) {
    context.count('A cluster of a bitmap', cluster, context.header.clusterSize);
  }
}
