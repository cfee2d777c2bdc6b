import { largestSize } from '../../../limits.js';
import { copiedFlag, offsetOf, zeroFlag } from '../format/table-entry.js';
import type { Image } from '../space/image.js';
import { nowhere } from './run.js';

/**
 * Where an entry says that a cluster is. In a data file, the cluster at 0 has a place if it is marked as in use once.
 *
 * @returns or {@link nowhere}
 */
export function placeOf({ external, extended }: Image, high: number, low: number): number {
  const host = offsetOf(high, low);
  if (host !== 0) return host;
  const placed = external && high >= copiedFlag && (extended || (low & zeroFlag) === 0);
  return placed ? 0 : nowhere;
}

/** Whether the cluster at `start` of the disk cannot be at `host`. In a data file it is where it is on the disk. */
export function isImpossible({ external, clusterSize }: Image, start: number, host: number): boolean {
  return external ? host !== start : host % clusterSize !== 0 || host > largestSize;
}
