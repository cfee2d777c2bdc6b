import { deflateRawBlock } from '../shared/deflate.js';
import type { MappedImage } from '../shared/mapped/mapped-image.js';
import { ownTable, setEntry, writeMapped } from '../shared/mapped/write.js';
import type { QcowTables } from './tables.js';

/**
 * Writes clusters compressed; plain where that is not shorter, and where they have places that can be used again.
 *
 * @param offset the beginning of a cluster
 * @param data whole clusters; the last may end with the disk
 */
export async function writeCompressed(
  image: MappedImage,
  tables: QcowTables,
  offset: number,
  data: Uint8Array,
): Promise<void> {
  const { blockSize } = tables;
  for (let done = 0; done < data.length; done += blockSize) {
    const piece = data.subarray(done, done + blockSize);
    let whole = piece;
    if (piece.length < blockSize) {
      whole = new Uint8Array(blockSize);
      whole.set(piece);
    }
    const packed = await deflateRawBlock(whole);
    const written = packed.length < blockSize && (await writePacked(image, tables, offset + done, packed));
    if (!written) await writeMapped(image, offset + done, piece);
  }
}

/** @returns whether it was written: not where the cluster has a place, or there is none for it */
function writePacked(image: MappedImage, tables: QcowTables, offset: number, packed: Uint8Array): Promise<boolean> {
  return image.lock.run(async () => {
    const run = await image.find(offset, 1);
    if (run.place >= 0) return false;
    // A table that is still to be made needs its place before the data has one.
    await ownTable(image, offset);
    const place = tables.offerBytes(packed.length);
    if (place === undefined) return false;
    await image.file.write(place, packed);
    tables.takeBytes(place, packed.length);
    await setEntry(image, offset, (view, at) => tables.linkPacked(view, at, place, packed.length));
    return true;
  });
}
