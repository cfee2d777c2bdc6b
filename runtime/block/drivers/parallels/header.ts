import type { Child } from '../../driver.js';
import { BlockError } from '../../error.js';
import { roundUp, sectorSize } from '../../limits.js';
import { viewOf } from '../shared/big-endian.js';
import { getUint64Le, setUint64Le } from '../shared/little-endian.js';

/** Bytes of the header, which the table follows. */
export const headerLength = 64;
/** Where the mark of an image in use is. */
export const inUseField = 44;
/** An image that is being written. Others write 0 when it is closed, or a mark of their own. */
export const inUse = 0x746f_6e59;
/** Entries that a table may have. */
export const mostEntries = 2 ** 29;

/** Entries are numbers of sectors. */
const sectorMark = 'WithoutFreeSpace';
/** Entries are numbers of clusters. */
const clusterMark = 'WithouFreSpacExt';
const version = 2;
const mostTracks = Math.floor((2 ** 31 - 1) / 513);

/** The header of an image. Offsets and sizes are in bytes. */
export interface ParallelsHeader {
  /** What entries count in. */
  readonly entryUnit: number;
  readonly clusterSize: number;
  readonly entries: number;
  readonly size: number;
  readonly dataOffset: number;
  /** It was not closed, or is open. */
  readonly inUse: boolean;
}

/** Whether the first bytes of a file are those of an image. */
export function isParallels(head: Uint8Array): boolean {
  const mark = Buffer.from(head.subarray(0, 16)).toString('latin1');
  return head.length >= 20 && [sectorMark, clusterMark].includes(mark) && viewOf(head).getUint32(16, true) === version;
}

/** @throws BlockError EINVAL when it is no header, or an impossible one, EFBIG */
export async function readHeader(file: Child): Promise<ParallelsHeader> {
  const bytes = new Uint8Array(headerLength);
  await file.read(0, bytes);
  if (!isParallels(bytes)) throw wrong('it is not in Parallels format');
  const view = viewOf(bytes);
  const tracks = view.getUint32(28, true);
  if (tracks === 0) throw wrong('clusters of no sectors');
  if (tracks > mostTracks)
    throw new BlockError('Invalid Parallels image: its clusters are too large', { code: 'EFBIG' });
  const clusterSize = tracks * sectorSize;
  const entries = view.getUint32(32, true);
  if (entries > mostEntries) throw new BlockError('Invalid Parallels image: its table is too large', { code: 'EFBIG' });
  const byClusters = Buffer.from(bytes.subarray(0, 16)).toString('latin1') === clusterMark;
  const sectors = byClusters ? getUint64Le(view, 36) : view.getUint32(36, true);
  const given = view.getUint32(48, true) * sectorSize;
  const tableEnd = headerLength + entries * 4;
  const dataOffset = given === 0 && !byClusters ? roundUp(tableEnd, sectorSize) : given;
  if (dataOffset < tableEnd) throw wrong(`its data begins at ${dataOffset}, inside of its table`);
  if (byClusters && dataOffset % clusterSize !== 0) throw wrong(`its data begins at ${dataOffset}`);
  if (tableEnd > file.node.length) throw wrong('it has been truncated');
  const size = sectors * sectorSize;
  if (!Number.isSafeInteger(size)) throw new BlockError('The Parallels image is too large', { code: 'EFBIG' });
  if (size > entries * clusterSize) throw wrong('its table is too small for its disk');
  return {
    entryUnit: byClusters ? clusterSize : sectorSize,
    clusterSize,
    entries,
    size,
    dataOffset,
    inUse: view.getUint32(inUseField, true) === inUse,
  };
}

/** A header as it is in the file, in the form in which entries count clusters. */
export function serialiseHeader({
  clusterSize,
  entries,
  size,
  dataOffset,
}: Pick<ParallelsHeader, 'clusterSize' | 'entries' | 'size' | 'dataOffset'>): Uint8Array {
  const bytes = new Uint8Array(headerLength);
  const view = viewOf(bytes);
  const sectors = size / sectorSize;
  bytes.set(Buffer.from(clusterMark, 'latin1'));
  view.setUint32(16, version, true);
  view.setUint32(20, 16, true);
  view.setUint32(24, Math.min(2 ** 32 - 1, Math.floor(sectors / (16 * 32))), true);
  view.setUint32(28, clusterSize / sectorSize, true);
  view.setUint32(32, entries, true);
  setUint64Le(view, 36, sectors);
  view.setUint32(48, dataOffset / sectorSize, true);
  return bytes;
}

function wrong(what: string): BlockError {
  return new BlockError(`Invalid Parallels image: ${what}`, { code: 'EINVAL' });
}
