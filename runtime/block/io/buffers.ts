/** Bytes of a buffer that is kept: the largest that jobs and copies on read move at a time, mostly. */
const size = 1024 * 1024;
/** How many are kept for all together. */
const most = 16;

const kept: Buffer[] = [];

/** A buffer of some length, with anything in it. It is given back with {@link giveBuffer}. */
export function takeBuffer(length: number): Buffer {
  if (length > size) return Buffer.allocUnsafeSlow(length);
  return (kept.pop() ?? Buffer.allocUnsafeSlow(size)).subarray(0, length);
}

/** Gives a buffer back that nothing uses any more. Large ones are kept for the next: to allocate one costs as much as to fill it. */
export function giveBuffer(buffer: Buffer): void {
  if (kept.length < most && buffer.buffer.byteLength === size) kept.push(Buffer.from(buffer.buffer));
}
