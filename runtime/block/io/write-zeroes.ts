import type { DriverInstance } from '../driver.js';
import { errnoOf, ioError } from '../error.js';
import { roundDown, roundUp } from '../limits.js';
import { RequestFlag } from '../request-flag.js';
import { zeroBuffer } from './zeroes.js';

/** Those of a request's flags that a driver has said it sees to. */
export function driverFlags(instance: DriverInstance, flags: number): number {
  return flags & (instance.writeFlags ?? 0);
}

/**
 * Writes zeroes to a range that is aligned to the driver's requests, split where the driver would have to treat its edges
 * differently from its middle.
 *
 * @throws BlockError ENOTSUP with `noFallback`, when the driver cannot do it without writing data
 */
export async function writeZeroesSplit(
  instance: DriverInstance,
  offset: number,
  length: number,
  flags: number,
): Promise<void> {
  const unit = instance.zeroAlignment ?? instance.requestAlignment ?? 1;
  const end = offset + length;
  const first = Math.min(roundUp(offset, unit), end);
  const last = Math.max(roundDown(end, unit), first);
  if (first > offset) await writePiece(instance, offset, first - offset, flags);
  if (last > first) await writePiece(instance, first, last - first, flags);
  if (end > last) await writePiece(instance, last, end - last, flags);
}

async function writePiece(instance: DriverInstance, offset: number, length: number, flags: number): Promise<void> {
  const passed = driverFlags(instance, flags);
  if (instance.writeZeroes !== undefined) {
    try {
      await instance.writeZeroes(offset, length, passed | (flags & (RequestFlag.mayUnmap | RequestFlag.noFallback)));
      return;
    } catch (error) {
      if (errnoOf(error) !== 'ENOTSUP') throw error;
    }
  }
  if (flags & RequestFlag.noFallback) throw ioError('ENOTSUP');
  const alignment = instance.requestAlignment ?? 1;
  for (let position = offset; position < offset + length; ) {
    const buffer = zeroBuffer(offset + length - position, alignment);
    await instance.write?.(position, buffer, passed);
    position += buffer.length;
  }
}
