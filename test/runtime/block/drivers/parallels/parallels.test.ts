import { describe, expect, it } from 'vitest';
import { parallels } from '../../../../../runtime/block/drivers/parallels/parallels.js';
import { MemoryChild } from '../../memory-child.js';
import { bearsDamage } from '../format-suite/mutants.js';
import { contentsOf, createOn, openOn } from '../format-suite/on-children.js';
import { holdsWhatIsWritten } from '../format-suite/power-cuts.js';

const KiB = 1024;
const small = { cluster_size: 64 * KiB };
const inUse = 0x746f_6e59;
const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);
const viewOf = (file: MemoryChild): DataView => new DataView(file.bytes.buffer, file.bytes.byteOffset);

async function written(): Promise<MemoryChild> {
  const file = await createOn(parallels, 1000 * KiB, small);
  const disk = await openOn(parallels, file);
  await disk.write?.(512 * KiB, filled(512, 3), 0);
  await disk.write?.(0, filled(512, 1), 0);
  await disk.close();
  return file;
}

/** An image in the older form: entries count sectors, and data begins behind the table. */
function older(): MemoryChild {
  const bytes = Buffer.alloc(1024 + 4096);
  bytes.write('WithoutFreeSpace');
  // Version, heads, cylinders, sectors of a cluster, entries, sectors.
  for (const [index, value] of [2, 16, 1, 8, 4, 32].entries()) bytes.writeUInt32LE(value, 16 + index * 4);
  // The upper half has no meaning here.
  bytes.writeUInt32LE(0x1234_5678, 40);
  bytes.writeUInt32LE(1, 64 + 8);
  bytes.fill(5, 512, 512 + 4096);
  return new MemoryChild(bytes);
}

describe('parallels', () => {
  holdsWhatIsWritten([
    { format: 'parallels', sectors: 9001, options: small, marked: true },
    { format: 'parallels', sectors: 2001, options: { cluster_size: 512 * 3 }, marked: true },
    { format: 'parallels', sectors: 5000, marked: true },
    { format: 'parallels', sectors: 3000, options: small, marked: true, opening: { 'prealloc-size': 300 * KiB } },
  ]);

  bearsDamage('an image', {
    driver: parallels,
    make: async () => (await written()).bytes,
    metadata: () => [[0, 64 + 64]],
  });

  bearsDamage('an older image', { driver: parallels, make: async () => older().bytes, metadata: () => [[0, 80]] });

  it('entries of older images count sectors, and their data begins behind the table', async () => {
    const file = older();
    const disk = await openOn(parallels, file);
    expect(disk.length).toBe(32 * 512);
    const found = await contentsOf(disk);
    expect(found.indexOf(5)).toBe(8192);
    await disk.write?.(0, filled(1024, 6), 0);
    await disk.close();
    expect(viewOf(file).getUint32(64, true)).toBe(9);
    expect(file.bytes[9 * 512]).toBe(6);
  });

  it('an image is marked from the first change to the end, and only then', async () => {
    const file = await written();
    const mark = (): number => viewOf(file).getUint32(44, true);
    const disk = await openOn(parallels, file);
    await contentsOf(disk);
    expect(mark()).toBe(0);
    await disk.write?.(256 * KiB, filled(512, 4), 0);
    expect(mark()).toBe(inUse);
    await disk.flushToOs?.();
    expect(mark()).toBe(inUse);
    await disk.close();
    expect(mark()).toBe(0);
  });

  it.each(['falloc', 'truncate'])(
    'the file grows ahead with prealloc-mode=%s, and is cut when the image is closed',
    async (mode) => {
      const file = await createOn(parallels, 1000 * KiB, small);
      const empty = file.bytes.length;
      const options = { 'prealloc-size': 256 * KiB, 'prealloc-mode': mode };
      const disk = await openOn(parallels, file, { options });
      for (const at of [0, 512 * KiB]) await disk.write?.(at, filled(512, 1 + at / KiB), 0);
      expect(file.bytes.length).toBe(empty + (64 + 256) * KiB);
      await disk.close();
      expect(file.bytes.length).toBe(empty + 2 * 64 * KiB);
      const again = await openOn(parallels, file, { flags: { readOnly: true }, options: { 'prealloc-mode': mode } });
      expect((await contentsOf(again, 512 * KiB, 1024)).subarray(510, 514)).toEqual(Buffer.of(1, 1, 0, 0));
      await expect(openOn(parallels, file, { options: { 'prealloc-mode': 'full' } })).rejects.toThrow('prealloc-mode');
    },
  );

  it('an image that is marked is read, but not written', async () => {
    const file = await written();
    viewOf(file).setUint32(44, inUse, true);
    await expect(openOn(parallels, file)).rejects.toMatchObject({ code: 'EACCES' });
    const disk = await openOn(parallels, file, { flags: { readOnly: true } });
    expect(disk.info?.dirty).toBe(true);
    expect((await contentsOf(disk, 0, 512)).every((byte) => byte === 1)).toBe(true);
    const flags = { readOnly: false, direct: false, noFlush: false, unmap: false };
    await expect(disk.prepareReopen?.(flags)).rejects.toMatchObject({ code: 'EACCES' });
  });

  it('an image that becomes read-only is in order', async () => {
    const file = await written();
    const disk = await openOn(parallels, file);
    await disk.write?.(256 * KiB, filled(512, 4), 0);
    const flags = { readOnly: true, direct: false, noFlush: false, unmap: false };
    await (await disk.prepareReopen?.(flags))?.commit();
    expect(viewOf(file).getUint32(44, true)).toBe(0);
    await (await disk.prepareReopen?.({ ...flags, readOnly: false }))?.commit();
    await disk.write?.(256 * KiB, filled(512, 5), 0);
    expect(viewOf(file).getUint32(44, true)).toBe(inUse);
  });

  it.each([
    ['another version', 16, 3, 'it is not in Parallels format'],
    ['clusters of nothing', 28, 0, 'clusters of no sectors'],
    ['clusters that are too large', 28, 0x7fff_ffff, 'its clusters are too large'],
    ['too many entries', 32, 0x2000_0001, 'its table is too large'],
    ['too few entries', 32, 3, 'its table is too small for its disk'],
    ['entries beyond the end', 32, 0x1000_0000, 'inside of its table'],
    ['data in the table', 48, 0, 'inside of its table'],
    ['misplaced data', 48, 129, 'its data begins at'],
    ['a disk that is too large', 40, 0xffff_ffff, 'too large'],
  ])('a header with %s is refused', async (_, at, value, message) => {
    const file = await written();
    viewOf(file).setUint32(at, value, true);
    await expect(openOn(parallels, file)).rejects.toThrow(message);
  });

  it('an image with clusters in one place, or nowhere, is not written', async () => {
    const file = await written();
    file.bytes.copyWithin(64 + 4, 64, 68);
    await expect(openOn(parallels, file)).rejects.toThrow('two blocks share offset');
    viewOf(file).setUint32(68, 9999, true);
    await expect(openOn(parallels, file)).rejects.toThrow('cluster 1 is not in the file');
  });

  it('cluster sizes that are wrong, and disks that are too large, are not made', async () => {
    await expect(createOn(parallels, 512, { cluster_size: 1000 })).rejects.toThrow('multiple of 512');
    await expect(createOn(parallels, 2 ** 50)).rejects.toMatchObject({ code: 'EFBIG' });
  });
});
