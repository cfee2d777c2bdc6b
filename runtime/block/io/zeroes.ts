/** As many zeroes as are written at a time where a driver has no better way. */
const zeroes = new Uint8Array(1024 * 1024);

/**
 * A buffer full of zeroes of at most `length` bytes. It is shared: never write into it.
 *
 * @param unit its length is a multiple of this power of two, if `length` is one
 */
export function zeroBuffer(length: number, unit = 1): Uint8Array {
  if (unit > zeroes.length) return new Uint8Array(unit);
  return length >= zeroes.length ? zeroes : zeroes.subarray(0, length);
}

/** Whether a buffer holds nothing but zeroes. */
export function isZero(data: Uint8Array): boolean {
  // Nearly all data shows at once that it is not, and comparing blocks is then faster than looking at each byte.
  if (data.length === 0) return true;
  if (data[0] !== 0 || data[data.length - 1] !== 0 || data[data.length >> 1] !== 0) return false;
  for (let start = 0; start < data.length; start += zeroes.length) {
    const part = data.subarray(start, start + zeroes.length);
    if (Buffer.compare(part, zeroBuffer(part.length)) !== 0) return false;
  }
  return true;
}
