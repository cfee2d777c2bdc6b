/*
 * The directory of persistent bitmaps: a header extension points at it, and it is valid only while the header's autoclear bit says
 * that all who wrote the image since have kept the bitmaps up to date.
 */

import { largestSize, roundUp } from '../../../limits.js';
import { getUint64, setUint64, viewOf } from '../../shared/big-endian.js';
import { AutoclearFeature, type Qcow2Header } from './header.js';
import type { HeaderExtension } from './header-extensions.js';

/** The header extension that points at the directory. */
const extensionType = 0x2385_2875;
const extensionLength = 24;
const recordLength = 24;

/** Flags of a record. */
export const BitmapFlag = {
  /** It was not kept up to date since: what it holds is not known. */
  inUse: 1,
  /** It records what is written. */
  auto: 2,
} as const;

/** The only type that there is: one bit for each granule. */
const dirtyTracking = 1;

/** Bounds of what is read and written, as QEMU has them. */
export const bitmapLimits = {
  bitmaps: 65_535,
  directoryBytes: 64 * 2 ** 20,
  nameBytes: 1023,
  leastGranularityBits: 9,
  mostGranularityBits: 31,
  /** Bytes of the clusters that one bitmap takes. */
  bytes: 512 * 2 ** 20,
} as const;

/** Where the directory is: offset, bytes, and how many bitmaps it has. */
export interface BitmapDirectory {
  readonly offset: number;
  readonly length: number;
  readonly count: number;
}

/** A bitmap of the directory. */
export interface BitmapRecord {
  readonly tableOffset: number;
  readonly tableEntries: number;
  /** A set of {@link BitmapFlag}, and perhaps bits that are not known. */
  readonly flags: number;
  readonly type: number;
  /** Granules have 2^granularityBits bytes. */
  readonly granularityBits: number;
  readonly extraLength: number;
  readonly name: Uint8Array;
}

/** The directory of an image. Nothing when it has no bitmaps, or none that are valid; `malformed` when that cannot be. */
export function bitmapDirectoryOf(header: Qcow2Header): BitmapDirectory | 'malformed' | undefined {
  const extension = header.extensions.find(({ type }) => type === extensionType);
  if (extension === undefined || (header.autoclear & AutoclearFeature.bitmaps) === 0n) return undefined;
  const view = viewOf(extension.data);
  if (extension.data.length !== extensionLength) return 'malformed';
  const [count, length, offset] = [view.getUint32(0), getUint64(view, 8), getUint64(view, 16)];
  if (length > bitmapLimits.directoryBytes || offset > largestSize) return 'malformed';
  return count === 0 ? undefined : { offset, length, count };
}

/** The header of an image whose directory is elsewhere, or gone. */
export function withDirectory(header: Qcow2Header, directory: BitmapDirectory | undefined): Qcow2Header {
  const others = header.extensions.filter(({ type }) => type !== extensionType);
  if (directory === undefined) {
    return { ...header, extensions: others, autoclear: header.autoclear & ~AutoclearFeature.bitmaps };
  }
  const data = new Uint8Array(extensionLength);
  const view = viewOf(data);
  view.setUint32(0, directory.count);
  setUint64(view, 8, directory.length);
  setUint64(view, 16, directory.offset);
  const extension: HeaderExtension = { type: extensionType, data };
  return { ...header, extensions: [extension, ...others], autoclear: header.autoclear | AutoclearFeature.bitmaps };
}

/** The bitmaps of a directory, as far as the bytes that there are reach. */
export function* bitmapRecords(directory: Uint8Array): Generator<BitmapRecord> {
  const view = viewOf(directory);
  for (let at = 0; at + recordLength <= directory.length; ) {
    const nameLength = view.getUint16(at + 18);
    const extraLength = view.getUint32(at + 20);
    const nameAt = at + recordLength + extraLength;
    yield {
      tableOffset: getUint64(view, at),
      tableEntries: view.getUint32(at + 8),
      flags: view.getUint32(at + 12),
      type: view.getUint8(at + 16),
      granularityBits: view.getUint8(at + 17),
      extraLength,
      name: directory.slice(nameAt, nameAt + nameLength),
    };
    at = roundUp(nameAt + nameLength, 8);
  }
}

/** A record of a bitmap of ours. */
export function recordOf(
  place: Pick<BitmapRecord, 'tableOffset' | 'tableEntries' | 'flags' | 'granularityBits' | 'name'>,
): BitmapRecord {
  return { ...place, type: dirtyTracking, extraLength: 0 };
}

/** The bytes of a directory. Records have no extra data. */
export function serialiseRecords(records: readonly BitmapRecord[]): Uint8Array {
  const bytes = new Uint8Array(records.reduce((sum, record) => sum + recordBytes(record.name.length), 0));
  const view = viewOf(bytes);
  let at = 0;
  for (const record of records) {
    setUint64(view, at, record.tableOffset);
    view.setUint32(at + 8, record.tableEntries);
    view.setUint32(at + 12, record.flags);
    view.setUint8(at + 16, record.type);
    view.setUint8(at + 17, record.granularityBits);
    view.setUint16(at + 18, record.name.length);
    bytes.set(record.name, at + recordLength);
    at += recordBytes(record.name.length);
  }
  return bytes;
}

/** Bytes of a record without extra data. */
export function recordBytes(nameLength: number): number {
  return roundUp(recordLength + nameLength, 8);
}

/** Bytes of the bits of a bitmap for a disk of this size. */
export function bitmapBytes(size: number, granularityBits: number): number {
  return Math.ceil(Math.ceil(size / 2 ** granularityBits) / 8);
}

/** Why a bitmap of the directory cannot be kept up to date; nothing when it can. */
export function problemOf(record: BitmapRecord, { size, clusterSize }: Qcow2Header): string | undefined {
  const { tableOffset, tableEntries, flags, granularityBits, name } = record;
  const { leastGranularityBits, mostGranularityBits, nameBytes, bytes } = bitmapLimits;
  if (record.type !== dirtyTracking) return `is of the unknown type ${record.type}`;
  if (record.extraLength > 0) return 'has extra data';
  if (flags & ~(BitmapFlag.inUse | BitmapFlag.auto)) return 'has unknown flags';
  if (name.length === 0 || name.length > nameBytes) return `has a name of ${name.length} bytes`;
  if (granularityBits < leastGranularityBits || granularityBits > mostGranularityBits) {
    return `has granules of 2^${granularityBits} bytes`;
  }
  if (tableOffset === 0 || tableOffset % clusterSize !== 0 || tableOffset > largestSize)
    return 'has an impossible table';
  if (tableEntries === 0 || tableEntries * clusterSize > bytes) return `has a table of ${tableEntries} entries`;
  if (flags & BitmapFlag.inUse) return undefined;
  const needed = Math.ceil(bitmapBytes(size, granularityBits) / clusterSize);
  return tableEntries >= needed ? undefined : `has a table of ${tableEntries} entries, where the disk needs ${needed}`;
}
