import { roundDown } from '../../../limits.js';
import { type BitmapDirectory, BitmapFlag, serialiseRecords, withDirectory } from '../format/bitmap-directory.js';
import { AutoclearFeature, autoclearField, type Qcow2Header, serialiseHeader } from '../format/header.js';
import { MetadataKind } from '../format/options.js';
import { hostOffset } from '../format/units.js';
import { freeClusters } from '../space/free.js';
import type { Image } from '../space/image.js';
import { checkOverlap } from '../space/overlap.js';
import { writeRefcounts } from '../space/refcounts.js';
import type { NamedRecord } from './state.js';
import { type Allocated, writeToNew } from './write.js';

/** The unit that a disk writes wholly or not at all. */
const sector = 512;

/** Marks all bitmaps as in use, where the directory is. The caller holds the lock. @throws BlockError */
export async function markInUse(image: Image): Promise<void> {
  const { bitmaps, file } = image;
  const { directory, records, inUse } = bitmaps;
  if (inUse || directory === undefined) return;
  await checkOverlap(image, MetadataKind.bitmapDirectory, directory.offset, directory.length);
  await file.write(directory.offset, serialiseRecords(records.map(marked)));
  await file.flush();
  bitmaps.inUse = true;
}

function marked(record: NamedRecord): NamedRecord {
  return { ...record, flags: record.flags | BitmapFlag.inUse };
}

/**
 * Writes another directory, and makes the header point at it. What its records point at is written already. The caller holds the
 * lock.
 *
 * @param inUse whether the bitmaps are marked as in use
 * @param allocated clusters that are freed when it fails before the header may point at them
 */
export async function replaceDirectory(
  image: Image,
  records: readonly NamedRecord[],
  inUse: boolean,
  allocated: Allocated[],
): Promise<void> {
  const { bitmaps, clusterSize } = image;
  const old = bitmaps.directory;
  let directory: BitmapDirectory | undefined;
  if (records.length > 0) {
    const bytes = serialiseRecords(inUse ? records.map(marked) : records);
    const offset = await writeToNew(image, bytes, allocated);
    directory = { offset, length: bytes.length, count: records.length };
  }
  await writeRefcounts(image);
  await image.file.flush();
  const header = withDirectory(image.header, directory);
  const bytes = serialiseHeader(header);
  allocated.length = 0;
  await switchHeader(image, header, bytes);
  bitmaps.directory = directory;
  bitmaps.records = records;
  bitmaps.inUse = inUse && directory !== undefined;
  if (old !== undefined) freeClusters(image, hostOffset(old.offset), Math.ceil(old.length / clusterSize), 'other');
}

/**
 * Writes the header at once, where all that differs is in one sector, as it is in images whose header QEMU or we have written.
 * Else the bitmaps are invalid while it is written: a crash loses them then.
 */
async function switchHeader(image: Image, header: Qcow2Header, bytes: Uint8Array): Promise<void> {
  const before = new Uint8Array(bytes.length);
  await image.file.read(0, before);
  const first = bytes.findIndex((byte, at) => byte !== before[at]);
  const last = bytes.findLastIndex((byte, at) => byte !== before[at]);
  const start = roundDown(Math.max(first, 0), sector);
  if (last < start + sector) {
    await image.changeHeader(header, { offset: start, bytes: bytes.subarray(start, start + sector) });
    return;
  }
  const { autoclear } = header;
  const without = autoclear & ~AutoclearFeature.bitmaps;
  const invalid = { ...image.header, autoclear: without };
  if (image.header.autoclear !== without) await image.changeHeader(invalid, autoclearField(without));
  const changed = { ...header, autoclear: without };
  await image.changeHeader(changed, { offset: 0, bytes: serialiseHeader(changed) });
  if (autoclear !== without) await image.changeHeader(header, autoclearField(autoclear));
}
