import { describe, expect, it } from 'vitest';
import { dmg } from '../../../../../runtime/block/drivers/dmg/dmg.js';
import { MemoryChild } from '../../memory-child.js';
import { bearsDamage } from '../format-suite/mutants.js';
import { contentsOf, openOn } from '../format-suite/on-children.js';
import { type DmgShape, makeDmg } from '../format-suite/read-only-images.js';

const contents = Buffer.alloc(40 * 1024);
for (const at of [0, 9000, 20_000]) {
  for (let index = 0; index < 6000; index++) contents[at + index] = (index * index) >> 6;
}

/** Where the first table of chunks is in an image with a resource fork. */
const tableOf = (image: Buffer): number => image.indexOf('mish');

function opened(shape: DmgShape, change: (image: Buffer) => void = () => {}) {
  const image = makeDmg(contents, shape);
  change(image);
  return openOn(dmg, new MemoryChild(image));
}

describe('dmg', () => {
  bearsDamage('a disk image of macOS with a resource fork', {
    driver: dmg,
    make: async () => makeDmg(contents, { chunk: 4096, resources: true }),
    metadata: (image) => [[image.length - 512 - 1500, 2012]],
  });
  bearsDamage('a disk image of macOS with a property list', {
    driver: dmg,
    make: async () => makeDmg(contents, { chunk: 4096 }),
    metadata: (image) => [[0, image.length]],
  });

  it.each<DmgShape>([
    {},
    { resources: true, front: 1000 },
    { chunk: 512, tables: 7, behind: 511 },
    { chunk: 65_536, tables: 1, front: 3 },
    { kinds: ['adc'], resources: true },
    { kinds: ['lzfse'], chunk: 16_384 },
  ])('a disk reads as it was made, in parts and as a whole: %j', async (shape) => {
    const disk = await opened(shape);
    expect(disk.forcesReadOnly).toBe(true);
    expect((await contentsOf(disk)).equals(contents)).toBe(true);
    for (let at = 0; at < contents.length; at += 1536) {
      expect((await contentsOf(disk, at, 1024)).equals(contents.subarray(at, at + 1024))).toBe(true);
    }
  });

  it('a disk tells what of it is zero, plain and packed', async () => {
    const disk = await opened({ kinds: ['raw', 'zlib'], chunk: 4096 });
    expect(await disk.blockStatus?.(512, 8192)).toMatchObject({ length: 3584, data: true, offset: 512 });
    expect(await disk.blockStatus?.(4096, 8192)).toEqual({ length: 4096, data: true, allocated: true, zero: false });
    expect(await disk.blockStatus?.(36 * 1024, 512)).toMatchObject({ data: false, zero: true });
  });

  it('sectors that no chunk is for are an error of the request', async () => {
    const disk = await opened({ resources: true, tables: 1 }, (image) => {
      // The second chunk of data becomes a comment.
      image.writeUInt32BE(0x7fff_fffe, tableOf(image) + 204 + 2 * 40);
    });
    expect((await contentsOf(disk, 0, 8192)).equals(contents.subarray(0, 8192))).toBe(true);
    await expect(contentsOf(disk, 8192, 512)).rejects.toThrow('The image has nothing for offset 8192');
    expect((await contentsOf(disk, 16_384, 512)).equals(contents.subarray(16_384, 16_896))).toBe(true);
  });

  it.each([
    [0x8000_0008, 'is compressed in LZMA, which is not built in'],
    [0x8000_0123, 'is compressed in an unknown way (0x80000123), which is not built in'],
    [0x8000_0006, 'The chunk for offset 0 is broken'],
    [0x8000_0004, 'The chunk for offset 0 is broken'],
    [0x8000_0007, 'The chunk for offset 0 is broken'],
  ])('a chunk of type %i in place of another is an error of the request: %s', async (type, message) => {
    const disk = await opened({ resources: true }, (image) => void image.writeUInt32BE(type, tableOf(image) + 244));
    await expect(contentsOf(disk, 0, 512)).rejects.toThrow(message);
  });

  const set = (at: number, value: number) => (image: Buffer) =>
    void image.writeUInt32BE(value, image.length - 512 + at);
  const setChunk = (at: number, value: number) => (image: Buffer) => {
    image.writeUInt32BE(value, tableOf(image) + 244 + at);
  };
  it.each<[string, (image: Buffer) => void]>([
    ["it has no trailer ('koly')", set(0, 0)],
    ['its data fork is beyond its end', set(0x1c, 2 ** 30)],
    ['its resource fork is beyond its end', set(0x34, 2 ** 30)],
    ['its property list is beyond its end', set(0xd8, 2 ** 31)],
    ['it has neither a property list nor a resource fork', set(0x34, 0)],
    ['a chunk of 2199023263744 bytes is stored in', setChunk(16, 1)],
    ['is stored in 1099511', setChunk(32, 2 ** 8)],
    ['two chunks are for offset 8192', setChunk(20, 20)],
    ['the chunk for offset 0 is beyond the end of the file', setChunk(24, 1)],
  ])('an image is refused: %s', async (message, change) => {
    await expect(opened({ resources: true }, change)).rejects.toThrow(message);
  });

  it('a disk that is too large is refused', async () => {
    await expect(opened({}, set(0x1ec, 2 ** 31))).rejects.toMatchObject({ code: 'EFBIG' });
  });
});
