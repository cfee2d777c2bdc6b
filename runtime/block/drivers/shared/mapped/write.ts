import { roundDown, roundUp, sectorSize } from '../../../limits.js';
import { Parts } from '../parts.js';
import { Place } from './map-format.js';
import type { MappedImage, MappedRun } from './mapped-image.js';
import { readMapped } from './read.js';

/** What is assembled in memory at a time. */
const pieceLength = 2 ** 20;

/** Writes to the disk. */
export async function writeMapped(image: MappedImage, offset: number, data: Uint8Array): Promise<void> {
  await image.begin();
  const first = image.find(offset, data.length);
  if (!(first instanceof Promise) && first.place >= 0 && first.length === data.length) {
    await writeInPlace(image, first.place, offset, data);
    return;
  }
  await writeRuns(image, offset, data, first);
}

async function writeRuns(
  image: MappedImage,
  offset: number,
  data: Uint8Array,
  first: MappedRun | Promise<MappedRun>,
): Promise<void> {
  const parts = new Parts();
  let found: MappedRun | Promise<MappedRun> | undefined = first;
  try {
    for (let done = 0; done < data.length; ) {
      const position = offset + done;
      const run = await (found ?? image.find(position, data.length - done));
      found = undefined;
      if (run.place >= 0) {
        parts.add(writeInPlace(image, run.place, position, data.subarray(done, done + run.length)));
        done += run.length;
        await parts.room();
      } else {
        done += await writeNew(image, position, data.subarray(done));
      }
    }
  } finally {
    await parts.settled();
  }
  await parts.all();
}

async function writeInPlace(image: MappedImage, place: number, offset: number, data: Uint8Array): Promise<void> {
  const { touch } = image.writing;
  if (touch !== undefined) await touch.call(image.writing, place, offset);
  await image.file.write(place, data);
}

/**
 * Gives blocks places and writes to them, with what surrounds the data in them.
 *
 * @returns how many bytes were written: 0 when another request has given the first block a place meanwhile
 */
function writeNew(image: MappedImage, offset: number, data: Uint8Array): Promise<number> {
  return image.lock.run(async () => {
    const run = await image.find(offset, data.length);
    if (run.place >= 0) return 0;
    if (run.place === Place.invalid) throw image.invalid(offset);
    await ownTable(image, offset);
    const { blockSize } = image.format;
    const start = roundDown(offset, blockSize);
    const wanted = entriesInPage(image, run, Math.ceil((offset + run.length - start) / blockSize));
    const { place, count } = image.writing.offer(wanted);
    const length = Math.min(run.length, start + count * blockSize - offset);
    const blocks = { start, place, length: count * blockSize, plain: readsAsZeroes(image, run) };
    await fill(image, blocks, offset, data.subarray(0, length));
    image.writing.take(place, count);
    await link(image, start, place, count);
    return length;
  });
}

/** A run without a table may be longer than what one page of the new table holds. */
function entriesInPage(image: MappedImage, run: MappedRun, count: number): number {
  return run.page === undefined ? Math.min(count, 1 + Math.floor(pieceLength / image.format.blockSize)) : count;
}

/** The table for an offset, which is made if there is none. */
export async function ownTable(image: MappedImage, offset: number): Promise<number> {
  const { format, writing } = image;
  const table = Math.floor(offset / format.blockSize / format.tableBlocks);
  const found = await format.tableAt(table);
  if (found !== undefined) return found;
  if (writing.makeTable === undefined) throw image.invalid(offset);
  return writing.makeTable(table);
}

/** Sets the entries of blocks, which begin at `offset`, to places side by side, or all to `Place.zero`. */
export async function link(image: MappedImage, offset: number, place: number, count: number): Promise<void> {
  const { blockSize } = image.format;
  for (let index = 0; index < count; index++) {
    const own = place >= 0 ? place + index * blockSize : place;
    await setEntry(image, offset + index * blockSize, (view, at) => image.writing.link(view, at, own));
    await image.writing.linked?.(Math.floor(offset / blockSize) + index, own);
  }
}

/** Changes the entry of the block at `offset`, which relies on what was written before. */
export async function setEntry(
  image: MappedImage,
  offset: number,
  change: (view: DataView, at: number) => void,
): Promise<void> {
  const { blockSize, entryBytes, tableBlocks } = image.format;
  const base = await ownTable(image, offset);
  const entry = base + (Math.floor(offset / blockSize) % tableBlocks) * entryBytes;
  const page = image.peek(base, entry) ?? (await image.load(base, entry));
  const at = entry - page.offset;
  change(page.view, at);
  image.changed(page, at, at + entryBytes);
}

/** Whether a stretch without a place is known to read as zeroes. */
export function readsAsZeroes(image: MappedImage, { place }: Pick<MappedRun, 'place'>): boolean {
  return place === Place.zero || (place === Place.none && image.beneath() === undefined);
}

/** New blocks. */
interface NewBlocks {
  /** Where they are on the disk. */
  readonly start: number;
  /** Where they are in the file. */
  readonly place: number;
  readonly length: number;
  /** What surrounds the data in them is zero. */
  readonly plain: boolean;
}

async function fill(image: MappedImage, blocks: NewBlocks, offset: number, data: Uint8Array): Promise<void> {
  const { file } = image;
  const { start, place, length, plain } = blocks;
  const ones = image.writing.ones ?? 0;
  const end = place + length;
  const fresh = place >= file.node.length;
  if (ones > 0) await file.write(place - ones, new Uint8Array(ones).fill(0xff));
  const head = offset - start;
  const tail = length - head - data.length;
  if (plain && fresh) {
    await file.write(place + head, data);
    // The block is to be in the file as a whole.
    const rest = Math.min(tail, sectorSize);
    if (rest > 0) await file.write(end - rest, new Uint8Array(rest));
    return;
  }
  if (length <= pieceLength && !plain && length > data.length) {
    const whole = Buffer.allocUnsafe(length);
    await Promise.all([
      head === 0 ? undefined : readOld(image, start, whole.subarray(0, head)),
      tail === 0 ? undefined : readOld(image, offset + data.length, whole.subarray(head + data.length)),
    ]);
    whole.set(data, head);
    await file.write(place, whole);
    return;
  }
  await copyOld(image, start, place, head, plain);
  await file.write(place + head, data);
  await copyOld(image, offset + data.length, end - tail, tail, plain);
}

async function copyOld(
  image: MappedImage,
  offset: number,
  place: number,
  length: number,
  plain: boolean,
): Promise<void> {
  if (length === 0) return;
  if (plain) {
    await image.file.writeZeroes(place, length);
    return;
  }
  for (let done = 0; done < length; done += pieceLength) {
    const piece = Buffer.allocUnsafe(Math.min(pieceLength, length - done));
    await readOld(image, offset + done, piece);
    await image.file.write(place + done, piece);
  }
}

/** The disk may end before its last block does. */
async function readOld(image: MappedImage, offset: number, buffer: Uint8Array): Promise<void> {
  const inside = Math.max(0, Math.min(buffer.length, roundUp(image.format.length, sectorSize) - offset));
  buffer.fill(0, inside);
  if (inside > 0) await readMapped(image, offset, buffer.subarray(0, inside));
}
