import { roundDown } from '../../../limits.js';
import type { Table } from '../../shared/table-cache.js';
import { allocateClusters } from '../space/allocate.js';
import type { Image } from '../space/image.js';
import type { Allocation } from '../space/in-flight.js';
import { ownL2Table } from './l1.js';
import { ClusterKind, invalidRun, runAt } from './translate.js';

/** Guest clusters that have been promised a place, and what is to be written there. */
export interface Promised {
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

/**
 * Finds places for clusters from `offset` on, and promises them. There may be fewer than are wanted. Waits if another request
 * has been promised places for these clusters.
 *
 * @returns nothing when it is to be looked anew whether any are needed
 */
export async function promisePlaces(image: Image, offset: number, length: number): Promise<Promised | undefined> {
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
