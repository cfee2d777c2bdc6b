import { type HostOffset, hostOffset } from '../format/units.js';

/** What an L2 entry says of a cluster. */
export const ClusterKind = {
  /** Nothing: what is below shows through. */
  unallocated: 0,
  /** It reads as zeroes. It may have a place for when it is written. */
  zero: 1,
  /** Its data is in a host cluster. */
  normal: 2,
  /** Its data is compressed, at any place. */
  compressed: 3,
  /** The entry is impossible. */
  invalid: 4,
} as const;

export type ClusterKind = (typeof ClusterKind)[keyof typeof ClusterKind];

/** The place of a cluster that has none. A data file may have one at its beginning. */
export const nowhere: HostOffset = hostOffset(-1);

/** A stretch of the disk whose clusters are alike and, if they have places, next to each other. */
export interface Run {
  readonly kind: ClusterKind;
  /** Bytes of the disk, from where was asked for. */
  readonly length: number;
  /** Where it is in the file of the data: the first byte asked for; for a compressed cluster its beginning; or {@link nowhere}. */
  readonly host: HostOffset;
  /** The host clusters are not shared. */
  readonly copied: boolean;
  /** Bytes in the file that a compressed cluster takes at most. */
  readonly stored: number;
}
