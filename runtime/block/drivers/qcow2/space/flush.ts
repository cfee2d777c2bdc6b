import { IncompatibleFeature, incompatibleField } from '../format/header.js';
import { settleFreed } from './free.js';
import type { Image } from './image.js';
import { writeRefcounts } from './refcounts.js';

/** Writes what the caches hold to the file, in an order that leaves no more than leaks wherever it breaks off. */
export async function writeCaches(image: Image): Promise<void> {
  image.alive();
  await image.l2Tables.writeAll();
  await settleFreed(image);
  await writeRefcounts(image);
}

/** Brings the image into a state in which others may open it: everything is written, and it counts as clean. */
export async function finish(image: Image): Promise<void> {
  await image.l2Tables.writeAll();
  await settleFreed(image);
  await image.refcountBlocks.writeAll();
  await image.flushData();
  await image.file.flush();
  const { header } = image;
  if (!(header.incompatible & IncompatibleFeature.dirty)) return;
  const incompatible = header.incompatible & ~IncompatibleFeature.dirty;
  await image.changeHeader({ ...header, incompatible }, incompatibleField(incompatible));
}
