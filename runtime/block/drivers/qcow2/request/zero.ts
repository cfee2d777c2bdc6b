import { ioError } from '../../../error.js';
import { roundDown, roundUp } from '../../../limits.js';
import { RequestFlag } from '../../../request-flag.js';
import type { Table } from '../../shared/table-cache.js';
import { zeroFlag } from '../format/table-entry.js';
import { further, type GuestOffset, guestOffset } from '../format/units.js';
import { l2TableOffset, ownL2Table } from '../map/l1.js';
import { freeRun, readsAsZeroes, setL2Entry } from '../map/l2-entry.js';
import { ClusterKind, nowhere, type Run } from '../map/run.js';
import { allSubclusters, maskIn, setSubclusters, subclustersOf } from '../map/subclusters.js';
import { invalidRun, runAt } from '../map/translate.js';
import { settleMany } from '../space/free.js';
import type { Image } from '../space/image.js';
import { zeroData } from './data-file.js';
import { KeptPlaces } from './kept-places.js';

/**
 * Makes whole clusters read as zeroes. A cluster that is concerned in part is zeroed as a whole if the rest of it reads as
 * zeroes already.
 *
 * @throws BlockError ENOTSUP when entries cannot express that: data must be written then
 */
export async function writeZeroes(image: Image, offset: GuestOffset, length: number, flags: number): Promise<void> {
  image.alive();
  if (image.header.version < 3) throw ioError('ENOTSUP');
  const unmap = (flags & RequestFlag.mayUnmap) !== 0;
  await perTable(image, offset, further(offset, length), async (from, to) => {
    await checkEdges(image, from, to);
    const table = await ownL2Table(image, from);
    const kept = new KeptPlaces(image);
    await changeClusters(image, table, from, to, (at, index, run) => {
      // What is beyond the end of the disk belongs to its last cluster.
      const end = to >= image.header.size ? at + image.clusterSize : to;
      const mask = image.extended ? maskIn(image, at, from, end) : allSubclusters;
      const frees = unmap && mask === allSubclusters && !kept.keeps(run);
      if (image.extended) zeroSubclusters(image, table, index, run, mask, frees);
      else zeroCluster(image, table, index, run, frees);
    });
    await kept.discard();
    await zeroData(image, from, to, unmap);
  });
}

/** How a discarded cluster differs from one that was never written. */
export type Discarded =
  /** It reads as zeroes (from version 3 on): what is in the backing file stays hidden. */
  | 'hidden'
  /** It is as if it had never been written. A data file keeps what it has. */
  | 'forgotten';

/** Gives up the whole clusters in a range. */
export async function discard(
  image: Image,
  offset: GuestOffset,
  length: number,
  discarded: Discarded = 'hidden',
): Promise<void> {
  image.alive();
  const { clusterSize, header } = image;
  const from = guestOffset(roundUp(offset, clusterSize));
  const end = offset + length;
  const to = guestOffset(end >= header.size ? roundUp(end, clusterSize) : roundDown(end, clusterSize));
  const zero = discarded === 'hidden' && header.version >= 3;
  await perTable(image, from, to, async (start, stop) => {
    const hides = zero && image.node.backing !== undefined;
    if (l2TableOffset(image, start) === 0 && !hides) return;
    const table = await ownL2Table(image, start);
    const kept = new KeptPlaces(image);
    await changeClusters(image, table, start, stop, (_at, index, run) => {
      const empty = run.host === nowhere && run.kind !== ClusterKind.compressed && run.length === clusterSize;
      if (empty && (run.kind === ClusterKind.zero ? zero : !hides)) return;
      const keeps = zero && kept.keeps(run);
      if (!image.extended) {
        if (keeps) setZeroFlag(table, index);
        else setL2Entry(image, table, index, 0, 0, zero ? zeroFlag : 0);
      } else {
        if (!keeps) setL2Entry(image, table, index, 0, 0);
        setSubclusters(table, index, { allocated: 0, zero: zero ? allSubclusters : 0 });
      }
      if (!keeps) freeRun(image, run, 'request');
    });
    await kept.discard();
    if (discarded === 'hidden') await zeroData(image, start, stop, true);
  });
}

/** Calls `change` for each piece of a range that one L2 table maps, when none of its clusters is in flight, with the lock held. */
async function perTable(
  image: Image,
  from: GuestOffset,
  to: GuestOffset,
  change: (from: GuestOffset, to: GuestOffset) => Promise<void>,
): Promise<void> {
  const { clusterSize, l2Span } = image;
  for (let start = from; start < to; ) {
    const stop = guestOffset(Math.min(to, roundDown(start, l2Span) + l2Span));
    await image.lock.run(async () => {
      image.alive();
      const first = Math.floor(start / clusterSize);
      const end = Math.ceil(stop / clusterSize);
      // Nothing new gets in flight, and what is does not need the lock.
      for (let other = image.inFlight.lowestIn(first, end); other; other = image.inFlight.lowestIn(first, end)) {
        await other.over;
      }
      await change(start, stop);
    });
    await settleMany(image);
    start = stop;
  }
}

/** Calls `change` for each cluster, without a pause, unless an entry is impossible. */
async function changeClusters(
  image: Image,
  table: Table,
  from: GuestOffset,
  to: GuestOffset,
  change: (offset: GuestOffset, index: number, run: Run) => void,
): Promise<void> {
  const { clusterSize, l2Entries } = image;
  const start = guestOffset(roundDown(from, clusterSize));
  const first = (start / clusterSize) % l2Entries;
  let index = first;
  let invalid: GuestOffset | undefined;
  for (let at = start; at < to && invalid === undefined; at = further(at, clusterSize), index++) {
    const run = runAt(image, table, at, clusterSize);
    if (run.kind === ClusterKind.invalid) invalid = at;
    else change(at, index, run);
  }
  image.l2Tables.changed(table, first * image.l2EntrySize, index * image.l2EntrySize);
  if (invalid !== undefined) throw await invalidRun(image, invalid);
}

/** @param frees it loses its place */
function zeroCluster(image: Image, table: Table, index: number, run: Run, frees: boolean): void {
  if (run.kind !== ClusterKind.compressed && run.host !== nowhere && !frees) {
    setZeroFlag(table, index);
    return;
  }
  freeRun(image, run, 'request');
  setL2Entry(image, table, index, 0, 0, zeroFlag);
}

/** The cluster reads as zeroes from now on, and keeps its place. */
function setZeroFlag(table: Table, index: number): void {
  const low = table.view.getUint32(index * 8 + 4);
  table.view.setUint32(index * 8 + 4, low | zeroFlag);
}

/** Makes some subclusters of a cluster read as zeroes. @param frees all are, and it loses its place */
function zeroSubclusters(image: Image, table: Table, index: number, run: Run, mask: number, frees: boolean): void {
  const whole = mask === allSubclusters;
  if (whole && (run.kind === ClusterKind.compressed || run.host === nowhere || frees)) {
    freeRun(image, run, 'request');
    setL2Entry(image, table, index, 0, 0);
  }
  const before = whole ? { allocated: 0, zero: 0 } : subclustersOf(table, index);
  setSubclusters(table, index, { allocated: before.allocated & ~mask, zero: before.zero | mask });
}

/** @throws BlockError ENOTSUP when a cluster at an edge has something else in the rest of it */
async function checkEdges(image: Image, from: GuestOffset, to: GuestOffset): Promise<void> {
  const { unit } = image;
  const start = guestOffset(roundDown(from, unit));
  const end = Math.min(roundUp(to, unit), roundUp(image.header.size, 512));
  if (image.extended) {
    for (const edge of [from, further(to, -1)])
      if (await isPartOfPacked(image, edge, from, to)) throw ioError('ENOTSUP');
  }
  if (!(await isZero(image, start, from)) || !(await isZero(image, to, end))) throw ioError('ENOTSUP');
}

/** Whether the cluster at an edge is compressed, and not concerned as a whole: it has no subclusters. */
async function isPartOfPacked(image: Image, edge: GuestOffset, from: GuestOffset, to: GuestOffset): Promise<boolean> {
  const { clusterSize } = image;
  const start = guestOffset(roundDown(edge, clusterSize));
  if (from <= start && to >= Math.min(start + clusterSize, image.header.size)) return false;
  if (l2TableOffset(image, start) === 0) return false;
  return runAt(image, await ownL2Table(image, start), start, 1).kind === ClusterKind.compressed;
}

/** Whether a part of a cluster is known to read as zeroes. */
async function isZero(image: Image, from: GuestOffset, to: number): Promise<boolean> {
  if (from >= to || (await readsAsZeroes(image, from))) return true;
  const { backing } = image.node;
  if (backing === undefined || !(await isUnallocated(image, from))) return false;
  const shown = Math.min(to, backing.node.length);
  if (from >= shown) return true;
  const status = await backing.blockStatus(from, shown - from);
  return status.zero && status.length >= shown - from;
}

async function isUnallocated(image: Image, offset: GuestOffset): Promise<boolean> {
  if (l2TableOffset(image, offset) === 0) return true;
  const table = await ownL2Table(image, offset);
  return runAt(image, table, offset, 1).kind === ClusterKind.unallocated;
}
