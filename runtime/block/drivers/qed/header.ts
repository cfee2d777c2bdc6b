import type { BackingFile, Child } from '../../driver.js';
import { BlockError } from '../../error.js';
import { decodeFileName, encodeFileName } from '../../file-name.js';
import { isPowerOfTwo, sectorSize } from '../../limits.js';
import { viewOf } from '../shared/big-endian.js';
import { getUint64Le, setUint64Le } from '../shared/little-endian.js';

/** Bytes of the header, which the backing file's name follows. */
const headerLength = 64;
/** Where the size of the disk is. */
export const sizeField = 48;
const magic = 0x0044_4551;
const longestName = 1023;

const Feature = { backing: 1n, needsCheck: 2n, backingIsRaw: 4n } as const;
const knownFeatures = Feature.backing | Feature.needsCheck | Feature.backingIsRaw;

/** The header of an image. Offsets and sizes are in bytes. */
export interface QedHeader {
  readonly clusterSize: number;
  /** Bytes of an L1 or L2 table. */
  readonly tableLength: number;
  /** Bytes before the first table or cluster. */
  readonly headerLength: number;
  /** It was not closed, and tables may point at what is not there. */
  readonly needsCheck: boolean;
  /** Features that a writer clears which does not know them. */
  readonly autoclear: bigint;
  readonly l1Offset: number;
  readonly size: number;
  readonly backing?: BackingFile;
}

/** Whether the first bytes of a file are those of an image. */
export function isQed(head: Uint8Array): boolean {
  return head.length >= 4 && viewOf(head).getUint32(0, true) === magic;
}

/** Bytes of the largest disk for tables and clusters of a size. */
export function largestDisk({ clusterSize, tableLength }: Pick<QedHeader, 'clusterSize' | 'tableLength'>): number {
  return (tableLength / 8) ** 2 * clusterSize;
}

/** @throws BlockError EINVAL when it is no header, or an impossible one, ENOTSUP for features that are not known */
export async function readHeader(file: Child): Promise<QedHeader> {
  const bytes = new Uint8Array(headerLength);
  await file.read(0, bytes);
  if (!isQed(bytes)) throw wrong('it is not in QED format');
  const view = viewOf(bytes);
  const clusterSize = view.getUint32(4, true);
  const tableClusters = view.getUint32(8, true);
  const features = view.getBigUint64(16, true);
  if (features & ~knownFeatures) {
    const unknown = (features & ~knownFeatures).toString(16);
    throw new BlockError(`The QED image has features that are not known: 0x${unknown}`, { code: 'ENOTSUP' });
  }
  if (!isPowerOfTwo(clusterSize) || clusterSize < 4096 || clusterSize > 2 ** 26) {
    throw wrong(`clusters of ${clusterSize} bytes`);
  }
  if (!isPowerOfTwo(tableClusters) || tableClusters > 16) throw wrong(`tables of ${tableClusters} clusters`);
  const header = {
    clusterSize,
    tableLength: tableClusters * clusterSize,
    headerLength: view.getUint32(12, true) * clusterSize,
    needsCheck: (features & Feature.needsCheck) !== 0n,
    autoclear: view.getBigUint64(32, true),
    l1Offset: getUint64Le(view, 40),
    size: getUint64Le(view, sizeField),
  };
  if (header.headerLength === 0 || header.headerLength >= 2 ** 32) throw wrong('its header has an impossible length');
  if (header.size % sectorSize !== 0 || header.size > Math.min(largestDisk(header), Number.MAX_SAFE_INTEGER)) {
    throw wrong(`a disk of ${header.size} bytes`);
  }
  if (!isTablePlace(header, header.l1Offset, file.node.length)) throw wrong(`its L1 table is at ${header.l1Offset}`);
  const backing = await readBacking(file, view, features, header.headerLength);
  return backing === undefined ? header : { ...header, backing };
}

/** Whether a table can be at a place of the file. */
export function isTablePlace(header: Omit<QedHeader, 'backing'>, offset: number, fileLength: number): boolean {
  return isClusterPlace(header, offset, fileLength) && offset + header.tableLength <= fileLength;
}

/** Whether a cluster can be at a place of the file. The last one need not be there as a whole. */
export function isClusterPlace(
  { clusterSize, headerLength: start }: Pick<QedHeader, 'clusterSize' | 'headerLength'>,
  offset: number,
  fileLength: number,
): boolean {
  return offset % clusterSize === 0 && offset >= start && offset < fileLength;
}

async function readBacking(
  file: Child,
  view: DataView,
  features: bigint,
  limit: number,
): Promise<BackingFile | undefined> {
  if (!(features & Feature.backing)) return undefined;
  const [offset, length] = [view.getUint32(56, true), view.getUint32(60, true)];
  if (length > longestName || offset + length > limit) throw wrong('the name of its backing file is not in the header');
  const name = new Uint8Array(length);
  await file.read(offset, name);
  return { name: decodeFileName(name), ...(features & Feature.backingIsRaw ? { format: 'raw' } : {}) };
}

/**
 * A header, with the backing file's name behind it, as it is in the file.
 *
 * @throws BlockError (ENOSPC) when the name does not fit
 */
export function serialiseHeader(header: QedHeader): Uint8Array {
  const { backing, clusterSize } = header;
  const name = backing === undefined ? new Uint8Array(0) : encodeFileName(backing.name);
  if (name.length > longestName || headerLength + name.length > header.headerLength) {
    throw new BlockError('The name of the backing file does not fit into the header', { code: 'ENOSPC' });
  }
  const bytes = new Uint8Array(headerLength + name.length);
  const view = viewOf(bytes);
  view.setUint32(0, magic, true);
  view.setUint32(4, clusterSize, true);
  view.setUint32(8, header.tableLength / clusterSize, true);
  view.setUint32(12, header.headerLength / clusterSize, true);
  const features =
    (backing === undefined ? 0n : Feature.backing) |
    (backing?.format === 'raw' ? Feature.backingIsRaw : 0n) |
    (header.needsCheck ? Feature.needsCheck : 0n);
  view.setBigUint64(16, features, true);
  view.setBigUint64(32, header.autoclear, true);
  setUint64Le(view, 40, header.l1Offset);
  setUint64Le(view, sizeField, header.size);
  if (name.length > 0) {
    view.setUint32(56, headerLength, true);
    view.setUint32(60, name.length, true);
    bytes.set(name, headerLength);
  }
  return bytes;
}

function wrong(what: string): BlockError {
  return new BlockError(`Invalid QED image: ${what}`, { code: 'EINVAL' });
}
