import { BlockError } from '../../../error.js';
import { setUint64 } from '../../shared/big-endian.js';
import type { Table } from '../../shared/table-cache.js';
import { l1Fields, limits } from '../format/header.js';
import { MetadataKind } from '../format/options.js';
import { copiedFlag, offsetOf } from '../format/table-entry.js';
import { type GuestOffset, type HostOffset, hostOffset } from '../format/units.js';
import { allocateClusters } from '../space/allocate.js';
import { corrupted } from '../space/corruption.js';
import { freeClusters } from '../space/free.js';
import { type Image, wholeTable } from '../space/image.js';
import { checkOverlap } from '../space/overlap.js';
import { writeRefcounts } from '../space/refcounts.js';

/** The unit in which the L1 table is written. */
const sector = 512;

/** Where the L2 table for an offset of the disk is; 0: there is none. */
export function l2TableOffset(image: Image, offset: GuestOffset): HostOffset {
  const at = Math.floor(offset / image.l2Span) * 8;
  const { view } = image.l1;
  return at >= view.byteLength ? hostOffset(0) : offsetOf(view.getUint32(at), view.getUint32(at + 4));
}

/** Whether the L2 table for an offset is there, and not shared. Only then its entries can be changed. */
export function ownsL2Table(image: Image, offset: GuestOffset): boolean {
  const at = Math.floor(offset / image.l2Span) * 8;
  return image.l1.view.getUint32(at) >= copiedFlag;
}

/** The L2 table for an offset of the disk, if there is one. @throws BlockError */
export async function l2Table(image: Image, offset: GuestOffset): Promise<Table | undefined> {
  const tableOffset = l2TableOffset(image, offset);
  if (tableOffset === 0) return undefined;
  if (tableOffset % image.clusterSize !== 0) {
    const index = Math.floor(offset / image.l2Span);
    throw await corrupted(image, `L2 table offset 0x${tableOffset.toString(16)} unaligned (L1 index: ${index})`);
  }
  const known = image.l2Tables.peek(tableOffset);
  if (known !== undefined) return known;
  // Another table may take its place meanwhile, whose cluster is then kept from being used for something else.
  const access = image.grace.enter();
  try {
    return await image.l2Tables.load(tableOffset);
  } finally {
    image.grace.leave(access);
  }
}

/** The L2 table for an offset of the disk, to be changed: a new one where there is none of its own. The caller holds the lock. */
export async function ownL2Table(image: Image, offset: GuestOffset): Promise<Table> {
  if (!ownsL2Table(image, offset)) await addL2Table(image, offset);
  const table = await l2Table(image, offset);
  if (table === undefined) throw await corrupted(image, 'An L1 entry without an offset claims to be in use once');
  return table;
}

async function addL2Table(image: Image, offset: GuestOffset): Promise<void> {
  const { file, clusterSize } = image;
  const shared = l2TableOffset(image, offset);
  const { offset: place } = await allocateClusters(image, 1);
  const bytes = new Uint8Array(clusterSize);
  try {
    if (shared !== 0) {
      file.debug('l2_alloc_cow_read');
      const table = await l2Table(image, offset);
      if (table !== undefined) bytes.set(table.bytes);
    }
    await checkOverlap(image, MetadataKind.activeL2, place, clusterSize);
    await writeRefcounts(image);
    file.debug('l2_alloc_write');
    await file.write(place, bytes);
    await file.flush();
  } catch (error) {
    // Nothing points at it yet.
    freeClusters(image, place, 1, 'other');
    throw error;
  }
  await image.l2Tables.insert(place, bytes);
  image.tablePlaces.add(place);
  await changeL1Entry(image, Math.floor(offset / image.l2Span), place);
  if (shared !== 0) freeClusters(image, shared, 1, 'other');
}

/** Sets an entry in the file, and then here. When that fails, the file may have either: neither table may be freed. */
async function changeL1Entry(image: Image, index: number, place: HostOffset): Promise<void> {
  const { file, header, l1 } = image;
  const from = index * 8 - ((index * 8) % sector);
  const contents = l1.bytes.slice(from, from + sector);
  const changed = wholeTable(contents);
  setUint64(changed.view, index * 8 - from, place);
  changed.bytes[index * 8 - from] = copiedFlag >>> 24;
  await checkOverlap(image, MetadataKind.activeL1, header.l1Offset + from, contents.length);
  file.debug('l1_update');
  await file.write(header.l1Offset + from, contents);
  l1.bytes.set(contents, from);
}

/** Makes the L1 table larger, for `entries` at least. The caller holds the lock. @throws BlockError EFBIG */
export async function growL1Table(image: Image, entries: number): Promise<void> {
  const { file, clusterSize, header } = image;
  if (entries <= header.l1Entries) return;
  let grown = Math.max(1, header.l1Entries);
  while (grown < entries) grown = Math.ceil(grown * 1.5);
  grown = Math.min(grown, Math.max(entries, limits.l1Bytes / 8));
  if (grown * 8 > limits.l1Bytes) {
    throw new BlockError('qcow2: The image is too large: its L1 table cannot grow so far', { code: 'EFBIG' });
  }
  file.debug('l1_grow_alloc_table');
  const bytes = new Uint8Array(grown * 8);
  bytes.set(image.l1.bytes);
  const clusters = Math.ceil(bytes.length / clusterSize);
  const { offset } = await allocateClusters(image, clusters);
  try {
    await checkOverlap(image, 0, offset, bytes.length);
    await writeRefcounts(image);
    file.debug('l1_grow_write_table');
    await file.write(offset, bytes);
    await file.flush();
  } catch (error) {
    freeClusters(image, offset, clusters, 'other');
    throw error;
  }
  const changed = { ...image.header, l1Offset: offset, l1Entries: grown };
  file.debug('l1_grow_activate_table');
  await image.changeHeader(changed, l1Fields(changed));
  image.l1 = wholeTable(bytes);
  freeClusters(image, hostOffset(header.l1Offset), Math.ceil((header.l1Entries * 8) / clusterSize), 'other');
}
