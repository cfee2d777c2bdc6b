import { viewOf } from '../../shared/big-endian.js';
import { hasDataFile, l2EntrySize, limits, type Qcow2Header } from '../format/header.js';
import { readSnapshotTable, type Snapshot } from '../format/snapshot-table.js';
import {
  compressedFlag,
  compressedLength,
  compressedOffset,
  copiedFlag,
  hasReservedL1Bits,
  hasReservedL2Bits,
  offsetOf,
  zeroFlag,
} from '../format/table-entry.js';
import { countBitmaps } from './bitmaps.js';
import type { CheckContext } from './context.js';
import type { CheckReport } from './report.js';

/** L1 tables are read in pieces of this many bytes. */
const l1Piece = 65536;

/** How often L2 tables are pointed at, by their offsets. Each is read once, however often that is. */
export interface L2Tables {
  /** From the active L1 table. */
  readonly active: Map<number, number>;
  /** From those of snapshots. */
  readonly inactive: Map<number, number>;
}

interface L1Place {
  readonly l1Offset: number;
  readonly l1Entries: number;
  times: number;
}

/** Counts all references but those to the refcounts themselves. @throws BlockError when something cannot be read */
export async function countReferences(context: CheckContext): Promise<L2Tables> {
  const { header, report } = context;
  const tables: L2Tables = { active: new Map(), inactive: new Map() };
  context.count('The header', 0, header.clusterSize);
  if (header.luks !== undefined) context.count('The LUKS header', header.luks.offset, header.luks.length);
  await countL1(context, header.l1Offset, header.l1Entries, 1, tables.active);
  const { snapshots, length } = await readSnapshotTable(context.file, header);
  for (const { l1Entries, l1Offset, times } of placesOf(snapshots)) {
    if (l1Offset % header.clusterSize !== 0) {
      report.corruption(`The L1 table of snapshots is at ${l1Offset}, which is not the beginning of a cluster`, times);
    } else if (l1Entries * 8 > limits.l1Bytes) {
      report.corruption(`The L1 table of snapshots at ${l1Offset} has ${l1Entries} entries, which are too many`, times);
    } else {
      await countL1(context, l1Offset, l1Entries, times, tables.inactive);
    }
  }
  if (header.version === 3) {
    for (const { complete, id } of snapshots) {
      if (complete) continue;
      report.incompleteSnapshots++;
      report.corruption(`Snapshot '${id}' does not say how large its disk is`);
    }
  }
  context.count('The snapshot table', header.snapshotTableOffset, length);
  await countBitmaps(context);
  const buffer = new Uint8Array(header.clusterSize);
  for (const [offset, times] of tables.active) {
    await countL2(context, offset, times, tables.inactive.get(offset) ?? 0, buffer);
  }
  for (const [offset, times] of tables.inactive) {
    if (!tables.active.has(offset)) await countL2(context, offset, 0, times, buffer);
  }
  return tables;
}

/** The L1 tables of snapshots, with how many snapshots have each. */
function placesOf(snapshots: readonly Snapshot[]): Iterable<L1Place> {
  const places = new Map<string, L1Place>();
  for (const { l1Offset, l1Entries } of snapshots) {
    const key = `${l1Offset} ${l1Entries}`;
    const place = places.get(key);
    if (place === undefined) places.set(key, { l1Offset, l1Entries, times: 1 });
    else place.times++;
  }
  return places.values();
}

async function countL1(
  context: CheckContext,
  offset: number,
  entries: number,
  times: number,
  tables: Map<number, number>,
): Promise<void> {
  const { header, report, fileLength } = context;
  const buffer = new Uint8Array(Math.min(l1Piece, entries * 8));
  context.count('An L1 table', offset, entries * 8, times);
  for (let done = 0; done < entries * 8; done += buffer.length) {
    const piece = await context.readTable(offset + done, buffer.subarray(0, entries * 8 - done));
    if (piece.length === 0) return;
    const view = viewOf(piece);
    for (let at = 0; at + 8 <= piece.length; at += 8) {
      const high = view.getUint32(at);
      const low = view.getUint32(at + 4);
      if (high === 0 && low === 0) continue;
      const index = (done + at) / 8;
      if (hasReservedL1Bits(high, low)) report.corruption(`L1 entry ${index} has bits set that must not be`, times);
      const table = offsetOf(high, low);
      if (table % header.clusterSize !== 0) {
        report.corruption(`L1 entry ${index} points at ${table}, which is not the beginning of a cluster`, times);
      }
      context.count('An L2 table', table, header.clusterSize, times);
      if (table < fileLength) tables.set(table, (tables.get(table) ?? 0) + times);
    }
  }
}

/** Reports an extended entry that says what cannot be of its subclusters. */
function checkSubclusters(
  { report, header }: CheckContext,
  view: DataView,
  at: number,
  table: number,
  times: number,
): void {
  const high = view.getUint32(at);
  const low = view.getUint32(at + 4);
  const [zero, allocated] = [view.getUint32(at + 8), view.getUint32(at + 12)];
  const isPacked = (high & compressedFlag) !== 0;
  // A data file may have a cluster at its beginning, which is marked as in use once.
  const isPlaced = offsetOf(high, low) !== 0 || (hasDataFile(header) && high >= copiedFlag);
  const impossible = isPacked
    ? zero !== 0 || allocated !== 0
    : (zero & allocated) !== 0 || (low & zeroFlag) !== 0 || (allocated !== 0 && !isPlaced);
  if (impossible) {
    report.corruption(`L2 entry ${at / 16} of the table at ${table} says what cannot be of its subclusters`, times);
  }
}

/** A data file has each cluster where the disk has it. Which entry of the L1 table leads to a table does not matter here. */
function checkPlace(
  report: CheckReport,
  { clusterSize, incompatible }: Qcow2Header,
  index: number,
  cluster: number,
  table: number,
  times: number,
): void {
  const span = clusterSize * (clusterSize / l2EntrySize({ incompatible }));
  if (cluster % span === index * clusterSize) return;
  report.corruption(
    `L2 entry ${index} of the table at ${table} leads to ${cluster}, another place of the data file`,
    times,
  );
}

async function countL2(
  context: CheckContext,
  offset: number,
  active: number,
  inactive: number,
  buffer: Uint8Array,
): Promise<void> {
  const { header, report } = context;
  const { clusterSize, clusterBits } = header;
  const times = active + inactive;
  const table = await context.readTable(offset, buffer);
  const view = viewOf(table);
  let expected = 0;
  const entrySize = l2EntrySize(header);
  const external = hasDataFile(header);
  for (let at = 0; at + entrySize <= table.length; at += entrySize) {
    const high = view.getUint32(at);
    const low = view.getUint32(at + 4);
    if (entrySize === 16) checkSubclusters(context, view, at, offset, times);
    if (high === 0 && low === 0) continue;
    if ((high & compressedFlag) !== 0) {
      if ((high & copiedFlag) !== 0) {
        report.corruption(`A compressed cluster is marked as in use once, in the L2 table at ${offset}`, times);
      }
      if (external) {
        report.corruption(`The L2 table at ${offset} has a compressed cluster, which cannot be in a data file`, times);
        continue;
      }
      const start = compressedOffset(high, low, clusterBits);
      context.count('A compressed cluster', start, compressedLength(high, low, clusterBits), times);
      report.allocatedClusters += active;
      report.compressedClusters += active;
      // Its place is known by the sector only, so that neighbours share sectors and none follows the other.
      report.fragmentedClusters += active;
      continue;
    }
    if (hasReservedL2Bits(high, low)) {
      report.corruption(`L2 entry ${at / entrySize} of the table at ${offset} has bits set that must not be`, times);
    }
    const cluster = offsetOf(high, low);
    const isPlain = entrySize === 8 && (low & zeroFlag) !== 0;
    if (cluster === 0 && !(external && (high & copiedFlag) !== 0 && !isPlain)) continue;
    if (external) {
      checkPlace(report, header, at / entrySize, cluster, offset, times);
    } else if (cluster % clusterSize !== 0) {
      const what = (low & zeroFlag) === 0 ? 'A cluster' : 'A preallocated cluster';
      report.corruption(`${what} is at ${cluster}, which is not the beginning of one`, times);
    }
    report.allocatedClusters += active;
    if (expected !== 0 && cluster !== expected) report.fragmentedClusters += active;
    expected = cluster + clusterSize;
    if (!external) context.count('A cluster', cluster, clusterSize, times);
  }
}
