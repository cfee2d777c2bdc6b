/** Bytes of a sector, the unit of events, queries and many formats. */
export const sectorSize = 512;

/** The largest offset or size, in bytes, that is handled: beyond, JavaScript's numbers are not exact. Real limits are far below. */
export const largestSize = Number.MAX_SAFE_INTEGER - (Number.MAX_SAFE_INTEGER % 2 ** 21);

/** Bytes that are copied as a whole, at least, before they are overwritten at the source. */
export const leastCopied = 65_536;

/** `value` rounded down to a multiple of `unit`. Exact up to 2^53, unlike bit operations. */
export function roundDown(value: number, unit: number): number {
  return value - (value % unit);
}

/** `value` rounded up to a multiple of `unit`. */
export function roundUp(value: number, unit: number): number {
  const over = value % unit;
  return over === 0 ? value : value + unit - over;
}

/** Whether `value` is a power of two. */
export function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && 2 ** Math.round(Math.log2(value)) === value;
}
