import { roundDown, roundUp } from '../../../limits.js';
import type { Table } from '../../shared/table-cache.js';
import { clusterOf, type GuestOffset, guestOffset, type HostOffset, hostOffset, startOf } from '../format/units.js';
import { allocateClusters, type HostClusters } from '../space/allocate.js';
import type { Image } from '../space/image.js';
import type { Allocation } from '../space/in-flight.js';
import { ownL2Table } from './l1.js';
import { ClusterKind, nowhere } from './run.js';
import { boundsOf, subclustersOf } from './subclusters.js';
import { invalidRun, runAt } from './translate.js';

/** Guest clusters that have been promised a place, and what is to be written there. */
export interface Promised {
  readonly allocation: Allocation;
  /** The place of the first cluster. */
  readonly host: HostOffset;
  /** Bytes of the request that it is for. */
  readonly length: number;
  /** Nothing has ever been there: zeroes need not be written. */
  readonly fresh: boolean;
  /** The clusters had their places, but read as zeroes, or what is below shows through. */
  readonly kept: boolean;
  /** The stretch of the disk that is written to the places: the clusters, or those of their subclusters that are concerned. */
  readonly from: GuestOffset;
  readonly to: GuestOffset;
}

/**
 * Finds places for clusters from `offset` on, and promises them. There may be fewer than are wanted. Waits if another request
 * has been promised places for these clusters.
 *
 * @returns nothing when it is to be looked anew whether any are needed
 */
export async function promisePlaces(image: Image, offset: GuestOffset, length: number): Promise<Promised | undefined> {
  const first = Math.floor(offset / image.clusterSize);
  const result = await image.lock.run(async () => {
    image.alive();
    return image.inFlight.lowestIn(first, first + 1) ?? promiseLocked(image, offset, length);
  });
  if (result === undefined || 'host' in result) return result;
  await result.over;
  return undefined;
}

async function promiseLocked(image: Image, offset: GuestOffset, length: number): Promise<Promised | undefined> {
  const { clusterSize } = image;
  const first = Math.floor(offset / clusterSize);
  const table = await ownL2Table(image, offset);
  const run = runAt(image, table, offset, length);
  if (run.kind === ClusterKind.invalid) throw await invalidRun(image, offset);
  if (run.kind === ClusterKind.normal && run.copied) return undefined;
  const kept = run.kind !== ClusterKind.compressed && run.host !== nowhere && run.copied;
  if (image.extended && (kept || offset % clusterSize !== 0 || length < clusterSize)) {
    return promiseOne(image, table, offset, kept ? run.length : length, kept ? run.host : undefined);
  }
  const most = Math.min(
    Math.ceil((offset + (kept ? run.length : length)) / clusterSize),
    image.inFlight.lowestIn(first, first + Math.ceil(length / clusterSize) + 1)?.first ?? Number.POSITIVE_INFINITY,
  );
  const whole = image.extended ? Math.min(most, Math.floor((offset + length) / clusterSize)) : most;
  const end = kept ? most : endOfPlaceless(image, table, first, whole);
  const place = kept
    ? { offset: ownCluster(image, run.host), fresh: false }
    : await newPlaces(image, first, end - first);
  return {
    allocation: image.inFlight.begin(first, end),
    host: place.offset,
    fresh: place.fresh,
    kept,
    length: Math.min(length, end * clusterSize - offset),
    from: guestOffset(first * clusterSize),
    to: guestOffset(end * clusterSize),
  };
}

/**
 * Promises a place for a part of one cluster, as far as subclusters are concerned: those that are written, and those that are given up
 * with another place. A place that the cluster has already, at `host`, is kept.
 */
async function promiseOne(
  image: Image,
  table: Table,
  offset: GuestOffset,
  length: number,
  host: HostOffset | undefined,
): Promise<Promised> {
  const { clusterSize, unit, l2Entries } = image;
  const first = Math.floor(offset / clusterSize);
  const start = first * clusterSize;
  const end = Math.min(offset + length, start + clusterSize);
  let [from, to] = [roundDown(offset, unit), roundUp(end, unit)];
  const isPacked = runAt(image, table, guestOffset(start), 1).kind === ClusterKind.compressed;
  const { allocated } = subclustersOf(table, first % l2Entries);
  if (isPacked) [from, to] = [start, start + clusterSize];
  else if (host === undefined && allocated !== 0) {
    const [least, most] = boundsOf(allocated);
    [from, to] = [Math.min(from, start + least * unit), Math.max(to, start + most * unit)];
  }
  const place =
    host === undefined ? await newPlaces(image, first, 1) : { offset: ownCluster(image, host), fresh: false };
  return {
    allocation: image.inFlight.begin(first, first + 1),
    host: place.offset,
    fresh: place.fresh,
    kept: host !== undefined,
    length: end - offset,
    from: guestOffset(from),
    to: guestOffset(to),
  };
}

/** Where the cluster begins that a place is in. */
function ownCluster({ clusterSize }: Image, place: HostOffset): HostOffset {
  return startOf(clusterOf(place, clusterSize), clusterSize);
}

/** Places for clusters of the disk. In a data file each has its own from the beginning, where there may be old data. */
function newPlaces(image: Image, first: number, count: number): Promise<HostClusters> | HostClusters {
  if (!image.external) return allocateClusters(image, count);
  return { offset: hostOffset(first * image.clusterSize), fresh: false };
}

/** Up to which cluster, `most` at most, all from `first` on need new places. */
function endOfPlaceless(image: Image, table: Table, first: number, most: number): number {
  const { clusterSize, l2Entries } = image;
  const limit = Math.min(most, first - (first % l2Entries) + l2Entries);
  let end = first + 1;
  while (end < limit) {
    const run = runAt(image, table, guestOffset(end * clusterSize), (limit - end) * clusterSize);
    if (run.kind === ClusterKind.invalid || (run.host !== nowhere && run.copied)) break;
    end += Math.ceil(run.length / clusterSize);
  }
  return end;
}
