import { type HostOffset, hostOffset } from './units.js';

/*
 * Entries of L1 and L2 tables, 64 bits each, as two halves. Offsets of 2^53 and more come out rounded, but never below 2^53.
 */

/** In the high half: the cluster's refcount is 1, it can be written in place. */
export const copiedFlag = 0x8000_0000;
/** In the high half of an L2 entry: the cluster is compressed. */
export const compressedFlag = 0x4000_0000;
/** In the low half of an L2 entry, version 3: the cluster reads as zeroes. */
export const zeroFlag = 1;

/** Bits 9 to 55: the offset of an L2 table, or of a cluster that is not compressed. */
export function offsetOf(high: number, low: number): HostOffset {
  return hostOffset((high & 0x00ff_ffff) * 2 ** 32 + ((low & 0xffff_fe00) >>> 0));
}

/** Whether bits are set that must not be, in an L1 entry. */
export function hasReservedL1Bits(high: number, low: number): boolean {
  return (high & 0x7f00_0000) !== 0 || (low & 0x1ff) !== 0;
}

/** Whether bits are set that must not be, in an L2 entry of a cluster that is not compressed. */
export function hasReservedL2Bits(high: number, low: number): boolean {
  return (high & 0x3f00_0000) !== 0 || (low & 0x1fe) !== 0;
}

/** Where a compressed cluster begins, at any byte. */
export function compressedOffset(high: number, low: number, clusterBits: number): HostOffset {
  return hostOffset((high & (2 ** offsetBitsInHigh(clusterBits) - 1)) * 2 ** 32 + low);
}

/** How many bytes a compressed cluster takes at most: up to the end of the last of its sectors. */
export function compressedLength(high: number, low: number, clusterBits: number): number {
  const moreSectors = (high & 0x3fff_ffff) >>> offsetBitsInHigh(clusterBits);
  return (moreSectors + 1) * 512 - (low % 512);
}

/** The field of the sectors is the wider, the larger the cluster; the offset has the bits below it: 62 - (bits - 8) in all. */
function offsetBitsInHigh(clusterBits: number): number {
  return 62 - (clusterBits - 8) - 32;
}
