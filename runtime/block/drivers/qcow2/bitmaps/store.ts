import type { BitmapContents } from '../../../abilities.js';
import { BlockError } from '../../../error.js';
import { beforeChange } from '../autoclear.js';
import { BitmapFlag } from '../format/bitmap-directory.js';
import { offsetOf } from '../format/table-entry.js';
import { hostOffset } from '../format/units.js';
import { freeClusters } from '../space/free.js';
import type { Image } from '../space/image.js';
import { replaceDirectory } from './directory.js';
import { visitTable } from './read.js';
import type { NamedRecord } from './state.js';
import { type Allocated, writeBitmap } from './write.js';

/**
 * Brings the bitmaps in the image up to date, and takes the marks away that they are in use. Nothing else is done to the image
 * meanwhile.
 *
 * @throws BlockError when there is no room, or the file fails: they stay marked then
 */
export async function storeBitmaps(image: Image): Promise<void> {
  const { bitmaps } = image;
  if (bitmaps.contents === undefined) return;
  const wanted = [...bitmaps.contents()];
  if (bitmaps.problem !== undefined && wanted.length === 0) return;
  if (bitmaps.problem === undefined && isStored(image, wanted)) return;
  // Bitmaps that cannot be used make way for others.
  if (bitmaps.problem !== undefined) await beforeChange(image);
  await image.lock.run(() => store(image, wanted));
  image.announced = false;
}

/** Removes a bitmap at once. @throws BlockError */
export async function removeBitmap(image: Image, name: string): Promise<void> {
  await image.lock.run(async () => {
    image.alive();
    const { records, inUse } = image.bitmaps;
    const removed = records.find(({ text }) => text === name);
    if (removed === undefined) return;
    await changing(image, async (allocated) => {
      const others = records.filter((record) => record !== removed);
      await replaceDirectory(image, others, inUse, allocated);
    });
    await freeBitmap(image, removed);
  });
}

/** Whether the image says of all bitmaps what it should. */
function isStored({ bitmaps: { records, inUse } }: Image, wanted: readonly BitmapContents[]): boolean {
  return (
    !inUse &&
    wanted.length === records.length &&
    wanted.every(({ name, recording, inconsistent }) => {
      const record = records.find(({ text }) => text === name);
      return record !== undefined && (inconsistent || ((record.flags & BitmapFlag.auto) !== 0) === recording);
    })
  );
}

async function store(image: Image, wanted: readonly BitmapContents[]): Promise<void> {
  const { records: before } = image.bitmaps;
  const replaced: NamedRecord[] = [];
  await changing(image, async (allocated) => {
    const records: NamedRecord[] = [];
    for (const contents of wanted) {
      const old = before.find(({ text }) => text === contents.name);
      if (contents.inconsistent) {
        if (old !== undefined) records.push({ ...old, flags: old.flags | BitmapFlag.inUse });
        continue;
      }
      if (old !== undefined) replaced.push(old);
      records.push({ ...(await writeBitmap(image, contents, allocated)), text: contents.name });
    }
    await replaceDirectory(image, records, false, allocated);
  });
  for (const old of replaced) await freeBitmap(image, old);
}

/** Frees what `work` has allocated when it fails before anything can point at it. */
async function changing(image: Image, work: (allocated: Allocated[]) => Promise<void>): Promise<void> {
  const allocated: Allocated[] = [];
  try {
    await work(allocated);
  } catch (error) {
    for (const { offset, count } of allocated) freeClusters(image, hostOffset(offset), count, 'other');
    throw error;
  }
}

/** Frees what a bitmap takes that the directory has no more. What cannot be read is leaked. */
async function freeBitmap(image: Image, record: NamedRecord): Promise<void> {
  const { clusterSize } = image;
  try {
    await visitTable(image, record, (high, low) => {
      const offset = offsetOf(high, low);
      if (offset !== 0 && offset % clusterSize === 0) freeClusters(image, offset, 1, 'other');
      return undefined;
    });
  } catch (error) {
    if (!(error instanceof BlockError)) throw error;
  }
  freeClusters(image, hostOffset(record.tableOffset), Math.ceil((record.tableEntries * 8) / clusterSize), 'other');
}
