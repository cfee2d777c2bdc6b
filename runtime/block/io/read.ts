import type { DriverInstance } from '../driver.js';
import { roundDown, roundUp } from '../limits.js';

/**
 * Reads any range: blocks at its edges through a buffer, and zeroes from the end of the image on.
 *
 * @param alignment of the driver's requests, in bytes
 */
export async function readAnywhere(
  instance: DriverInstance,
  offset: number,
  buffer: Uint8Array,
  alignment: number,
  flags: number,
): Promise<void> {
  const { length } = instance;
  const inside = Math.max(0, Math.min(buffer.length, roundUp(length, alignment) - offset));
  if (inside > 0) {
    const start = roundDown(offset, alignment);
    const end = roundUp(offset + inside, alignment);
    if (start === offset && end === offset + inside) {
      await instance.read(offset, buffer.subarray(0, inside), flags);
    } else {
      const whole = Buffer.allocUnsafe(end - start);
      await instance.read(start, whole, flags);
      buffer.set(whole.subarray(offset - start, offset - start + inside));
    }
  }
  // The last block may reach beyond the end: what a driver has left there is not data.
  if (offset + buffer.length > length) buffer.fill(0, Math.max(0, length - offset));
}
