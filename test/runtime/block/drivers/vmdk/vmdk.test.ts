import { describe, expect, it } from 'vitest';
import {
  descriptorText,
  isDescriptor,
  parseDescriptor,
  parseExtents,
  withCid,
} from '../../../../../runtime/block/drivers/vmdk/descriptor.js';
import { extentName } from '../../../../../runtime/block/drivers/vmdk/image.js';
import { vmdk } from '../../../../../runtime/block/drivers/vmdk/vmdk.js';
import { MemoryChild } from '../../memory-child.js';
import { bearsDamage } from '../format-suite/mutants.js';
import { contentsOf, createOn, openOn } from '../format-suite/on-children.js';
import { holdsWhatIsWritten } from '../format-suite/power-cuts.js';

const KiB = 1024;
const MiB = KiB * KiB;
const grain = 64 * KiB;
const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);
const viewOf = (file: MemoryChild): DataView => new DataView(file.bytes.buffer, file.bytes.byteOffset);

async function written(options: object = {}): Promise<MemoryChild> {
  const file = await createOn(vmdk, 3 * MiB, { ...options });
  const disk = await openOn(vmdk, file);
  await disk.write?.(MiB, filled(grain, 3), 0);
  await disk.write?.(0, filled(grain, 1), 0);
  await disk.close();
  return file;
}

/** An extent as ESX makes them, with one grain of one byte. */
function esx(): MemoryChild {
  const bytes = new Uint8Array(64 * KiB);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from('COWD'));
  const sectors = 4096 * 2;
  // Version, flags, sectors, grain, directory, and its entries; the first table follows it.
  for (const [index, value] of [1, 3, sectors, 1, 4, 2].entries()) view.setUint32(4 + index * 4, value, true);
  view.setUint32(4 * 512, 5, true);
  view.setUint32(5 * 512 + 4, 64, true);
  bytes.fill(9, 64 * 512, 65 * 512);
  return new MemoryChild(bytes);
}

const flatText = (line: string, type = 'monolithicFlat'): MemoryChild =>
  new MemoryChild(
    Buffer.from(
      `# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType="${type}"\n\n# x\n${line}\n`,
    ),
  );

describe('vmdk', () => {
  holdsWhatIsWritten([
    { format: 'vmdk', sectors: 9001 },
    { format: 'vmdk', sectors: 4000, options: { zeroed_grain: true } },
    { format: 'vmdk', sectors: 3000, backing: 2500, backingFormat: 'vmdk' },
    { format: 'vmdk', sectors: 3000, backing: 4000, backingFormat: 'vmdk', options: { zeroed_grain: true } },
    { format: 'vmdk', sectors: 2001, options: { subformat: 'monolithicFlat' } },
    { format: 'vmdk', sectors: 5001, options: { subformat: 'twoGbMaxExtentSparse' } },
    { format: 'vmdk', sectors: 2001, options: { subformat: 'twoGbMaxExtentFlat' } },
  ]);

  bearsDamage('a sparse image', {
    driver: vmdk,
    make: async () => (await written()).bytes,
    metadata: () => [
      [0, 80],
      [21 * 512, 8],
      [22 * 512, 8],
      [26 * 512, 8],
      [27 * 512, 72],
    ],
  });

  bearsDamage('a streamed image', {
    driver: vmdk,
    make: async () => (await written({ subformat: 'streamOptimized' })).bytes,
    metadata: (image) => [
      [0, 80],
      [512, 300],
      [27 * 512, 72],
      [image.length - 512, 64],
    ],
  });

  bearsDamage('a descriptor', {
    driver: vmdk,
    make: async () => flatText('RW 2048 FLAT "a-flat.vmdk" 0').bytes,
    metadata: (image) => [[0, image.length]],
    opening: () => ({ files: new Map([['./a-flat.vmdk', new MemoryChild(new Uint8Array(MiB))]]) }),
  });

  bearsDamage('an extent of ESX', {
    driver: vmdk,
    make: async () => esx().bytes,
    metadata: () => [
      [0, 28],
      [4 * 512, 8],
      [5 * 512, 16],
    ],
  });

  it('data, entry and redundant entry say the same', async () => {
    const file = await written();
    const view = viewOf(file);
    const [redundant, primary] = [view.getUint32(21 * 512, true), view.getUint32(26 * 512, true)];
    for (const table of [redundant, primary]) {
      expect(view.getUint32(table * 512, true)).toBe(view.getUint32(primary * 512, true));
      expect(file.bytes[view.getUint32(table * 512 + 64, true) * 512]).toBe(3);
    }
    expect(redundant).not.toBe(primary);
  });

  it('whole grains of zeroes over a backing file are marked where the image has such marks', async () => {
    const file = await createOn(vmdk, MiB, { zeroed_grain: true });
    const disk = await openOn(vmdk, file, { backing: new MemoryChild(filled(MiB, 7), 'backing') });
    await disk.writeZeroes?.(grain, grain, 0);
    expect(await disk.blockStatus?.(grain, grain)).toEqual({ length: grain, allocated: true, data: false, zero: true });
    const plain = await openOn(vmdk, await createOn(vmdk, MiB), {
      backing: new MemoryChild(filled(MiB, 7), 'backing'),
    });
    await expect(plain.writeZeroes?.(grain, grain, 0)).rejects.toMatchObject({ code: 'ENOTSUP' });
  });

  it('a backing file that is another one, or has changed, is not read', async () => {
    const file = await createOn(vmdk, MiB);
    const backing = new MemoryChild(filled(MiB, 7), 'backing');
    const disk = await openOn(vmdk, file, { backing });
    await expect(contentsOf(disk, 0, 512)).rejects.toMatchObject({ code: 'EINVAL' });
    await disk.write?.(0, filled(grain, 1), 0);
    expect((await contentsOf(disk, 0, 512)).every((byte) => byte === 1)).toBe(true);
  });

  it('the contents get another id with the first change, and not before', async () => {
    const file = await createOn(vmdk, MiB);
    const id = (): number => parseDescriptor(descriptorText(file.bytes.subarray(512))).cid;
    const before = id();
    const disk = await openOn(vmdk, file);
    await contentsOf(disk);
    expect(id()).toBe(before);
    await disk.write?.(0, filled(512, 1), 0);
    const after = id();
    expect(after).not.toBe(before);
    await disk.write?.(0, filled(512, 2), 0);
    expect(id()).toBe(after);
    expect(disk.specificInfo?.()).toMatchObject({ data: { cid: after, 'parent-cid': 0xffff_ffff } });
  });

  it('a grain of a stream is written once, and whole', async () => {
    const file = await createOn(vmdk, MiB + 512, { subformat: 'streamOptimized' });
    const disk = await openOn(vmdk, file);
    await disk.write?.(grain, filled(2 * grain, 1), 0);
    await disk.writeCompressed?.(MiB, filled(512, 2));
    await expect(disk.write?.(grain, filled(grain, 1), 0)).rejects.toMatchObject({ code: 'EIO' });
    await expect(disk.write?.(512, filled(512, 1), 0)).rejects.toMatchObject({ code: 'EIO' });
    await disk.close();
    expect(file.bytes.length).toBeLessThan(3 * grain);
    const again = await openOn(vmdk, file, { flags: { readOnly: true } });
    const expected = Buffer.alloc(MiB + 512)
      .fill(1, grain, 3 * grain)
      .fill(2, MiB);
    expect(Buffer.compare(await contentsOf(again), expected)).toBe(0);
    expect(await again.blockStatus?.(grain, grain)).toEqual({
      length: grain,
      allocated: true,
      data: true,
      zero: false,
    });
  });

  it('a directory at the end of a stream is found by the footer', async () => {
    const file = await written({ subformat: 'streamOptimized' });
    const trailer = new Uint8Array(1536);
    trailer[12] = 3;
    trailer.set(file.bytes.subarray(0, 512), 512);
    file.bytes = Buffer.concat([file.bytes, trailer]);
    file.bytes.fill(0xff, 56, 64);
    const disk = await openOn(vmdk, file, { flags: { readOnly: true } });
    expect((await contentsOf(disk, MiB, 512)).every((byte) => byte === 3)).toBe(true);
    file.bytes[file.bytes.length - 500] = 1;
    await expect(openOn(vmdk, file)).rejects.toThrow('it has no footer');
  });

  it('an extent of ESX is read, and gets tables as it is written', async () => {
    const file = esx();
    const disk = await openOn(vmdk, file);
    expect(disk.length).toBe(4 * MiB);
    expect((await contentsOf(disk, 0, 1536)).indexOf(9)).toBe(512);
    await disk.write?.(3 * MiB, filled(1024, 4), 0);
    await disk.close();
    expect(viewOf(file).getUint32(4 * 512 + 4, true)).toBeGreaterThan(64);
    const again = await openOn(vmdk, file);
    expect((await contentsOf(again, 3 * MiB, 1024)).every((byte) => byte === 4)).toBe(true);
  });

  it('flat extents are joined, each from its own offset', async () => {
    const files = new Map([
      ['./a', new MemoryChild(filled(4096, 1))],
      ['./b', new MemoryChild(filled(4096, 2))],
    ]);
    const file = flatText('RW 2 FLAT "a" 1\nRW 3 VMFS "b"\nRDONLY 2 FLAT "c" 0\nRW 2 ZERO', 'vmfs');
    await expect(openOn(vmdk, file, { files })).rejects.toThrow('Invalid extent line: RW 2 ZERO');
    const disk = await openOn(vmdk, flatText('RW 2 FLAT "a" 1\nRW 3 VMFS "b"\nRDONLY 2 FLAT "c" 0', 'vmfs'), { files });
    expect(disk.length).toBe(5 * 512);
    await disk.write?.(512, filled(1024, 5), 0);
    const found = await contentsOf(disk);
    expect([found[0], found[512], found[1024], found[1536]]).toEqual([1, 5, 5, 2]);
    expect(files.get('./a')?.bytes[1024]).toBe(5);
    expect(disk.specificInfo?.()).toMatchObject({ data: { 'create-type': 'vmfs', extents: [{ format: 'FLAT' }, {}] } });
  });

  it.each([
    ['a kind that is not known', 'RW 2 FLAT "a" 0', 'custom', "Unsupported VMDK image type 'custom'"],
    ['an offset that is missing', 'RW 2 FLAT "a"', 'vmfs', 'Invalid extent line'],
    ['a name that is missing', 'RW 2 SPARSE', 'vmfs', 'Invalid extent line'],
    ['a file that is no extent', 'RW 2 SPARSE "a"', 'vmfs', "The extent 'a' is not in VMDK format"],
    ['a file that is not there', 'RW 2 FLAT "x" 0', 'vmfs', "There is no './x'"],
    ['too many extents', 'RW 1 FLAT "a" 0\n'.repeat(4097), 'vmfs', 'more than 4096 extents'],
  ])('a descriptor with %s is refused', async (_, lines, type, message) => {
    const files = new Map([['./a', new MemoryChild(new Uint8Array(4096))]]);
    await expect(openOn(vmdk, flatText(lines, type), { files })).rejects.toThrow(message);
  });

  it.each([
    ['version 4', 4, 4, 'VMDK version 4 is not supported'],
    ['grains of an odd size', 20, 100, 'grains of 51200 bytes'],
    ['too large grains', 20, 0x40_0000, 'grains of 2147483648 bytes'],
    ['too long tables', 44, 1024, 'tables of 1024 entries'],
    ['no tables', 44, 0, 'tables of 0 entries'],
    ['a disk that is too large', 18, 0xffff_ffff, 'too large'],
    ['a truncated file', 64, 0x0fff_ffff, 'it has been truncated'],
    ['a directory nowhere', 56, 0x0fff_ffff, 'a grain directory is beyond the end of the file'],
    ['version 3 without compression', 4, 3, 'must be opened with read-only=on'],
  ])('a header with %s is refused', async (_, at, value, message) => {
    const file = await createOn(vmdk, 3 * MiB);
    viewOf(file).setUint32(at, value, true);
    await expect(openOn(vmdk, file)).rejects.toThrow(message);
  });

  it('a stream with grains that are too large to be unpacked is refused', async () => {
    const file = await written({ subformat: 'streamOptimized' });
    viewOf(file).setUint32(20, 0x4_0000, true);
    await expect(openOn(vmdk, file)).rejects.toThrow('compressed grains of 134217728 bytes');
  });

  it('names of extents are paths, whatever they look like', () => {
    expect(extentName('/a/b.vmdk', 'c.vmdk')).toBe('/a/c.vmdk');
    expect(extentName('b.vmdk', 'json:{}')).toBe('./json:{}');
    expect(extentName('b.vmdk', 'http://x/y')).toBe('./http://x/y');
    expect(extentName('http://x/y/b.vmdk', 'c')).toBe('http://x/y/c');
    expect(extentName('file:b.vmdk', 'c')).toBe('file:c');
    expect(extentName('b.vmdk', '/etc/c')).toBe('/etc/c');
    expect(() => extentName('json:{}', 'c')).toThrow('has no directory');
    expect(() => extentName('b', 'a\0b')).toThrow('not a file name');
  });

  it('descriptors are recognised and read whatever the ends of their lines are', () => {
    expect(isDescriptor('# x\r\n  \r\nversion=1\r\n')).toBe(true);
    expect(isDescriptor('x version=1\n')).toBe(false);
    const text = 'version=1\r\nCID=1a\r\nparentCID=2\r\ncreateType="vmfs"\r\nRW 1 VMFS "a"\r\n';
    expect(parseDescriptor(text)).toMatchObject({ cid: 0x1a, parentCid: 2, createType: 'vmfs' });
    expect(parseExtents(text)).toEqual([{ length: 512, type: 'VMFS', name: 'a', offset: 0 }]);
    expect(withCid(text, 3)).toContain('\r\nCID=00000003\r\n');
    expect(withCid('version=1\n', 3)).toBeUndefined();
  });

  it.each([
    [{ subformat: 'monolithicFlat', zeroed_grain: true }, 'no zeroed grains'],
    [{ compat6: true, hwversion: '4' }, 'compat6 cannot be enabled with hwversion set'],
    [{ hwversion: 'x"y' }, 'is no hardware version'],
  ])('create options %j are refused', async (options, message) => {
    await expect(createOn(vmdk, MiB, options as never)).rejects.toThrow(message);
  });
});
