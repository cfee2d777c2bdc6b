import { ioError } from '../../../error.js';
import { roundDown, roundUp } from '../../../limits.js';
import { RequestFlag } from '../../../request-flag.js';
import { Place } from './map-format.js';
import type { MappedImage, MappedRun } from './mapped-image.js';
import { link, ownTable, readsAsZeroes } from './write.js';

/**
 * Makes a stretch read as zeroes, without giving it places. Where it has places, the file has zeroes there from now on.
 *
 * @throws BlockError ENOTSUP where data must be written for it
 */
export async function zeroMapped(image: MappedImage, offset: number, length: number, flags: number): Promise<void> {
  await image.begin();
  for (let done = 0; done < length; ) {
    const position = offset + done;
    const run = await image.find(position, length - done);
    if (run.place === Place.invalid) throw image.invalid(position);
    if (run.place >= 0) {
      await image.writing.touch?.(run.place, position);
      await image.file.writeZeroes(run.place, run.length, flags & (RequestFlag.mayUnmap | RequestFlag.noFallback));
    } else if (!readsAsZeroes(image, run)) {
      await mark(image, position, run);
    }
    done += run.length;
  }
}

/** Marks blocks as zero. */
async function mark(image: MappedImage, offset: number, { length, place }: MappedRun): Promise<void> {
  const { blockSize } = image.format;
  const end = Math.min(roundUp(image.format.length, blockSize), roundUp(offset + length, blockSize));
  const whole = offset % blockSize === 0 && (end === offset + length || offset + length >= image.format.length);
  if (!image.writing.marksZero || !whole) throw ioError('ENOTSUP');
  await image.lock.run(async () => {
    const start = roundDown(offset, blockSize);
    const now = await image.find(start, end - start);
    // A write that came in between is not zeroed by this: it is later.
    if (now.place !== place || now.length < end - start) throw ioError('ENOTSUP');
    await ownTable(image, start);
    await link(image, start, Place.zero, (end - start) / blockSize);
  });
}
