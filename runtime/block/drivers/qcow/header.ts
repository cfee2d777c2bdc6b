import type { BackingFile, Child } from '../../driver.js';
import { BlockError } from '../../error.js';
import { decodeFileName, encodeFileName } from '../../file-name.js';
import { roundDown, roundUp, sectorSize } from '../../limits.js';
import { getUint64, setUint64, viewOf } from '../shared/big-endian.js';

/** Bytes of the header, which the backing file's name follows. */
const headerLength = 48;
const magic = 0x5146_49fb;
const version = 1;
/** Bytes of a backing file's name. */
const longestName = 1023;
/** Entries of an L1 table. */
const mostTables = Math.floor((2 ** 31 - 1) / 8);

/** The header of an image. */
export interface QcowHeader {
  readonly backing?: BackingFile;
  /** Bytes of the disk. */
  readonly size: number;
  readonly clusterBits: number;
  /** An L2 table has 2^l2Bits entries. */
  readonly l2Bits: number;
  readonly encrypted: boolean;
  readonly l1Offset: number;
}

/** Whether the first bytes of a file are those of an image of this version. */
export function isQcow(head: Uint8Array): boolean {
  return head.length >= 8 && viewOf(head).getUint32(0) === magic && viewOf(head).getUint32(4) === version;
}

/** Entries of the L1 table. */
export function l1EntriesOf({
  size,
  clusterBits,
  l2Bits,
}: Pick<QcowHeader, 'size' | 'clusterBits' | 'l2Bits'>): number {
  return Math.ceil(size / 2 ** (clusterBits + l2Bits));
}

/** @throws BlockError (EINVAL) when it is no header, or an impossible one */
export async function readHeader(file: Child): Promise<QcowHeader> {
  const bytes = new Uint8Array(headerLength);
  await file.read(0, bytes);
  if (!isQcow(bytes)) throw wrong('it is not in format qcow, version 1');
  const view = viewOf(bytes);
  const header = {
    size: getUint64(view, 24),
    clusterBits: view.getUint8(32),
    l2Bits: view.getUint8(33),
    encrypted: view.getUint32(36) === 1,
    l1Offset: getUint64(view, 40),
  };
  if (header.size <= 1) throw wrong('its disk is too small');
  if (header.clusterBits < 9 || header.clusterBits > 16) throw wrong(`clusters of 2^${header.clusterBits} bytes`);
  if (header.l2Bits < 6 || header.l2Bits > 13) throw wrong(`L2 tables of 2^${header.l2Bits} entries`);
  if (view.getUint32(36) > 1) throw wrong(`encryption method ${view.getUint32(36)}`);
  const entries = l1EntriesOf(header);
  if (entries > mostTables) throw new BlockError('qcow: The image is too large', { code: 'EFBIG' });
  if (header.l1Offset % 8 !== 0 || header.l1Offset < headerLength)
    throw wrong(`its L1 table begins at ${header.l1Offset}`);
  if (header.l1Offset + entries * 8 > file.node.length) throw wrong('it has been truncated');
  const backing = await readBacking(file, getUint64(view, 8), view.getUint32(16));
  return { ...header, size: roundDown(header.size, sectorSize), ...(backing === undefined ? {} : { backing }) };
}

async function readBacking(file: Child, offset: number, length: number): Promise<BackingFile | undefined> {
  if (offset === 0) return undefined;
  if (length > longestName) throw wrong('the name of its backing file is too long');
  if (offset + length > file.node.length) throw wrong('it has been truncated');
  const name = new Uint8Array(length);
  await file.read(offset, name);
  return { name: decodeFileName(name) };
}

/** A header, with the backing file's name behind it, as it is in the file; where it ends, the L1 table begins. */
export function serialiseHeader(header: Omit<QcowHeader, 'l1Offset' | 'encrypted'>): Uint8Array {
  const name = header.backing === undefined ? new Uint8Array(0) : encodeFileName(header.backing.name);
  if (name.length > longestName) throw wrong('the name of its backing file is too long');
  const bytes = new Uint8Array(roundUp(headerLength + name.length, 8));
  const view = viewOf(bytes);
  view.setUint32(0, magic);
  view.setUint32(4, version);
  if (name.length > 0) {
    setUint64(view, 8, headerLength);
    view.setUint32(16, name.length);
  }
  setUint64(view, 24, header.size);
  view.setUint8(32, header.clusterBits);
  view.setUint8(33, header.l2Bits);
  setUint64(view, 40, bytes.length);
  bytes.set(name, headerLength);
  return bytes;
}

function wrong(what: string): BlockError {
  return new BlockError(`Invalid qcow image: ${what}`, { code: 'EINVAL' });
}
