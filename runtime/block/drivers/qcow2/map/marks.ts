import { MetadataKind } from '../format/options.js';
import { compressedFlag, copiedFlag, offsetOf } from '../format/table-entry.js';
import { clusterOf, type GuestOffset, guestOffset, type HostOffset } from '../format/units.js';
import type { Image } from '../space/image.js';
import { checkOverlap } from '../space/overlap.js';
import { refcountOf } from '../space/refcounts.js';
import { l2Table } from './l1.js';

/** Whether what is at an offset of the file is marked as in use once. */
type Decision = (offset: HostOffset) => boolean | Promise<boolean>;

/** Marks whatever the active tables point at as in use more than once. The caller holds the lock; nothing else is done meanwhile. */
export function clearMarks(image: Image): Promise<void> {
  return mark(image, () => false);
}

/**
 * Marks whatever the active tables point at as in use once exactly if its refcount is 1. The caller holds the lock, and has
 * seen to it that the refcounts are on the disk; nothing else is done meanwhile.
 */
export function renewMarks(image: Image): Promise<void> {
  return mark(image, async (offset) => (await refcountOf(image, clusterOf(offset, image.clusterSize))) === 1);
}

async function mark(image: Image, decide: Decision): Promise<void> {
  const { l1, file, header, l2Span } = image;
  const marked = l1.bytes.slice();
  const view = new DataView(marked.buffer);
  for (let at = 0; at < marked.length; at += 8) {
    const high = view.getUint32(at);
    const offset = offsetOf(high, view.getUint32(at + 4));
    if (offset === 0) continue;
    await markTable(image, guestOffset((at / 8) * l2Span), decide);
    view.setUint32(at, withMark(high, await decide(offset)));
  }
  await image.l2Tables.writeAll();
  if (marked.length > 0) {
    await checkOverlap(image, MetadataKind.activeL1, header.l1Offset, marked.length);
    file.debug('l1_update');
    await file.write(header.l1Offset, marked);
    l1.bytes.set(marked);
  }
  await file.flush();
}

/** Marks the entries of the L2 table for an offset of the disk. */
async function markTable(image: Image, offset: GuestOffset, decide: Decision): Promise<void> {
  // What was decided is put into the table in one go: a table that was got is only valid until the next pause.
  const before = (await l2Table(image, offset))?.view.buffer.slice(0);
  if (before === undefined) return;
  const view = new DataView(before);
  let changed = false;
  for (let at = 0; at < view.byteLength; at += image.l2EntrySize) {
    const high = view.getUint32(at);
    const host = offsetOf(high, view.getUint32(at + 4));
    if (high & compressedFlag || host === 0) continue;
    const marked = withMark(high, await decide(host));
    if (marked === high) continue;
    view.setUint32(at, marked);
    changed = true;
  }
  if (!changed) return;
  const table = await l2Table(image, offset);
  if (table === undefined) return;
  table.bytes.set(new Uint8Array(before));
  image.l2Tables.changed(table, 0, table.bytes.length);
}

function withMark(high: number, once: boolean): number {
  return (once ? high | copiedFlag : high & ~copiedFlag) >>> 0;
}
