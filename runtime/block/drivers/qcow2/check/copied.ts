import { viewOf } from '../../shared/big-endian.js';
import { hasDataFile, l2EntrySize } from '../format/header.js';
import { compressedFlag, copiedFlag, offsetOf } from '../format/table-entry.js';
import type { CheckContext } from './context.js';
import type { L2Tables } from './references.js';
import type { StoredRefcounts } from './stored.js';

const l1Piece = 65536;

/**
 * Checks that whatever the active tables point at is marked as copied exactly when its refcount is 1: what is marked is
 * written in place.
 *
 * @param fix whether marks are corrected. Tables whose clusters are used for something else, too, are not written.
 */
export async function checkCopied(
  context: CheckContext,
  stored: StoredRefcounts,
  tables: L2Tables,
  fix: boolean,
): Promise<void> {
  await checkL1(context, stored, fix);
  const buffer = new Uint8Array(context.header.clusterSize);
  for (const [offset, times] of tables.active) {
    if (offset === 0 || stored.get(Math.floor(offset / context.header.clusterSize)) === undefined) continue;
    const users = times + (tables.inactive.get(offset) ?? 0);
    await checkL2(context, stored, offset, times, fix && isOnlyUsedBy(context, offset, users), buffer);
  }
}

async function checkL1(context: CheckContext, stored: StoredRefcounts, fix: boolean): Promise<void> {
  const { l1Entries, l1Offset, clusterSize } = context.header;
  const buffer = new Uint8Array(Math.min(l1Piece, l1Entries * 8));
  for (let done = 0; done < l1Entries * 8; done += buffer.length) {
    const piece = await context.readTable(l1Offset + done, buffer.subarray(0, l1Entries * 8 - done));
    if (piece.length === 0) return;
    const view = viewOf(piece);
    let changed = false;
    for (let at = 0; at + 8 <= piece.length; at += 8) {
      const high = view.getUint32(at);
      const offset = offsetOf(high, view.getUint32(at + 4));
      if (offset === 0) continue;
      const right = await isMarkedRightly(stored, high, Math.floor(offset / clusterSize));
      if (right) continue;
      if (fix && isOnlyUsedBy(context, l1Offset + done + at, 1)) {
        view.setUint32(at, (high ^ copiedFlag) >>> 0);
        changed = true;
      } else {
        context.report.wrongMark(
          `L1 entry ${(done + at) / 8} is wrongly marked as to whether its table is in use once`,
        );
      }
    }
    if (changed) await context.file.write(l1Offset + done, piece);
  }
}

async function checkL2(
  context: CheckContext,
  stored: StoredRefcounts,
  table: number,
  times: number,
  fix: boolean,
  buffer: Uint8Array,
): Promise<void> {
  const { clusterSize } = context.header;
  const entries = await context.readTable(table, buffer);
  const view = viewOf(entries);
  let changed = false;
  const entrySize = l2EntrySize(context.header);
  const external = hasDataFile(context.header);
  for (let at = 0; at + entrySize <= entries.length; at += entrySize) {
    const high = view.getUint32(at);
    if ((high & compressedFlag) !== 0) continue;
    const offset = offsetOf(high, view.getUint32(at + 4));
    if (offset === 0) continue;
    // A cluster in a data file is never shared.
    const marked = external ? high >= copiedFlag : isMarkedRightly(stored, high, Math.floor(offset / clusterSize));
    if (typeof marked === 'boolean' ? marked : await marked) continue;
    if (fix) {
      view.setUint32(at, (high ^ copiedFlag) >>> 0);
      changed = true;
    } else {
      const message = `L2 entry ${at / entrySize} of the table at ${table} is wrongly marked as to whether its cluster is in use once`;
      context.report.wrongMark(message, times);
    }
  }
  if (changed) await context.file.write(table, entries);
}

/** Waits for nothing when the refcount is at hand, as it nearly always is. */
function isMarkedRightly(stored: StoredRefcounts, high: number, cluster: number): boolean | Promise<boolean> {
  const marked = (high & copiedFlag) !== 0;
  const refcount = stored.get(cluster);
  if (refcount instanceof Promise) return refcount.then((count) => (count === 1) === marked);
  return refcount === undefined || (refcount === 1) === marked;
}

/** Whether a table is in a cluster that nothing refers to but `users` L1 entries, or the header. */
function isOnlyUsedBy(context: CheckContext, offset: number, users: number): boolean {
  const { clusterSize } = context.header;
  const cluster = Math.floor(offset / clusterSize);
  return cluster > 0 && cluster < context.counts.clusters && context.counts.users(cluster) === users;
}
