import { describe, expect, it } from 'vitest';
import { cloop } from '../../../../runtime/block/drivers/cloop.js';
import { MemoryChild } from '../memory-child.js';
import { bearsDamage } from './format-suite/mutants.js';
import { contentsOf, openOn } from './format-suite/on-children.js';
import { makeCloop } from './format-suite/read-only-images.js';

const contents = Buffer.from(Array.from({ length: 20 * 512 }, (_, index) => (index * index) >> 7));

describe('cloop', () => {
  bearsDamage('a compressed CD', {
    driver: cloop,
    make: async () => makeCloop(contents, 2048),
    metadata: (image) => [[128, image.length - 128]],
  });

  it.each([512, 2048, 4096])(
    'a disk in blocks of %i bytes reads as it was made, in parts and as a whole',
    async (size) => {
      const disk = await openOn(cloop, new MemoryChild(makeCloop(contents, size)));
      expect(disk.length).toBe(Math.ceil(contents.length / size) * size);
      expect((await contentsOf(disk)).subarray(0, contents.length).equals(contents)).toBe(true);
      expect((await contentsOf(disk, 1536, 1024)).equals(contents.subarray(1536, 2560))).toBe(true);
      expect(await disk.blockStatus?.(0, 512)).toEqual({ length: 512, allocated: true, data: true, zero: false });
    },
  );

  it.each([
    [128, 1000, 'blocks of 1000 bytes'],
    [128, 0, 'blocks of 0 bytes'],
    [128, 2 ** 27, 'blocks of 134217728 bytes'],
    [132, 2 ** 31, 'it has too many blocks'],
    [132, 2 ** 16, 'it has been truncated'],
    [136 + 4, 2 ** 30, 'block 0 cannot be at 1073741824'],
    [136 + 12, 100, 'block 1 cannot be at 100'],
  ])('a header with %i set to %i is refused: %s', async (at, value, message) => {
    const image = makeCloop(contents);
    image.writeUInt32BE(value, at);
    await expect(openOn(cloop, new MemoryChild(image))).rejects.toThrow(`Invalid cloop image: ${message}`);
  });

  it('a block that unpacks to less or to more is an error of the request', async () => {
    for (const size of [1024, 4096]) {
      const image = makeCloop(contents, 2048);
      image.writeUInt32BE(size, 128);
      const disk = await openOn(cloop, new MemoryChild(image));
      await expect(contentsOf(disk, 0, 512)).rejects.toMatchObject({ code: 'EIO' });
    }
  });
});
