import type { BlockError } from '../../../error.js';
import { viewOf } from '../../shared/big-endian.js';
import type { Qcow2Header } from '../format/header.js';
import { MetadataKind } from '../format/options.js';
import { offsetOf } from '../format/table-entry.js';
import { corrupted } from './corruption.js';
import type { Image } from './image.js';

const kindNames: readonly (readonly [kind: number, name: string])[] = [
  [MetadataKind.mainHeader, 'the image header'],
  [MetadataKind.activeL1, 'the active L1 table'],
  [MetadataKind.activeL2, 'an active L2 table'],
  [MetadataKind.refcountBlock, 'a refcount block'],
  [MetadataKind.refcountTable, 'the refcount table'],
  [MetadataKind.snapshotTable, 'the snapshot table'],
  [MetadataKind.inactiveL1, "a snapshot's L1 table"],
  [MetadataKind.inactiveL2, "a snapshot's L2 table"],
  [MetadataKind.bitmapDirectory, 'the bitmap directory'],
];

/** An L1 table is read in pieces of this size when L2 tables of snapshots are looked for. */
const pieceSize = 64 * 1024;

/**
 * Makes sure that a write to the file meets no metadata but those that it is for.
 *
 * @param own {@link MetadataKind}: what is being written; 0 for data
 * @throws BlockError (EIO), the image being marked as corrupt then
 */
export async function checkOverlap(image: Image, own: number, offset: number, length: number): Promise<void> {
  const met = overlaps(image, own, offset, length) || (await meetsInactiveL2(image, own, offset, length));
  if (met !== 0) throw await overlapError(image, met, offset, length);
}

/** What a request fails with that would write where metadata of the kind `met` are. */
export function overlapError(image: Image, met: number, offset: number, length: number): Promise<BlockError> {
  const name = kindNames.find(([kind]) => kind === met)?.[1] ?? 'metadata';
  return corrupted(image, `A write would overwrite ${name}`, { offset, length });
}

/** Whether {@link overlaps} does not see all that is to be checked. */
export function mustAskFile(image: Image): boolean {
  return (image.settings.overlapChecks & MetadataKind.inactiveL2) !== 0 && image.snapshots.length > 0;
}

/** The kind of metadata in memory that a range of the file meets, or 0. For each write: quick when there is none. */
export function overlaps(image: Image, own: number, offset: number, length: number): number {
  const checks = image.settings.overlapChecks & ~own;
  const { header, clusterSize } = image;
  const end = offset + length;
  if (checks & MetadataKind.mainHeader && (offset < clusterSize || meetsLuks(header, offset, end))) {
    return MetadataKind.mainHeader;
  }
  if (checks & MetadataKind.activeL1 && meets(offset, end, header.l1Offset, header.l1Entries * 8)) {
    return MetadataKind.activeL1;
  }
  if (
    checks & MetadataKind.refcountTable &&
    meets(offset, end, header.refcountTableOffset, header.refcountTableClusters * clusterSize)
  ) {
    return MetadataKind.refcountTable;
  }
  if (
    checks & MetadataKind.snapshotTable &&
    meets(offset, end, header.snapshotTableOffset, image.snapshotTableLength)
  ) {
    return MetadataKind.snapshotTable;
  }
  if (checks & MetadataKind.inactiveL1) {
    for (const { l1Offset, l1Entries } of image.snapshots) {
      if (meets(offset, end, l1Offset, l1Entries * 8)) return MetadataKind.inactiveL1;
    }
  }
  const { directory } = image.bitmaps;
  if (
    directory !== undefined &&
    checks & MetadataKind.bitmapDirectory &&
    meets(offset, end, directory.offset, directory.length)
  ) {
    return MetadataKind.bitmapDirectory;
  }
  if (!image.tablePlaces.mayHave(offset, end)) return 0;
  if (checks & MetadataKind.activeL2 && pointsInto(image.l1.view, offset, end, clusterSize)) {
    return MetadataKind.activeL2;
  }
  if (checks & MetadataKind.refcountBlock && pointsInto(image.refcountTable.view, offset, end, clusterSize)) {
    return MetadataKind.refcountBlock;
  }
  return 0;
}

/** The header of a LUKS volume is one of the image's as well: QEMU has no name for it of its own. */
function meetsLuks({ luks }: Qcow2Header, from: number, to: number): boolean {
  return luks !== undefined && meets(from, to, luks.offset, luks.length);
}

function meets(from: number, to: number, offset: number, length: number): boolean {
  return from < offset + length && offset < to;
}

/** Whether a table has an entry for a cluster in the range. L1 entries and those of the refcount table are alike enough. */
function pointsInto(table: DataView, from: number, to: number, clusterSize: number): boolean {
  for (let at = 0; at < table.byteLength; at += 8) {
    const offset = offsetOf(table.getUint32(at), table.getUint32(at + 4));
    if (offset !== 0 && from < offset + clusterSize && offset < to) return true;
  }
  return false;
}

async function meetsInactiveL2(image: Image, own: number, offset: number, length: number): Promise<number> {
  if (own & MetadataKind.inactiveL2 || !mustAskFile(image)) return 0;
  const piece = new Uint8Array(pieceSize);
  for (const { l1Offset, l1Entries } of image.snapshots) {
    for (let at = 0; at < l1Entries * 8; at += pieceSize) {
      const part = piece.subarray(0, Math.min(pieceSize, l1Entries * 8 - at));
      await image.file.read(l1Offset + at, part);
      if (pointsInto(viewOf(part), offset, offset + length, image.clusterSize)) return MetadataKind.inactiveL2;
    }
  }
  return 0;
}
