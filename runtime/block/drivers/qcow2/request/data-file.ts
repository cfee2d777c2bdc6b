import { roundDown, roundUp } from '../../../limits.js';
import { RequestFlag } from '../../../request-flag.js';
import { copiedFlag } from '../format/table-entry.js';
import { guestOffset } from '../format/units.js';
import { ownL2Table } from '../map/l1.js';
import { setL2Entry } from '../map/l2-entry.js';
import { allSubclusters, setSubclusters } from '../map/subclusters.js';
import { discards } from '../space/free.js';
import type { Image } from '../space/image.js';

/**
 * Does to a data file what was done to the entries of a stretch that reads as zeroes from now on. A raw one has the zeroes itself; from
 * another one the data may go, if it is to. The caller holds the lock, and no request fills anything of the stretch.
 */
export async function zeroData(image: Image, from: number, to: number, unmap: boolean): Promise<void> {
  if (!image.rawData) {
    if (unmap) await discardData(image, from, to);
    return;
  }
  const start = roundDown(from, image.unit);
  const end = endInData(image, roundUp(to, image.unit));
  if (start >= end) return;
  // What was looked up before the entries changed is written behind them otherwise.
  await image.grace.elapse();
  await image.data.writeZeroes(start, end - start, unmap ? RequestFlag.mayUnmap : 0);
  image.order.relies(false);
}

/** Gives up a stretch of a data file, unless discards are to end here. Nothing of the stretch is, or gets, in flight. */
export async function discardData(image: Image, from: number, to: number): Promise<void> {
  const end = endInData(image, to);
  if (!image.external || from >= end || !discards(image, 'request')) return;
  await image.grace.elapse();
  // A file that cannot make use of it, or fails to, does no harm.
  await image.data.discard(from, end - from).catch(() => {});
}

/** There is nothing behind the end of the data file. */
function endInData({ data }: Image, end: number): number {
  return Math.min(end, data.node.length);
}

/** Makes a data file long enough for a disk that grows; what is in a raw one from the old end on comes to light, and is zeroed. */
export async function growData(image: Image, size: number): Promise<void> {
  if (!image.external) return;
  const { data, header, rawData } = image;
  const { length } = data.node;
  if (length < size) await data.truncate(size);
  const old = Math.min(length, size);
  if (rawData && old > header.size) await data.writeZeroes(header.size, old - header.size);
}

/** Gives all clusters from one offset to another their places in a raw data file, whose zeroes are theirs. */
export async function placeInData(image: Image, from: number, to: number): Promise<void> {
  if (!image.rawData) return;
  const { clusterSize, l2Span, l2Entries, l2EntrySize, extended } = image;
  for (let start = roundUp(from, clusterSize); start < to; ) {
    const stop = Math.min(roundUp(to, clusterSize), roundDown(start, l2Span) + l2Span);
    await image.lock.run(async () => {
      image.alive();
      const table = await ownL2Table(image, guestOffset(start));
      const first = (start / clusterSize) % l2Entries;
      let index = first;
      for (let at = start; at < stop; at += clusterSize, index++) {
        setL2Entry(image, table, index, at, copiedFlag);
        if (extended) setSubclusters(table, index, { allocated: allSubclusters, zero: 0 });
      }
      image.l2Tables.changed(table, first * l2EntrySize, index * l2EntrySize);
      image.order.relies(false);
    });
    start = stop;
  }
}

/** Makes a data file as short as the disk has become. A failure to make it shorter does no harm: nothing refers to the rest. */
export async function cutData(image: Image): Promise<void> {
  const { external, data, header } = image;
  if (external && data.node.length > header.size) await data.truncate(header.size).catch(() => {});
}
