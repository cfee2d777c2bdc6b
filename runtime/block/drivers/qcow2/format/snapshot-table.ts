import type { SnapshotInfo } from '../../../../../generated/index.js';
import type { Child } from '../../../driver.js';
import { BlockError } from '../../../error.js';
import { largestSize, roundUp } from '../../../limits.js';
import { getUint64, setUint64, viewOf } from '../../shared/big-endian.js';
import { limits, type Qcow2Header } from './header.js';
import { textOf } from './header-extensions.js';

/** A record of the snapshot table. */
export interface Snapshot {
  /** The snapshot's L1 table. Not checked: it may point anywhere below 2^53, and have any number of entries. */
  readonly l1Offset: number;
  readonly l1Entries: number;
  readonly id: string;
  readonly name: string;
  /** Seconds since the epoch, and nanoseconds to add to them. */
  readonly dateSeconds: number;
  readonly dateNanoseconds: number;
  /** Nanoseconds that the guest had been running. */
  readonly vmClock: bigint;
  /** Bytes of saved machine state, behind the disk. */
  readonly vmStateSize: number;
  /** Bytes of the disk when the snapshot was taken. */
  readonly diskSize: number;
  /** The record says itself how large machine state and disk are, as it must from version 3 on. */
  readonly complete: boolean;
  /** What else the record holds, as it was read, so that writing the table again changes nothing. */
  readonly kept?: KeptParts;
}

interface KeptParts {
  /** Extra data that are not known. */
  readonly extra: Uint8Array;
  /** Id and name as they are: not every sequence of bytes is a text. */
  readonly id: Uint8Array;
  readonly name: Uint8Array;
}

/** The table, and how many bytes it takes. */
export interface SnapshotTable {
  readonly snapshots: readonly Snapshot[];
  readonly length: number;
}

/** The longest table, in bytes, that is read. */
const tableLimit = 64 * 2 ** 20;
const extraLimit = 1024;

const recordLength = 40;
/** The extra data that are known: size of the machine state, size of the disk. */
const knownExtra = 16;
const longestRecord = recordLength + extraLimit + 2 * 0xffff;

/** Bytes of ids and names that others get to see; the rest is cut. */
const idLimit = 127;
const nameLimit = 255;

/**
 * Reads the snapshot table that a header points at.
 *
 * @throws BlockError (EFBIG, EINVAL) when it is longer than 64 MiB, or a record is impossible
 */
export async function readSnapshotTable(
  file: Child,
  header: Pick<Qcow2Header, 'snapshotCount' | 'snapshotTableOffset' | 'size'>,
): Promise<SnapshotTable> {
  const snapshots: Snapshot[] = [];
  const window = new Uint8Array(header.snapshotCount === 0 ? 0 : 2 * longestRecord);
  let windowStart = 0;
  let length = 0;
  for (let index = 0; index < header.snapshotCount; index++) {
    length = roundUp(length, 8);
    if (index === 0 || length + longestRecord > windowStart + window.length) {
      windowStart = length;
      await file.read(header.snapshotTableOffset + windowStart, window);
    }
    const record = window.subarray(length - windowStart);
    length += lengthOf(record, index);
    if (length > tableLimit) throw new BlockError('The snapshot table is longer than 64 MiB', { code: 'EFBIG' });
    snapshots.push(parseRecord(record, index, header.size));
  }
  return { snapshots, length };
}

/**
 * The bytes of a snapshot table, unpadded at the end.
 *
 * @throws BlockError (EFBIG, ENAMETOOLONG) when it would be too long to be read again
 */
export function serialiseSnapshotTable(snapshots: readonly Snapshot[]): Uint8Array {
  if (snapshots.length > limits.snapshots) {
    throw new BlockError(`An image can have at most ${limits.snapshots} snapshots`, { code: 'EFBIG' });
  }
  const records = snapshots.map(serialiseRecord);
  const length = records.reduce((sum, record) => roundUp(sum, 8) + record.length, 0);
  if (length > tableLimit) throw new BlockError('The snapshot table would be longer than 64 MiB', { code: 'EFBIG' });
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const record of records) {
    at = roundUp(at, 8);
    bytes.set(record, at);
    at += record.length;
  }
  return bytes;
}

/** A record as others get to see it. */
export function snapshotInfoOf(snapshot: Snapshot): SnapshotInfo {
  const { id, name } = snapshot.kept ?? { id: Buffer.from(snapshot.id), name: Buffer.from(snapshot.name) };
  return {
    id: textOf(id.subarray(0, idLimit)),
    name: textOf(name.subarray(0, nameLimit)),
    'vm-state-size': snapshot.vmStateSize,
    'date-sec': snapshot.dateSeconds,
    'date-nsec': snapshot.dateNanoseconds,
    'vm-clock-sec': Number(snapshot.vmClock / 1_000_000_000n),
    'vm-clock-nsec': Number(snapshot.vmClock % 1_000_000_000n),
  };
}

/** The record of a snapshot to be. `place`: its L1 table and the size of the disk. */
export function snapshotOf(info: SnapshotInfo, place: Pick<Snapshot, 'l1Offset' | 'l1Entries' | 'diskSize'>): Snapshot {
  return {
    ...place,
    id: info.id,
    name: info.name,
    dateSeconds: Number(info['date-sec']),
    dateNanoseconds: Number(info['date-nsec']),
    vmClock: BigInt(info['vm-clock-sec']) * 1_000_000_000n + BigInt(info['vm-clock-nsec']),
    vmStateSize: Number(info['vm-state-size']),
    complete: true,
  };
}

function lengthOf(record: Uint8Array, index: number): number {
  const view = viewOf(record);
  const extra = view.getUint32(36);
  if (extra > extraLimit) {
    throw invalid(index, `has ${extra} bytes of extra data, but there may be at most ${extraLimit}`);
  }
  return recordLength + extra + view.getUint16(12) + view.getUint16(14);
}

function parseRecord(record: Uint8Array, index: number, currentSize: number): Snapshot {
  const view = viewOf(record);
  const extra = view.getUint32(36);
  const idStart = recordLength + extra;
  const nameStart = idStart + view.getUint16(12);
  const id = record.slice(idStart, nameStart);
  const name = record.slice(nameStart, nameStart + view.getUint16(14));
  return {
    l1Offset: field(view, 0, index, 'an L1 table at'),
    l1Entries: view.getUint32(8),
    id: textOf(id),
    name: textOf(name),
    dateSeconds: view.getUint32(16),
    dateNanoseconds: view.getUint32(20),
    vmClock: view.getBigUint64(24),
    vmStateSize: extra < 8 ? view.getUint32(32) : field(view, recordLength, index, 'a machine state of size'),
    diskSize: extra < knownExtra ? currentSize : field(view, recordLength + 8, index, 'a disk of size'),
    complete: extra >= knownExtra,
    kept: { extra: record.slice(recordLength + Math.min(extra, knownExtra), idStart), id, name },
  };
}

function serialiseRecord(snapshot: Snapshot): Uint8Array {
  const id = snapshot.kept?.id ?? Buffer.from(snapshot.id);
  const name = snapshot.kept?.name ?? Buffer.from(snapshot.name);
  if (id.length > 0xffff || name.length > 0xffff) {
    throw new BlockError('The name of a snapshot may have at most 65535 bytes', { code: 'ENAMETOOLONG' });
  }
  const extra = snapshot.kept?.extra ?? new Uint8Array(0);
  const idStart = recordLength + knownExtra + extra.length;
  const record = new Uint8Array(idStart + id.length + name.length);
  const view = viewOf(record);
  setUint64(view, 0, snapshot.l1Offset);
  view.setUint32(8, snapshot.l1Entries);
  view.setUint16(12, id.length);
  view.setUint16(14, name.length);
  view.setUint32(16, snapshot.dateSeconds);
  view.setUint32(20, snapshot.dateNanoseconds);
  view.setBigUint64(24, BigInt.asUintN(64, snapshot.vmClock));
  view.setUint32(32, snapshot.vmStateSize % 2 ** 32);
  view.setUint32(36, knownExtra + extra.length);
  setUint64(view, recordLength, snapshot.vmStateSize);
  setUint64(view, recordLength + 8, snapshot.diskSize);
  record.set(extra, recordLength + knownExtra);
  record.set(id, idStart);
  record.set(name, idStart + id.length);
  return record;
}

function field(view: DataView, at: number, index: number, what: string): number {
  const value = getUint64(view, at);
  if (value <= largestSize) return value;
  throw invalid(index, `has ${what} ${view.getBigUint64(at)}, which is too large`);
}

function invalid(index: number, what: string): BlockError {
  return new BlockError(`Snapshot ${index} in the snapshot table ${what}`, { code: 'EINVAL' });
}
