import { Parts } from '../parts.js';
import { Place } from './map-format.js';
import type { ReadableImage, Run } from './readable-image.js';

/** Fills a buffer with the contents of the disk. */
export async function readMapped<Found extends Run>(
  image: ReadableImage<Found>,
  offset: number,
  buffer: Uint8Array,
): Promise<void> {
  const first = image.find(offset, buffer.length);
  if (!(first instanceof Promise) && first.length === buffer.length) return readRun(image, offset, first, buffer);
  await readRuns(image, offset, buffer, first);
}

async function readRuns<Found extends Run>(
  image: ReadableImage<Found>,
  offset: number,
  buffer: Uint8Array,
  first: Found | Promise<Found>,
): Promise<void> {
  const parts = new Parts();
  try {
    for (let done = 0; done < buffer.length; ) {
      const position = offset + done;
      const found = done === 0 ? first : image.find(position, buffer.length - done);
      const run = found instanceof Promise ? await found : found;
      parts.add(readRun(image, position, run, buffer.subarray(done, done + run.length)));
      done += run.length;
      await parts.room();
    }
  } finally {
    await parts.settled();
  }
  await parts.all();
}

/** Called without a pause since the run was found. */
function readRun<Found extends Run>(
  image: ReadableImage<Found>,
  offset: number,
  run: Found,
  buffer: Uint8Array,
): Promise<void> {
  if (run.place >= 0) return image.file.read(run.place, buffer);
  switch (run.place) {
    case Place.none:
      return readBeneath(image, offset, buffer);
    case Place.zero:
      buffer.fill(0);
      return Promise.resolve();
    case Place.packed:
      return image.unpack(run, offset, buffer);
    default:
      return Promise.reject(image.invalid(offset));
  }
}

/** What shows where the image has nothing; nothing of it from beyond the image's own end. */
async function readBeneath<Found extends Run>(
  image: ReadableImage<Found>,
  offset: number,
  buffer: Uint8Array,
): Promise<void> {
  const beneath = image.beneath();
  const end = Math.min(image.length, beneath?.length ?? 0);
  const shown = Math.max(0, Math.min(buffer.length, end - offset));
  buffer.fill(0, shown);
  if (shown > 0) await beneath?.read(offset, buffer.subarray(0, shown));
}
