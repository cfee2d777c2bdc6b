import type { Child } from '../../driver.js';
import { BlockError } from '../../error.js';
import { isPowerOfTwo, roundUp, sectorSize } from '../../limits.js';
import { viewOf } from '../shared/big-endian.js';
import { getUint64Le, setUint64Le } from '../shared/little-endian.js';

/** The marks of extents with tables: hosted ones, and those of ESX. */
export const hostedMark = 'KDMV';
export const esxMark = 'COWD';
/** Bytes of a header. */
export const headerLength = 512;

const Flag = { newlines: 1, redundant: 2, zeroGrains: 4, compressed: 0x1_0000, markers: 0x2_0000 } as const;
/** Where a directory is that follows the data. */
const atEnd = 2 ** 64;
const deflated = 1;
const footerType = 3;
/** Bytes of footer marker, header and end marker, at the end of an image that was written as a stream. */
const trailerLength = 1536;
const longestDirectory = 512 * 2 ** 20;
const mostGrainSectors = 0x20_0000;
/** A grain that is compressed is unpacked as a whole. */
const largestPackedGrain = 64 * 1024 * 1024;
const mostTableEntries = 512;
/** A table of an ESX extent has so many. */
const esxTableEntries = 4096;

/** The header of an extent with tables. Offsets and sizes are in bytes. */
export interface SparseHeader {
  readonly version: number;
  /** Bytes of the disk. */
  readonly capacity: number;
  readonly grain: number;
  /** Entries of a grain table. */
  readonly tableEntries: number;
  readonly directory: number;
  /** Entries of the directory. */
  readonly tables: number;
  /** The other directory, with tables of its own. */
  readonly redundant: number | undefined;
  /** Where grains begin. */
  readonly overhead: number;
  readonly descriptor: { readonly offset: number; readonly length: number } | undefined;
  /** An entry of 1 stands for zeroes. */
  readonly zeroGrains: boolean;
  readonly compressed: boolean;
  /** Compressed data has its place and length before it. */
  readonly markers: boolean;
}

/** The first characters of a file. */
export function markOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 4));
}

/** Reads the header of a hosted extent. @throws BlockError (EINVAL, ENOTSUP) */
export async function readHostedHeader(file: Child): Promise<SparseHeader> {
  let bytes = new Uint8Array(headerLength);
  await file.read(0, bytes);
  if (getUint64Le(viewOf(bytes), 56) === atEnd) bytes = await readFooter(file);
  const view = viewOf(bytes);
  const sectors = (at: number): number => getUint64Le(view, at) * sectorSize;
  const flags = view.getUint32(8, true);
  const header = {
    version: view.getUint32(4, true),
    capacity: sectors(12),
    grain: sectors(20),
    tableEntries: view.getUint32(44, true),
    directory: sectors(56),
    redundant: flags & Flag.redundant && sectors(48) >= headerLength ? sectors(48) : undefined,
    overhead: sectors(64),
    zeroGrains: (flags & Flag.zeroGrains) !== 0,
    compressed: view.getUint16(77, true) === deflated,
    markers: (flags & Flag.markers) !== 0,
  };
  if (header.version > 3) throw new BlockError(`VMDK version ${header.version} is not supported`, { code: 'ENOTSUP' });
  const [offset, length] = [sectors(28), sectors(36)];
  return checked(
    { ...header, descriptor: offset === 0 || length === 0 ? undefined : { offset, length } },
    file,
    mostTableEntries,
  );
}

/** Reads the header of an extent of ESX. @throws BlockError (EINVAL) */
export async function readEsxHeader(file: Child): Promise<SparseHeader> {
  const bytes = new Uint8Array(headerLength);
  await file.read(0, bytes);
  const view = viewOf(bytes);
  const sectors = (at: number): number => view.getUint32(at, true) * sectorSize;
  const header = checked(
    {
      version: view.getUint32(4, true),
      capacity: sectors(12),
      grain: sectors(16),
      tableEntries: esxTableEntries,
      directory: sectors(20),
      redundant: undefined,
      overhead: headerLength,
      zeroGrains: false,
      compressed: false,
      markers: false,
      descriptor: undefined,
    },
    file,
    esxTableEntries,
  );
  const entries = view.getUint32(24, true);
  if (entries < header.tables) throw wrong(`${entries} tables are too few`);
  return { ...header, overhead: roundUp(header.directory + entries * 4, sectorSize) };
}

function checked(header: Omit<SparseHeader, 'tables'>, file: Child, mostEntries: number): SparseHeader {
  const { capacity, grain, tableEntries, directory, redundant, overhead } = header;
  if (!Number.isSafeInteger(capacity)) throw new BlockError('The VMDK image is too large', { code: 'EFBIG' });
  // A file that is a descriptor only has no tables.
  if (capacity === 0) return { ...header, tables: 0 };
  if (!isPowerOfTwo(grain) || grain > mostGrainSectors * sectorSize) throw wrong(`grains of ${grain} bytes`);
  if (header.compressed && grain > largestPackedGrain) throw wrong(`compressed grains of ${grain} bytes`);
  if (tableEntries === 0 || tableEntries > mostEntries) throw wrong(`tables of ${tableEntries} entries`);
  const tables = Math.ceil(capacity / (grain * tableEntries));
  if (tables > longestDirectory) throw wrong(`${tables} tables are too many`);
  const { length } = file.node;
  if (length < overhead) throw wrong(`it has been truncated: it should have at least ${overhead} bytes`);
  for (const place of [directory, redundant ?? 0]) {
    if (place + (place === 0 ? 0 : tables * 4) > length) throw wrong('a grain directory is beyond the end of the file');
  }
  if (directory < headerLength) throw wrong(`its grain directory is at ${directory}`);
  return { ...header, tables };
}

/** The header that counts of an image that was written as a stream. */
async function readFooter(file: Child): Promise<Uint8Array<ArrayBuffer>> {
  const trailer = new Uint8Array(trailerLength);
  if (file.node.length < trailerLength) throw wrong('it has been truncated');
  await file.read(file.node.length - trailerLength, trailer);
  const view = viewOf(trailer);
  const footer = trailer.slice(512, 1024);
  const isMarked = view.getUint32(8, true) === 0 && view.getUint32(12, true) === footerType;
  const isEnd = getUint64Le(view, 1024) === 0 && view.getUint32(1032, true) === 0 && view.getUint32(1036, true) === 0;
  if (!isMarked || !isEnd || markOf(footer) !== hostedMark) throw wrong('it has no footer');
  if (getUint64Le(viewOf(footer), 56) === atEnd) throw wrong('its footer does not say where its tables are');
  return footer;
}

/** What a new hosted extent is like; the rest follows. */
export interface NewExtent {
  readonly capacity: number;
  readonly zeroGrains: boolean;
  readonly compressed: boolean;
}

/** Where things are in a new extent, in sectors. */
export interface ExtentLayout {
  readonly tables: number;
  readonly directorySectors: number;
  readonly redundant: number;
  readonly directory: number;
  readonly overhead: number;
}

const newGrain = 128;
const newTableEntries = 512;
/** Sectors of a grain table. */
export const tableSectors = (newTableEntries * 4) / sectorSize;
/** The sectors between the header and the tables, for the descriptor. */
export const descriptorSectors = 20;

/** Where things go: header, descriptor, the redundant directory with its tables, the directory with its tables, grains. */
export function layoutOf({ capacity }: NewExtent): ExtentLayout {
  const tables = Math.ceil(capacity / sectorSize / (newGrain * newTableEntries));
  const directorySectors = Math.ceil((tables * 4) / sectorSize);
  const redundant = 1 + descriptorSectors;
  const directory = redundant + directorySectors + tables * tableSectors;
  const overhead = roundUp(directory + directorySectors + tables * tableSectors, newGrain);
  return { tables, directorySectors, redundant, directory, overhead };
}

/** A header as it is in the file. */
export function serialiseHeader(extent: NewExtent, layout: ExtentLayout): Uint8Array {
  const bytes = new Uint8Array(headerLength);
  const view = viewOf(bytes);
  bytes.set(Buffer.from(hostedMark, 'latin1'));
  view.setUint32(4, extent.compressed ? 3 : extent.zeroGrains ? 2 : 1, true);
  const flags =
    Flag.newlines |
    Flag.redundant |
    (extent.zeroGrains ? Flag.zeroGrains : 0) |
    (extent.compressed ? Flag.compressed | Flag.markers : 0);
  view.setUint32(8, flags, true);
  setUint64Le(view, 12, extent.capacity / sectorSize);
  setUint64Le(view, 20, newGrain);
  setUint64Le(view, 28, 1);
  setUint64Le(view, 36, descriptorSectors);
  view.setUint32(44, newTableEntries, true);
  setUint64Le(view, 48, layout.redundant);
  setUint64Le(view, 56, layout.directory);
  setUint64Le(view, 64, layout.overhead);
  // Shows whether the file was treated as text on its way.
  bytes.set(Buffer.from('\n \r\n', 'latin1'), 73);
  view.setUint16(77, extent.compressed ? deflated : 0, true);
  return bytes;
}

function wrong(what: string): BlockError {
  return new BlockError(`Invalid VMDK extent: ${what}`, { code: 'EINVAL' });
}
