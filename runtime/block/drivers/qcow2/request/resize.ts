import { BlockError } from '../../../error.js';
import { largestSize, roundUp } from '../../../limits.js';
import { l1EntriesFor, sizeField } from '../format/header.js';
import { MetadataKind } from '../format/options.js';
import { further, type GuestOffset, guestOffset, type HostOffset } from '../format/units.js';
import { growL1Table, l2TableOffset } from '../map/l1.js';
import { finish } from '../space/flush.js';
import { freeClusters } from '../space/free.js';
import type { Image } from '../space/image.js';
import { checkOverlap } from '../space/overlap.js';
import { refcountBlock } from '../space/refcounts.js';
import { cutData, discardData, growData, placeInData } from './data-file.js';
import { blockStatus } from './status.js';
import { write } from './write.js';
import { discard, writeZeroes } from './zero.js';

/** Zeroes that are written at a time where a disk grows over old data. */
const zeroChunk = 2 ** 20;

/** Changes the size of the disk. Nothing else is done to the image meanwhile. @throws BlockError */
export async function resize(image: Image, size: number): Promise<void> {
  image.alive();
  if (size % 512 !== 0) throw new BlockError('The new size must be a multiple of 512', { code: 'EINVAL' });
  // From version 3 on, each snapshot says how large its disk is.
  if (image.header.snapshotCount > 0 && image.header.version < 3) {
    throw new BlockError("A version 2 image with internal snapshots can't be resized", { code: 'ENOTSUP' });
  }
  refuseInconsistent(image);
  if (size > largestSize) throw new BlockError('The new size is too large', { code: 'EFBIG' });
  if (size > image.header.size) await grow(image, size);
  else if (size < image.header.size) await shrink(image, size);
}

/** What a bitmap of another size would say is unknown, and nothing would distinguish it from one that fits. */
function refuseInconsistent({ bitmaps }: Image): void {
  const found = Array.from(bitmaps.contents?.() ?? []).find(({ inconsistent }) => inconsistent);
  if (found === undefined) return;
  throw new BlockError(
    `An image with the inconsistent bitmap '${found.name}' can't be resized: remove it with block-dirty-bitmap-remove`,
    { code: 'ENOTSUP' },
  );
}

async function grow(image: Image, size: number): Promise<void> {
  const { clusterSize } = image;
  const oldSize = image.header.size;
  await image.lock.run(() => growL1Table(image, l1EntriesFor(size, image.header)));
  // Until now no reader could see what is behind the end: the rest of the last cluster, and what a longer backing file has.
  const backed = image.node.backing?.node.length ?? 0;
  const from = guestOffset(roundUp(oldSize, 512));
  await growData(image, size);
  await hide(image, from, Math.min(size, Math.max(roundUp(oldSize, clusterSize), backed)));
  await placeInData(image, oldSize, size);
  await changeSize(image, size);
}

/** Zeroes what is not known to be zero, before it becomes a part of the disk. */
async function hide(image: Image, from: GuestOffset, to: number): Promise<void> {
  const { clusterSize } = image;
  for (let at = from; at < to; ) {
    const status = await blockStatus(image, at, to - at);
    const shown = status.allocated || at < (image.node.backing?.node.length ?? 0);
    const inside = at % clusterSize;
    let length = inside === 0 ? status.length : Math.min(status.length, clusterSize - inside);
    if (!status.zero && shown) {
      if (image.header.version < 3 || inside !== 0) {
        length = Math.min(length, zeroChunk);
        await write(image, at, new Uint8Array(length));
      } else {
        await writeZeroes(image, at, length, 0);
      }
    }
    at = further(at, length);
  }
}

async function shrink(image: Image, size: number): Promise<void> {
  // The header comes last. Clusters behind the end would come back to light when the disk grows again.
  await forget(image, size, image.header.size);
  await changeSize(image, size);
  await cutData(image);
}

/** Gives up the clusters from `from` on, and all that is in the file for them. */
export async function forget(image: Image, from: number, oldSize: number): Promise<void> {
  const { clusterSize } = image;
  await discard(image, guestOffset(from), roundUp(oldSize, clusterSize) - from, 'forgotten');
  await image.lock.run(() => dropL2Tables(image, l1EntriesFor(from, image.header)));
  await finish(image);
  // Not before the tables are on the disk: after a crash, they would lead to zeroes instead of what is below.
  await discardData(image, roundUp(from, clusterSize), roundUp(oldSize, clusterSize));
  await cutFile(image);
}

async function changeSize(image: Image, size: number): Promise<void> {
  await image.l2Tables.writeAll();
  await image.flushData();
  await image.file.flush();
  await image.changeHeader({ ...image.header, size }, sizeField(size));
}

/** Clears the L1 entries from `first` on, whose tables have nothing in them any more, and frees the tables. */
async function dropL2Tables(image: Image, first: number): Promise<void> {
  const { header, l1, l2Span } = image;
  const from = first * 8;
  if (from >= l1.bytes.length) return;
  const tables: HostOffset[] = [];
  for (let index = first; index < header.l1Entries; index++) {
    const offset = l2TableOffset(image, guestOffset(index * l2Span));
    if (offset !== 0) tables.push(offset);
  }
  if (tables.length === 0) return;
  await checkOverlap(image, MetadataKind.activeL1, header.l1Offset + from, l1.bytes.length - from);
  image.file.debug('l1_update');
  await image.file.write(header.l1Offset + from, new Uint8Array(l1.bytes.length - from));
  l1.bytes.fill(0, from);
  for (const offset of tables) freeClusters(image, offset, 1, 'other');
}

/** Makes the file end with the last cluster that is in use. A failure to make it shorter does no harm. */
async function cutFile(image: Image): Promise<void> {
  const { clusterSize, file } = image;
  await image.lock.run(async () => {
    const end = (await clustersInUse(image)) * clusterSize;
    if (end >= file.node.length) return;
    await file.truncate(end).then(
      () => {
        image.highWater = end;
      },
      () => {},
    );
  });
}

/** One more than the number of the last host cluster that is in use. */
async function clustersInUse(image: Image): Promise<number> {
  const { refcounts, refcountsPerBlock, refcountTable } = image;
  for (let index = refcountTable.bytes.length / 8 - 1; index >= 0; index--) {
    const block = await refcountBlock(image, index);
    if (block === undefined) continue;
    for (let entry = refcountsPerBlock - 1; entry >= 0; entry--) {
      if (refcounts.get(block.bytes, entry) > 0) return index * refcountsPerBlock + entry + 1;
    }
  }
  return 0;
}
