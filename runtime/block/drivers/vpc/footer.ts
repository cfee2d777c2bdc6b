import { BlockError } from '../../error.js';
import { isPowerOfTwo, sectorSize } from '../../limits.js';
import { getUint64, setUint64, viewOf } from '../shared/big-endian.js';
import { type Geometry, largestGeometry, sectorsOf } from './geometry.js';

/** Bytes of the footer, which is at the end of each image, and at the beginning, too, of dynamic ones. */
export const footerLength = 512;
/** Bytes of the header of dynamic images. */
export const dynamicHeaderLength = 1024;
/** Sectors that a disk may have. */
export const mostSectors = 0xff00_0000;

const cookie = 'conectix';
const dynamicCookie = 'cxsparse';
const checksumField = 64;
const dynamicChecksumField = 36;
/** Seconds from 1970 to 2000, where time begins. */
const epoch = 946_684_800;

/** How an image stores its disk. */
export const ImageType = { fixed: 2, dynamic: 3, differencing: 4 } as const;

/** Programs whose images have the size that the footer says, and not that of the geometry. */
const exactCreators = new Set(['win ', 'qem2', 'd2v ', 'tap\0', 'CTXS']);

/** What the size of a disk is read from. */
export type SizeRule = 'chs' | 'current_size';

/** The footer of an image. */
export interface Footer {
  readonly type: number;
  /** Where the header of a dynamic image is, in bytes. */
  readonly headerOffset: number;
  readonly creator: string;
  /** Bytes of the disk, as the footer says. */
  readonly currentSize: number;
  readonly geometry: Geometry;
  /** The checksum is right. */
  readonly sound: boolean;
}

/** The header of a dynamic image. */
export interface DynamicHeader {
  readonly tableOffset: number;
  readonly entries: number;
  readonly blockSize: number;
  readonly sound: boolean;
}

/** Whether these are the first bytes of a footer. */
export function isFooter(bytes: Uint8Array): boolean {
  return text(bytes, 0, 8) === cookie;
}

/** @param bytes of a footer */
export function readFooter(bytes: Uint8Array): Footer {
  const view = viewOf(bytes);
  return {
    type: view.getUint32(60),
    headerOffset: getUint64(view, 16),
    creator: text(bytes, 28, 4),
    currentSize: getUint64(view, 48),
    geometry: { cylinders: view.getUint16(56), heads: view.getUint8(58), sectors: view.getUint8(59) },
    sound: view.getUint32(checksumField) === checksumOf(bytes, checksumField),
  };
}

/** Bytes of the disk. @param rule absent: as the program that made the image means it */
export function diskSize({ creator, currentSize, geometry }: Footer, rule?: SizeRule): number {
  const product = sectorsOf(geometry);
  const exact = exactCreators.has(creator) || product === sectorsOf(largestGeometry);
  if (rule === undefined ? exact : rule === 'current_size') return currentSize - (currentSize % sectorSize);
  return product * sectorSize;
}

/** @throws BlockError (EINVAL) when it is no such header */
export function readDynamicHeader(bytes: Uint8Array): DynamicHeader {
  const view = viewOf(bytes);
  const wrong = (what: string): BlockError => new BlockError(`Invalid VHD image: ${what}`, { code: 'EINVAL' });
  if (text(bytes, 0, 8) !== dynamicCookie) throw wrong('it has no header of a dynamic disk');
  const blockSize = view.getUint32(32);
  if (!isPowerOfTwo(blockSize) || blockSize < sectorSize) throw wrong(`blocks of ${blockSize} bytes`);
  const tableOffset = getUint64(view, 16);
  if (tableOffset % sectorSize !== 0) throw wrong(`its table begins at ${tableOffset}`);
  return {
    tableOffset,
    entries: view.getUint32(28),
    blockSize,
    sound: view.getUint32(dynamicChecksumField) === checksumOf(bytes, dynamicChecksumField),
  };
}

/** What a new footer says. */
export interface NewFooter {
  readonly type: number;
  readonly creator: string;
  readonly size: number;
  readonly geometry: Geometry;
  readonly uuid: Uint8Array;
  /** Seconds since 1970. */
  readonly time: number;
}

/** A footer as it is in the file. */
export function serialiseFooter({ type, creator, size, geometry, uuid, time }: NewFooter): Uint8Array {
  const bytes = new Uint8Array(footerLength);
  const view = viewOf(bytes);
  put(bytes, 0, cookie);
  view.setUint32(8, 2);
  view.setUint32(12, 0x0001_0000);
  if (type === ImageType.fixed) bytes.fill(0xff, 16, 24);
  else setUint64(view, 16, footerLength);
  view.setUint32(24, Math.max(0, Math.floor(time) - epoch));
  put(bytes, 28, creator);
  view.setUint16(32, 5);
  view.setUint16(34, 3);
  put(bytes, 36, 'Wi2k');
  setUint64(view, 40, size);
  setUint64(view, 48, size);
  view.setUint16(56, geometry.cylinders);
  view.setUint8(58, geometry.heads);
  view.setUint8(59, geometry.sectors);
  view.setUint32(60, type);
  bytes.set(uuid, 68);
  view.setUint32(checksumField, checksumOf(bytes, checksumField));
  return bytes;
}

/** The header of a dynamic image as it is in the file. */
export function serialiseDynamicHeader({ tableOffset, entries, blockSize }: Omit<DynamicHeader, 'sound'>): Uint8Array {
  const bytes = new Uint8Array(dynamicHeaderLength);
  const view = viewOf(bytes);
  put(bytes, 0, dynamicCookie);
  bytes.fill(0xff, 8, 16);
  setUint64(view, 16, tableOffset);
  view.setUint32(24, 0x0001_0000);
  view.setUint32(28, entries);
  view.setUint32(32, blockSize);
  view.setUint32(dynamicChecksumField, checksumOf(bytes, dynamicChecksumField));
  return bytes;
}

/** The complement of the sum of all bytes but those of the checksum itself. */
function checksumOf(bytes: Uint8Array, field: number): number {
  let sum = 0;
  for (const [at, byte] of bytes.entries()) if (at < field || at >= field + 4) sum += byte;
  return ~sum >>> 0;
}

function text(bytes: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + length));
}

function put(bytes: Uint8Array, at: number, value: string): void {
  bytes.set(Buffer.from(value, 'latin1'), at);
}
