import type { Child } from '../../driver.js';
import { BlockError } from '../../error.js';
import { viewOf } from '../shared/big-endian.js';
import { getUint64Le, setUint64Le } from '../shared/little-endian.js';
import { crc32c } from './crc32c.js';
import { guidLength, newGuid, noGuid } from './guid.js';

export const kibi = 1024;
export const mebi = kibi * kibi;
/** What a file begins with. */
export const fileMark = 'vhdxfile';
/** Where the two headers are. */
export const headerOffsets = [64 * kibi, 128 * kibi] as const;

const headerLength = 4096;
const headerMark = 'head';
const checksumField = 4;
const version = 1;

/** The header that counts. */
export interface Header {
  readonly bytes: Uint8Array;
  /** Which of the two it is. */
  readonly slot: number;
  readonly sequence: number;
  readonly logGuid: Uint8Array;
  readonly logOffset: number;
  readonly logLength: number;
}

/** Whether the first bytes of a file are those of an image. */
export function isVhdx(head: Uint8Array): boolean {
  return Buffer.from(head.subarray(0, 8)).toString('latin1') === fileMark;
}

/** Reads the newer of the headers that are sound. @throws BlockError (EINVAL) when none is */
export async function readHeader(file: Child): Promise<Header> {
  const found: Header[] = [];
  for (const [slot, offset] of headerOffsets.entries()) {
    const bytes = new Uint8Array(headerLength);
    await file.read(offset, bytes);
    const header = parse(bytes, slot);
    if (header !== undefined) found.push(header);
  }
  const [first, second] = found;
  if (first === undefined) throw invalidVhdx('neither of its headers is sound');
  if (second === undefined) return checked(first);
  if (first.sequence === second.sequence && Buffer.compare(first.bytes, second.bytes) !== 0) {
    throw invalidVhdx('its headers contradict each other');
  }
  return checked(second.sequence > first.sequence ? second : first);
}

function parse(bytes: Uint8Array, slot: number): Header | undefined {
  const view = viewOf(bytes);
  if (Buffer.from(bytes.subarray(0, 4)).toString('latin1') !== headerMark) return undefined;
  if (view.getUint32(checksumField, true) !== crc32c(bytes, checksumField)) return undefined;
  if (view.getUint16(66, true) !== version) return undefined;
  return {
    bytes,
    slot,
    sequence: getUint64Le(view, 8),
    logGuid: bytes.subarray(48, 48 + guidLength),
    logLength: view.getUint32(68, true),
    logOffset: getUint64Le(view, 72),
  };
}

function checked(header: Header): Header {
  const { logOffset, logLength, bytes } = header;
  if (logOffset % mebi !== 0 || logLength % mebi !== 0 || logOffset < mebi || logLength === 0) {
    throw invalidVhdx(`its log has ${logLength} bytes at ${logOffset}`);
  }
  if (viewOf(bytes).getUint16(64, true) !== 0) throw invalidVhdx('its log has an unknown version');
  return header;
}

/** What is changed in the headers. Absent: it stays. */
export interface HeaderChange {
  readonly logGuid?: Uint8Array;
  /** Something in the file is about to change, or in what the guest sees. */
  readonly fileWriteGuid?: Uint8Array;
  readonly dataWriteGuid?: Uint8Array;
}

/** Changes the headers: first the older one, then the other, so that one is always sound. @returns the one that counts */
export async function changeHeaders(file: Child, header: Header, change: HeaderChange): Promise<Header> {
  let current = header;
  for (let times = 0; times < 2; times++) {
    const bytes = current.bytes.slice();
    const sequence = current.sequence + 1;
    setUint64Le(viewOf(bytes), 8, sequence);
    if (change.fileWriteGuid !== undefined) bytes.set(change.fileWriteGuid, 16);
    if (change.dataWriteGuid !== undefined) bytes.set(change.dataWriteGuid, 32);
    if (change.logGuid !== undefined) bytes.set(change.logGuid, 48);
    viewOf(bytes).setUint32(checksumField, crc32c(bytes, checksumField), true);
    const slot = 1 - current.slot;
    await file.write(headerOffsets[slot === 0 ? 0 : 1], bytes);
    await file.flush();
    current = { ...current, bytes, slot, sequence, logGuid: bytes.subarray(48, 48 + guidLength) };
  }
  return current;
}

/** A first header, as it is in the file. */
export function newHeader(sequence: number, logOffset: number, logLength: number): Uint8Array {
  const bytes = new Uint8Array(headerLength);
  const view = viewOf(bytes);
  bytes.set(Buffer.from(headerMark, 'latin1'));
  setUint64Le(view, 8, sequence);
  bytes.set(newGuid(), 16);
  bytes.set(newGuid(), 32);
  bytes.set(noGuid, 48);
  view.setUint16(66, version, true);
  view.setUint32(68, logLength, true);
  setUint64Le(view, 72, logOffset);
  view.setUint32(checksumField, crc32c(bytes, checksumField), true);
  return bytes;
}

export function invalidVhdx(what: string): BlockError {
  return new BlockError(`Invalid VHDX image: ${what}`, { code: 'EINVAL' });
}
