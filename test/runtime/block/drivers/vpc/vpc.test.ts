import { describe, expect, it } from 'vitest';
import { diskSize, type Footer } from '../../../../../runtime/block/drivers/vpc/footer.js';
import { geometryFor, largestGeometry } from '../../../../../runtime/block/drivers/vpc/geometry.js';
import { vpc } from '../../../../../runtime/block/drivers/vpc/vpc.js';
import type { MemoryChild } from '../../memory-child.js';
import { bearsDamage } from '../format-suite/mutants.js';
import { contentsOf, createOn, openOn } from '../format-suite/on-children.js';
import { holdsWhatIsWritten } from '../format-suite/power-cuts.js';

const MiB = 2 ** 20;
const exact = { force_size: true };
const tableOffset = 1536;
/** Marks and data of a block. */
const blockLength = 512 + 2 * MiB;

const viewOf = (file: MemoryChild): DataView => new DataView(file.bytes.buffer, file.bytes.byteOffset);
const isFooter = (file: MemoryChild, at: number): boolean =>
  Buffer.from(file.bytes.subarray(at, at + 8)).toString() === 'conectix';

async function written(): Promise<MemoryChild> {
  const file = await createOn(vpc, 7 * MiB, exact);
  const disk = await openOn(vpc, file);
  await disk.write?.(5 * MiB, new Uint8Array(512).fill(3), 0);
  await disk.write?.(0, new Uint8Array(512).fill(1), 0);
  await disk.close();
  return file;
}

describe('vpc', () => {
  holdsWhatIsWritten([
    { format: 'vpc', sectors: 14_001, options: exact },
    { format: 'vpc', sectors: 5000 },
    { format: 'vpc', sectors: 2001, options: { ...exact, subformat: 'fixed' } },
  ]);

  bearsDamage('a dynamic image', {
    driver: vpc,
    make: async () => (await written()).bytes,
    metadata: () => [
      [0, 64],
      [512, 40],
      [tableOffset, 16],
    ],
  });

  bearsDamage('a fixed image', {
    driver: vpc,
    make: async () => (await createOn(vpc, 2 * MiB, { ...exact, subformat: 'fixed' })).bytes,
    metadata: (image) => [[image.length - 512, 64]],
  });

  it('a new dynamic image has a footer at both ends, and a fixed one at its end', async () => {
    const dynamic = await createOn(vpc, 7 * MiB, exact);
    expect(dynamic.bytes.length).toBe(tableOffset + 512 + 512);
    expect([isFooter(dynamic, 0), isFooter(dynamic, 2048)]).toEqual([true, true]);
    const fixed = await createOn(vpc, 7 * MiB, { ...exact, subformat: 'fixed' });
    expect(fixed.bytes.length).toBe(7 * MiB + 512);
    expect(isFooter(fixed, 7 * MiB)).toBe(true);
  });

  it('the footer moves behind the last block', async () => {
    const file = await written();
    expect(file.bytes.length).toBe(2048 + 2 * blockLength + 512);
    expect(isFooter(file, 2048 + 2 * blockLength)).toBe(true);
    expect(viewOf(file).getUint32(tableOffset + 8)).toBe(4);
  });

  it('sectors of a block that is written count as written, also where another program has left that open', async () => {
    const file = await written();
    expect(file.bytes.subarray(2048, 2560).every((byte) => byte === 0xff)).toBe(true);
    file.bytes.fill(0, 2048, 2560);
    const disk = await openOn(vpc, file);
    await disk.write?.(5 * MiB + 512, new Uint8Array(512).fill(4), 0);
    await disk.close();
    expect(file.bytes.subarray(2048, 2560).every((byte) => byte === 0xff)).toBe(true);
  });

  it('the copy of the footer counts where the footer at the end is gone', async () => {
    const file = await written();
    file.bytes = file.bytes.slice(0, -512);
    const disk = await openOn(vpc, file);
    expect((await contentsOf(disk, 5 * MiB, 512)).every((byte) => byte === 3)).toBe(true);
    await disk.write?.(3 * MiB, new Uint8Array(512).fill(5), 0);
    await disk.close();
    expect(isFooter(file, 2048 + 3 * blockLength)).toBe(true);
  });

  it.each([
    ['a block beyond the end', 9000, /block 0 is not in the file/],
    ['a block over the header', 1, /block 0 is not in the file/],
    ['two blocks in one place', 4, /two blocks share offset 2048/],
  ])('an image with %s is not written', async (_, entry, message) => {
    const file = await written();
    viewOf(file).setUint32(tableOffset, entry);
    await expect(openOn(vpc, file)).rejects.toThrow(message);
  });

  it.each([
    ['a differencing image', 60, 4, 'Differencing VHD images are not supported'],
    ['another type', 60, 7, 'Invalid VHD image: type 7'],
    ['no dynamic header', 16, 0x100, 'Invalid VHD image: it has been truncated'],
    ['blocks of a wrong size', 512 + 32, 1000, 'Invalid VHD image: blocks of 1000 bytes'],
    ['too few entries', 512 + 28, 1, 'Invalid VHD image: its table is too small for its disk'],
    ['too many entries', 512 + 28, 0x3000_0000, 'Invalid VHD image: its table is too large'],
    ['a misplaced table', 512 + 20, 1537, 'Invalid VHD image: its table begins at 1537'],
  ])('%s is refused', async (_, at, value, message) => {
    const file = await written();
    viewOf(file).setUint32(at, value);
    await expect(openOn(vpc, file)).rejects.toThrow(message);
  });

  it('a footer that is damaged is refused, and one without its last byte is not', async () => {
    for (const options of [{}, { subformat: 'fixed' }]) {
      const file = await createOn(vpc, MiB, options);
      const place = (options.subformat === 'fixed' ? file.bytes.length - 512 : 0) + 70;
      file.bytes.set([0xfe, 0xfe], place);
      await expect(openOn(vpc, file)).rejects.toThrow('Invalid VHD image: its footer has a wrong checksum');
    }
    const file = await createOn(vpc, MiB, { subformat: 'fixed' });
    const { length } = await openOn(vpc, file);
    file.bytes = file.bytes.slice(0, -1);
    expect((await openOn(vpc, file)).length).toBe(length);
  });

  it('a file without a footer is refused', async () => {
    const file = await createOn(vpc, MiB, { subformat: 'fixed' });
    file.bytes.fill(0, file.bytes.length - 512);
    await expect(openOn(vpc, file)).rejects.toThrow('Invalid VHD image: it has no footer');
  });

  it.each([
    ['qemu', undefined, 1000 * 4 * 17],
    ['qem2', undefined, 12_345],
    ['d2v ', undefined, 12_345],
    ['qemu', 'current_size', 12_345],
    ['qem2', 'chs', 1000 * 4 * 17],
  ] as const)('the size of a disk made by %s, with rule %s, is %i sectors', (creator, rule, sectors) => {
    const footer: Footer = {
      type: 3,
      headerOffset: 512,
      creator,
      currentSize: 12_345 * 512,
      geometry: { cylinders: 1000, heads: 4, sectors: 17 },
      sound: true,
    };
    expect(diskSize(footer, rule)).toBe(sectors * 512);
    expect(diskSize({ ...footer, geometry: largestGeometry })).toBe(12_345 * 512);
  });

  it('a geometry is the smallest that holds the disk', () => {
    expect(geometryFor(20_480)).toEqual({ cylinders: 302, heads: 4, sectors: 17 });
    expect(geometryFor(2 ** 21)).toMatchObject({ heads: 16, sectors: 63 });
    expect(geometryFor(2 ** 31)).toMatchObject({ heads: 16, sectors: 255, cylinders: 65_535 });
  });

  it('a disk that is too large is not made', async () => {
    await expect(createOn(vpc, 0xff00_0001 * 512)).rejects.toMatchObject({ code: 'EFBIG' });
  });
});
