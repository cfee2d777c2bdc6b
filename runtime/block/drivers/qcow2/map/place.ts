import { largestSize } from '../../../limits.js';
import { compressedLength, compressedOffset, copiedFlag, offsetOf, zeroFlag } from '../format/table-entry.js';
import { type GuestOffset, type HostOffset, hostOffset } from '../format/units.js';
import type { Image } from '../space/image.js';
import { ClusterKind, nowhere, type Run } from './run.js';

/**
 * Where an entry says that a cluster is. In a data file, the cluster at 0 has a place if it is marked as in use once.
 *
 * @returns or {@link nowhere}
 */
export function placeOf({ external, extended }: Image, high: number, low: number): HostOffset {
  const host = offsetOf(high, low);
  if (host !== 0) return host;
  const placed = external && high >= copiedFlag && (extended || (low & zeroFlag) === 0);
  return placed ? hostOffset(0) : nowhere;
}

/** Whether the cluster at `start` of the disk cannot be at `host`. In a data file it is where it is on the disk. */
export function isImpossible({ external, clusterSize }: Image, start: GuestOffset, host: HostOffset): boolean {
  return external ? host !== hostOffset(start) : host % clusterSize !== 0 || host > largestSize;
}

/** The kind of a cluster that its entry says is compressed: it cannot be in a data file, nor beyond the end of any file. */
export function compressedKind({ external, header, clusterSize }: Image, high: number, low: number): ClusterKind {
  if (external) return ClusterKind.invalid;
  const end = compressedOffset(high, low, header.clusterBits) + clusterSize * 2;
  return end > largestSize ? ClusterKind.invalid : ClusterKind.compressed;
}

/** The run of a cluster that is compressed, or whose entry is impossible. @param length bytes of the disk */
export function compressedRun({ header }: Image, kind: ClusterKind, high: number, low: number, length: number): Run {
  return {
    kind,
    length,
    host: compressedOffset(high, low, header.clusterBits),
    copied: false,
    stored: compressedLength(high, low, header.clusterBits),
  };
}
