import { ioError } from '../../error.js';
import { roundDown } from '../../limits.js';
import { allocateClusters } from './allocate.js';
import { freeOld, readsAsZeroes, setEntry } from './entries.js';
import { settleMany } from './free.js';
import type { Image } from './image.js';
import type { Allocation } from './in-flight.js';
import { l2Table, ownL2Table, ownsL2Table } from './l1.js';
import { checkOverlap, mustAskFile, overlapError, overlaps } from './overlap.js';
import { Parts } from './parts.js';
import { read } from './read.js';
import { changeRefcounts } from './refcounts.js';
import type { Table } from './table-cache.js';
import { copiedFlag } from './table-entry.js';
import { ClusterKind, cachedTable, invalidRun, type Run, runAt } from './translate.js';

/** Guest clusters that have been promised a place, and what is to be written there. */
interface Promised {
  readonly allocation: Allocation;
  /** The place of the first cluster. */
  readonly host: number;
  /** Bytes of the request that it is for. */
  readonly length: number;
  /** Nothing has ever been there: zeroes need not be written. */
  readonly fresh: boolean;
  /** The clusters had their places, but read as zeroes. */
  readonly kept: boolean;
}

/** Writes to the disk. */
export async function write(image: Image, offset: number, data: Uint8Array): Promise<void> {
  image.alive();
  const table = cachedTable(image, offset);
  if (table !== undefined) {
    const run = runAt(image, table, offset, data.length);
    if (run.length === data.length && inPlace(image, offset, run)) {
      await writeInPlace(image, run.host, data);
      return;
    }
  }
  await writeRuns(image, offset, data);
}

/** Whether clusters are written where they are: they have places that are nobody else's. */
function inPlace(image: Image, offset: number, run: Run): boolean {
  return run.kind === ClusterKind.normal && run.copied && ownsL2Table(image, offset);
}

/** Called without a pause since the place was looked up. */
async function writeInPlace(image: Image, host: number, data: Uint8Array): Promise<void> {
  const access = image.grace.enter();
  try {
    await writeData(image, host, data);
  } finally {
    image.grace.leave(access);
  }
}

async function writeData(image: Image, host: number, data: Uint8Array): Promise<void> {
  const met = overlaps(image, 0, host, data.length);
  if (met !== 0) throw await overlapError(image, met, host, data.length);
  if (mustAskFile(image)) await checkOverlap(image, 0, host, data.length);
  image.file.debug('write_aio');
  await image.file.write(host, data);
}

async function writeRuns(image: Image, offset: number, data: Uint8Array): Promise<void> {
  const parts = new Parts();
  try {
    for (let done = 0; done < data.length; ) {
      const position = offset + done;
      const wanted = data.length - done;
      const table = cachedTable(image, position) ?? (await l2Table(image, position));
      const run = table === undefined ? undefined : runAt(image, table, position, wanted);
      if (run?.kind === ClusterKind.invalid) throw await invalidRun(image, position);
      let length: number;
      if (run !== undefined && inPlace(image, position, run)) {
        ({ length } = run);
        parts.add(writeInPlace(image, run.host, data.subarray(done, done + length)));
      } else {
        const promised = await promisePlaces(image, position, wanted);
        if (promised === undefined) continue;
        ({ length } = promised);
        parts.add(fill(image, position, promised, data.subarray(done, done + length)));
      }
      done += length;
      await parts.room();
    }
  } finally {
    await parts.settled();
  }
  await parts.all();
  await settleMany(image);
}

/**
 * Finds places for clusters from `offset` on, and promises them. There may be fewer than are wanted. Waits if somebody else has
 * been promised places for these clusters.
 *
 * @returns nothing when it is to be looked anew whether any are needed
 */
async function promisePlaces(image: Image, offset: number, length: number): Promise<Promised | undefined> {
  const first = Math.floor(offset / image.clusterSize);
  const result = await image.lock.run(async () => {
    image.alive();
    return image.inFlight.lowestIn(first, first + 1) ?? promiseLocked(image, offset, length);
  });
  if (result === undefined || 'host' in result) return result;
  await result.over;
  return undefined;
}

async function promiseLocked(image: Image, offset: number, length: number): Promise<Promised | undefined> {
  const { clusterSize } = image;
  const first = Math.floor(offset / clusterSize);
  const table = await ownL2Table(image, offset);
  const run = runAt(image, table, offset, length);
  if (run.kind === ClusterKind.invalid) throw await invalidRun(image, offset);
  if (run.kind === ClusterKind.normal && run.copied) return undefined;
  const kept = run.kind === ClusterKind.zero && run.host !== 0 && run.copied;
  const most = Math.min(
    Math.ceil((offset + (kept ? run.length : length)) / clusterSize),
    image.inFlight.lowestIn(first, first + Math.ceil(length / clusterSize) + 1)?.first ?? Number.POSITIVE_INFINITY,
  );
  const end = kept ? most : endOfPlaceless(image, table, first, most);
  const place = kept
    ? { offset: roundDown(run.host, clusterSize), fresh: false }
    : await allocateClusters(image, end - first);
  return {
    allocation: image.inFlight.begin(first, end),
    host: place.offset,
    fresh: place.fresh,
    kept,
    length: Math.min(length, end * clusterSize - offset),
  };
}

/** Up to which cluster, `most` at most, all from `first` on need new places. */
function endOfPlaceless(image: Image, table: Table, first: number, most: number): number {
  const { clusterSize, l2Entries } = image;
  const limit = Math.min(most, first - (first % l2Entries) + l2Entries);
  let end = first + 1;
  for (; end < limit; end++) {
    const run = runAt(image, table, end * clusterSize, clusterSize);
    if (run.kind === ClusterKind.invalid || (run.host !== 0 && run.copied)) break;
  }
  return end;
}

/** Writes data, and what surrounds it in its clusters, to the places that they have been promised; then tells so. */
async function fill(image: Image, offset: number, promised: Promised, data: Uint8Array): Promise<void> {
  const { allocation, host, kept } = promised;
  try {
    await writeAround(image, offset, promised, data);
    await link(image, promised);
  } catch (error) {
    image.inFlight.end(allocation);
    if (!kept) await giveBack(image, host, allocation.end - allocation.first);
    throw error;
  }
  image.inFlight.end(allocation);
}

async function writeAround(image: Image, offset: number, promised: Promised, data: Uint8Array): Promise<void> {
  const { allocation, host, fresh } = promised;
  const start = allocation.first * image.clusterSize;
  const end = allocation.end * image.clusterSize;
  const head = offset - start;
  const tail = end - (offset + data.length);
  const empty =
    (head === 0 && tail === 0) ||
    (fresh &&
      (head === 0 || (await readsAsZeroes(image, start))) &&
      (tail === 0 || (await readsAsZeroes(image, roundDown(end - 1, image.clusterSize)))));
  if (empty) {
    await writeData(image, host + head, data);
    return;
  }
  const whole = Buffer.allocUnsafe(end - start);
  image.file.debug('cow_read');
  await Promise.all([
    head === 0 ? undefined : read(image, start, whole.subarray(0, head)),
    tail === 0 ? undefined : read(image, offset + data.length, whole.subarray(head + data.length)),
  ]);
  whole.set(data, head);
  image.file.debug('cow_write');
  await writeData(image, host, whole);
}

/** Makes the table entries point at the places, and frees what they pointed at. */
async function link(image: Image, { allocation, host, kept }: Promised): Promise<void> {
  const { clusterSize } = image;
  const start = allocation.first * clusterSize;
  const table = cachedTable(image, start) ?? (await l2Table(image, start));
  image.alive();
  if (table === undefined) throw ioError('EIO');
  const first = allocation.first % image.l2Entries;
  const count = allocation.end - allocation.first;
  for (let index = 0; index < count; index++) {
    if (!kept) freeOld(image, table, (allocation.first + index) * clusterSize, 'other');
    setEntry(table, first + index, host + index * clusterSize, copiedFlag);
  }
  image.l2Tables.changed(table, first * 8, (first + count) * 8);
  // With an entry on the disk before its data, a crash would show what was in the place before, or leave the entry pointing
  // beyond the end of the file.
  image.order.relies(!kept && !image.lazyRefcounts);
}

/** Nobody has come to know of these places: they are free again at once. What cannot be freed is leaked. */
async function giveBack(image: Image, host: number, count: number): Promise<void> {
  const first = host / image.clusterSize;
  const giving = image.lock.run(async () => {
    if (image.dead) return;
    await changeRefcounts(image, first, count, -1);
    image.searchFrom = Math.min(image.searchFrom, first);
  });
  await giving.catch(() => {});
}
