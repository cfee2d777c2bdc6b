import { Parts } from '../parts.js';
import { Place } from './map-format.js';
import type { MappedImage, Run } from './mapped-image.js';

/** Fills a buffer with the contents of the disk. */
export async function readMapped(image: MappedImage, offset: number, buffer: Uint8Array): Promise<void> {
  const first = image.find(offset, buffer.length);
  if (!(first instanceof Promise) && first.length === buffer.length) return readRun(image, offset, first, buffer);
  await readRuns(image, offset, buffer, first);
}

async function readRuns(
  image: MappedImage,
  offset: number,
  buffer: Uint8Array,
  first: Run | Promise<Run>,
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
function readRun(image: MappedImage, offset: number, run: Run, buffer: Uint8Array): Promise<void> {
  if (run.place >= 0) return image.file.read(run.place, buffer);
  switch (run.place) {
    case Place.none:
      return readBeneath(image, offset, buffer);
    case Place.zero:
      buffer.fill(0);
      return Promise.resolve();
    case Place.packed:
      return readPacked(image, offset, run, buffer);
    default:
      return Promise.reject(image.invalid(offset));
  }
}

/** What shows where the image has nothing; nothing of it from beyond the image's own end. */
async function readBeneath(image: MappedImage, offset: number, buffer: Uint8Array): Promise<void> {
  const beneath = image.beneath();
  const end = Math.min(image.format.length, beneath?.length ?? 0);
  const shown = Math.max(0, Math.min(buffer.length, end - offset));
  buffer.fill(0, shown);
  if (shown > 0) await beneath?.read(offset, buffer.subarray(0, shown));
}

async function readPacked(image: MappedImage, offset: number, run: Run, buffer: Uint8Array): Promise<void> {
  const { format } = image;
  if (run.page === undefined || format.unpack === undefined) throw image.invalid(offset);
  const data = await format.unpack(run.page.view, run.at);
  const inside = offset % format.blockSize;
  buffer.set(data.subarray(inside, inside + buffer.length));
}
