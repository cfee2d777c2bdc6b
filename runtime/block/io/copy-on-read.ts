import type { DriverInstance } from '../driver.js';
import { RequestFlag } from '../request-flag.js';
import { giveBuffer, takeBuffer } from './buffers.js';
import { writeZeroesSplit } from './write-zeroes.js';
import { isZero } from './zeroes.js';

/** Bytes that are copied at a time. No smaller than the clusters of the formats that have backing files. */
const largest = 2 * 1024 * 1024;

/**
 * Brings what is not allocated in a range into the image itself. Nothing else happens to the range meanwhile.
 *
 * @param start a multiple of the image's cluster size
 * @param end inside of the image, rounded up to its request alignment
 * @param wrote called when something may have been written
 */
export async function copyUp(instance: DriverInstance, start: number, end: number, wrote: () => void): Promise<void> {
  const most = Math.max(largest, instance.requestAlignment ?? 1);
  for (let position = start; position < end; ) {
    const status = await instance.blockStatus?.(position, end - position);
    // A driver that cannot tell has it all.
    if (status === undefined) return;
    const length = status.allocated ? status.length : Math.min(status.length, most);
    if (!status.allocated) {
      const buffer = takeBuffer(length);
      await instance.read(position, buffer, RequestFlag.noSerialising);
      try {
        if (isZero(buffer)) await writeZeroesSplit(instance, position, length, 0);
        else await instance.write?.(position, buffer, 0);
      } finally {
        wrote();
      }
      // After a failure, parts of the request may still be under way with it.
      giveBuffer(buffer);
    }
    position += length;
  }
}
