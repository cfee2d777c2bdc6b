import { describe, expect, it } from 'vitest';
import { bochs } from '../../../../runtime/block/drivers/bochs.js';
import { MemoryChild } from '../memory-child.js';
import { bearsDamage } from './format-suite/mutants.js';
import { contentsOf, openOn } from './format-suite/on-children.js';
import { makeBochs } from './format-suite/read-only-images.js';

/** Sectors of data, and some between them that are zero. */
const contents = Buffer.alloc(150 * 512);
for (let sector = 0; sector < 150; sector++) {
  if (sector % 5 !== 3 && (sector < 40 || sector > 90)) contents.fill(1 + sector, sector * 512, (sector + 1) * 512);
}

describe('bochs', () => {
  bearsDamage('an image of Bochs', {
    driver: bochs,
    make: async () => makeBochs(contents),
    metadata: () => [
      [64, 32],
      [512, 40],
      [600, 64],
    ],
  });

  it.each([1, 2])('a disk in version %i reads as it was made, zeroes where nothing was written', async (version) => {
    for (const extent of [512, 4096, 65_536]) {
      const disk = await openOn(bochs, new MemoryChild(makeBochs(contents, { version, extent, bitmap: 600 })));
      expect((await contentsOf(disk)).equals(contents)).toBe(true);
    }
  });

  it('a disk tells where its sectors are, and that it is only read', async () => {
    const image = makeBochs(contents);
    const disk = await openOn(bochs, new MemoryChild(image));
    expect(disk.forcesReadOnly).toBe(true);
    const status = await disk.blockStatus?.(512, 4096);
    expect(status).toMatchObject({ length: 1024, data: true, allocated: true });
    expect(image[status?.offset ?? 0]).toBe(2);
    expect(await disk.blockStatus?.(3 * 512, 4096)).toMatchObject({ length: 512, data: false, allocated: false });
    expect(await disk.blockStatus?.(44 * 512, 4096)).toMatchObject({ length: 2048, allocated: false });
  });

  it.each([
    [64, 3, 'it is not in format bochs'],
    [68, 0x1000_0000, 'it has been truncated'],
    [72, 3, 'its catalog is too small for its disk'],
    [76, 0, 'bitmaps of 0 bytes are too small'],
    [80, 1000, 'extents of 1000 bytes'],
    [80, 2 ** 24, 'extents of 16777216 bytes'],
  ])('a header with %i set to %i is refused: %s', async (at, value, message) => {
    const image = makeBochs(contents);
    image.writeUInt32LE(value, at);
    await expect(openOn(bochs, new MemoryChild(image))).rejects.toThrow(`Invalid bochs image: ${message}`);
  });

  it('a catalog or a disk that is too large is refused', async () => {
    const image = makeBochs(contents);
    image.writeUInt32LE(2 ** 20 + 1, 72);
    await expect(openOn(bochs, new MemoryChild(image))).rejects.toMatchObject({ code: 'EFBIG' });
    image.fill(0xff, 88, 96);
    await expect(openOn(bochs, new MemoryChild(image))).rejects.toMatchObject({ code: 'EFBIG' });
  });

  it('an extent beyond the end of the file is an error of the request', async () => {
    const image = makeBochs(contents);
    image.writeUInt32LE(4000, 512);
    const disk = await openOn(bochs, new MemoryChild(image));
    await expect(contentsOf(disk, 0, 512)).rejects.toMatchObject({ code: 'EIO' });
    await expect(disk.prepareReopen?.({ readOnly: false } as never)).rejects.toMatchObject({ code: 'EACCES' });
  });
});
