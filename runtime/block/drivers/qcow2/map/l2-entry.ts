import type { Table } from '../../shared/table-cache.js';
import type { GuestOffset } from '../format/units.js';
import { freeClusters, freeCompressed } from '../space/free.js';
import type { FreeReason, Image } from '../space/image.js';
import { l2Table } from './l1.js';
import { ClusterKind, nowhere, type Run } from './run.js';
import { cachedTable, runAt } from './translate.js';

/** Sets an L2 entry: an offset, and flags of its two halves. The caller tells the cache, and what the entry relies on. */
export function setEntry(
  table: Pick<Table, 'view'>,
  index: number,
  offset: number,
  highFlags: number,
  lowFlags = 0,
): void {
  table.view.setUint32(index * 8, Math.floor(offset / 2 ** 32) + highFlags);
  table.view.setUint32(index * 8 + 4, (offset % 2 ** 32) + lowFlags);
}

/** Sets the 64 bits of an L2 entry that every image has, as {@link setEntry} does. */
export function setL2Entry(
  { l2EntrySize }: Image,
  table: Pick<Table, 'view'>,
  index: number,
  offset: number,
  highFlags: number,
  lowFlags = 0,
): void {
  setEntry(table, (index * l2EntrySize) / 8, offset, highFlags, lowFlags);
}

/** Frees what the cluster at `offset` of the disk takes, since its entry is about to be replaced. A place in a data file stays its own. */
export function freeOld(image: Image, table: Table, offset: GuestOffset, reason: FreeReason): void {
  freeRun(image, runAt(image, table, offset, image.clusterSize), reason);
}

/** The same when it is known what the cluster is. */
export function freeRun(image: Image, run: Run, reason: FreeReason): void {
  if (image.external) return;
  if (run.kind === ClusterKind.compressed) freeCompressed(image, run.host, run.stored, reason);
  else if (run.host !== nowhere && run.kind !== ClusterKind.invalid) freeClusters(image, run.host, 1, reason);
}

/** Whether the cluster at `offset` is known to read as zeroes. */
export async function readsAsZeroes(image: Image, offset: GuestOffset): Promise<boolean> {
  const table = cachedTable(image, offset) ?? (await l2Table(image, offset));
  const kind = table === undefined ? ClusterKind.unallocated : runAt(image, table, offset, 1).kind;
  if (kind === ClusterKind.zero) return true;
  const { backing } = image.node;
  return kind === ClusterKind.unallocated && (backing === undefined || offset >= backing.node.length);
}
