/*
 * Extended L2 entries: behind the usual 64 bits stand 64 more, of which the low half says which of the 32 subclusters are in the host
 * cluster, and the high half which read as zeroes. What is neither is unallocated, wherever the cluster has its place.
 */

import { roundDown, roundUp } from '../../../limits.js';
import type { Table } from '../../shared/table-cache.js';
import { subclusters } from '../format/header.js';
import { compressedFlag, copiedFlag, offsetOf } from '../format/table-entry.js';
import { further, type GuestOffset } from '../format/units.js';
import type { Image } from '../space/image.js';
import { compressedKind, compressedRun, isImpossible, placeOf } from './place.js';
import { ClusterKind, nowhere, type Run } from './run.js';

/** All subclusters of a cluster. */
export const allSubclusters = 0xffff_ffff;

/** The subclusters that are there, and those that read as zeroes. */
export interface Subclusters {
  readonly allocated: number;
  readonly zero: number;
}

/** What an entry says of its subclusters. */
export function subclustersOf({ view }: Pick<Table, 'view'>, index: number): Subclusters {
  return { allocated: view.getUint32(index * 16 + 12), zero: view.getUint32(index * 16 + 8) };
}

/** Sets what an entry says of its subclusters. The caller tells the cache. */
export function setSubclusters({ view }: Pick<Table, 'view'>, index: number, { allocated, zero }: Subclusters): void {
  view.setUint32(index * 16 + 8, zero >>> 0);
  view.setUint32(index * 16 + 12, allocated >>> 0);
}

/** The bits of the subclusters from one up to and without another. */
function maskOf(from: number, to: number): number {
  const low = (bits: number): number => (bits >= 32 ? allSubclusters : 2 ** bits - 1);
  return (low(to) & ~low(from)) >>> 0;
}

/** The bits of the subclusters that a stretch touches of the cluster that begins at `start`. */
export function maskIn({ clusterSize, unit }: Image, start: number, from: number, to: number): number {
  const first = Math.max(0, roundDown(from - start, unit) / unit);
  const end = Math.min(clusterSize, roundUp(to - start, unit)) / unit;
  return end <= first ? 0 : maskOf(first, end);
}

/** As for plain entries: subclusters that are alike and, if they have places, next to each other. */
export function extendedRunAt(image: Image, table: Table, offset: GuestOffset, length: number): Run {
  const { clusterSize, l2Entries, unit } = image;
  const inside = offset % clusterSize;
  let index = ((offset - inside) / clusterSize) % l2Entries;
  const high = table.view.getUint32(index * 16);
  const low = table.view.getUint32(index * 16 + 4);
  const start = further(offset, -inside);
  const first = index;
  const kind = kindAt(image, table, index, start, Math.floor(inside / unit));
  if (kind === ClusterKind.compressed || kind === ClusterKind.invalid) {
    return compressedRun(image, kind, high, low, Math.min(clusterSize - inside, length));
  }
  const host = placeOf(image, high, low);
  const copied = high >= copiedFlag;
  let covered = 0;
  let expected = Math.max(host, 0);
  for (let at = inside; covered < length; ) {
    if (at === clusterSize) {
      index++;
      at = 0;
      if (host !== nowhere) expected += clusterSize;
      if (index === l2Entries || !continues(table, index, expected, copied)) break;
    }
    if (kindAt(image, table, index, further(start, (index - first) * clusterSize), Math.floor(at / unit)) !== kind)
      break;
    const step = unit - (at % unit);
    covered += step;
    at += step;
  }
  return {
    kind,
    length: Math.min(covered, length),
    host: host === nowhere ? nowhere : further(host, inside),
    copied,
    stored: 0,
  };
}

/** Whether an entry has the place that is expected. */
function continues({ view }: Table, index: number, expected: number, copied: boolean): boolean {
  const high = view.getUint32(index * 16);
  return (
    (high & compressedFlag) === 0 &&
    high >= copiedFlag === copied &&
    offsetOf(high, view.getUint32(index * 16 + 4)) === expected
  );
}

/** The kind of a subcluster of the cluster at `start` of the disk. */
function kindAt(image: Image, table: Table, index: number, start: GuestOffset, subcluster: number): ClusterKind {
  const high = table.view.getUint32(index * 16);
  const low = table.view.getUint32(index * 16 + 4);
  if (high & compressedFlag) return compressedKind(image, high, low);
  const host = placeOf(image, high, low);
  const { allocated, zero } = subclustersOf(table, index);
  if (allocated & zero || (host === nowhere ? allocated !== 0 : isImpossible(image, start, host))) {
    return ClusterKind.invalid;
  }
  const bit = 2 ** subcluster;
  if (zero & bit) return ClusterKind.zero;
  return allocated & bit ? ClusterKind.normal : ClusterKind.unallocated;
}

/** The first subcluster that a set of them has, and one more than the last. Not to be called with an empty set. */
export function boundsOf(mask: number): readonly [first: number, end: number] {
  return [31 - Math.clz32(mask & -mask), subclusters - Math.clz32(mask)];
}
