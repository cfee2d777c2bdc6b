/** What a driver tells of an open image. */
export interface DriverInfo {
  /** Bytes of the units in which the format allocates. Absent when there are none. */
  readonly clusterSize?: number;
  /** The image was not closed cleanly, or is in use. */
  readonly dirty?: boolean;
  /** What was never written reads as zeroes, when there is no backing file. */
  readonly unallocatedIsZero?: boolean;
}
