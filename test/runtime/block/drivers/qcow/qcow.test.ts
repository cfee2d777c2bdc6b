import { describe, expect, it } from 'vitest';
import { qcow } from '../../../../../runtime/block/drivers/qcow/qcow.js';
import { MemoryChild } from '../../memory-child.js';
import { bearsDamage } from '../format-suite/mutants.js';
import { contentsOf, createOn, openOn } from '../format-suite/on-children.js';
import { holdsWhatIsWritten } from '../format-suite/power-cuts.js';

const KiB = 1024;
const MiB = KiB * KiB;
const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);
const viewOf = (file: MemoryChild): DataView => new DataView(file.bytes.buffer, file.bytes.byteOffset);

/** An image with plain and compressed clusters. */
async function rich(): Promise<MemoryChild> {
  const file = await createOn(qcow, 5 * MiB);
  const disk = await openOn(qcow, file);
  await disk.write?.(0, filled(9000, 1).subarray(0, 8704), 0);
  await disk.writeCompressed?.(64 * KiB, filled(8 * KiB, 2));
  await disk.writeCompressed?.(3 * MiB, filled(4 * KiB, 3));
  await disk.close();
  return file;
}

describe('qcow', () => {
  holdsWhatIsWritten([
    { format: 'qcow', sectors: 9001, packs: 8 },
    { format: 'qcow', sectors: 3000, backing: 1501, packs: 1 },
    { format: 'qcow', sectors: 1001, backing: 2000, packs: 1 },
  ]);

  bearsDamage('an image', {
    driver: qcow,
    make: async () => (await rich()).bytes,
    metadata: (image) => {
      const l1 = Number(new DataView(image.buffer, image.byteOffset).getBigUint64(40));
      const l2 = Number(new DataView(image.buffer, image.byteOffset).getBigUint64(l1));
      return [
        [4, 44],
        [l1, 24],
        [l2, 32],
        [l2 + 16 * 8, 16],
      ];
    },
  });

  bearsDamage('an image over another', {
    driver: qcow,
    async make() {
      const file = await createOn(qcow, 4 * MiB, {}, 'below.raw');
      const disk = await openOn(qcow, file, { backing: new MemoryChild(filled(MiB, 7), 'backing') });
      await disk.write?.(512, filled(512, 1), 0);
      await disk.close();
      return file.bytes;
    },
    metadata: () => [[4, 80]],
    opening: () => ({ backing: new MemoryChild(filled(MiB, 7), 'backing') }),
  });

  it('clusters are smaller over a backing file, whose name is behind the header', async () => {
    const alone = await createOn(qcow, 5 * MiB);
    expect([viewOf(alone).getUint8(32), viewOf(alone).getUint8(33), alone.bytes.length]).toEqual([12, 9, 48 + 24]);
    const over = await createOn(qcow, 5 * MiB, {}, 'below.raw');
    expect([viewOf(over).getUint8(32), viewOf(over).getUint8(33), over.bytes.length]).toEqual([9, 12, 64 + 24]);
    const disk = await openOn(qcow, over);
    expect(disk.backingFile).toEqual({ name: 'below.raw' });
    expect(disk.info?.clusterSize).toBe(512);
  });

  it('compressed clusters lie one behind the other, and a write makes them plain', async () => {
    const file = await rich();
    const disk = await openOn(qcow, file);
    const { length } = file.bytes;
    await disk.writeCompressed?.(128 * KiB, filled(8 * KiB, 4));
    expect(file.bytes.length - length).toBeLessThan(100);
    expect(await disk.blockStatus?.(128 * KiB, 8 * KiB)).toEqual({
      length: 4 * KiB,
      allocated: true,
      data: true,
      zero: false,
    });
    await disk.write?.(128 * KiB + 512, filled(512, 5), 0);
    const found = await contentsOf(disk, 128 * KiB, 8 * KiB);
    expect([found[0], found[512], found[1024], found[8191]]).toEqual([4, 5, 4, 4]);
    expect(await disk.blockStatus?.(128 * KiB, 4 * KiB)).toHaveProperty('offset');
  });

  it('a cluster that does not become shorter is written plain', async () => {
    const file = await createOn(qcow, MiB);
    const disk = await openOn(qcow, file);
    const noise = Uint8Array.from({ length: 4096 }, (_, index) => (index * index * 2_654_435_761) >>> 13);
    await disk.writeCompressed?.(4096, noise);
    expect(await disk.blockStatus?.(4096, 4096)).toHaveProperty('offset');
    expect(Buffer.compare(await contentsOf(disk, 4096, 4096), noise)).toBe(0);
  });

  it('an image that was emptied shows its backing file, and takes no space', async () => {
    const file = await createOn(qcow, 2 * MiB, {}, 'below.raw');
    const before = file.bytes.length;
    const disk = await openOn(qcow, file, { backing: new MemoryChild(filled(MiB, 7), 'backing') });
    await disk.write?.(0, filled(4096, 1), 0);
    await disk.makeEmpty?.();
    expect((await contentsOf(disk, 0, 4096)).every((byte) => byte === 7)).toBe(true);
    await disk.write?.(512, filled(512, 2), 0);
    expect((await contentsOf(disk, 512, 512)).every((byte) => byte === 2)).toBe(true);
    await disk.makeEmpty?.();
    await disk.close();
    expect(file.bytes.length).toBe(before);
  });

  it('zeroes over a backing file must be written', async () => {
    const file = await createOn(qcow, 2 * MiB, {}, 'below.raw');
    const disk = await openOn(qcow, file, { backing: new MemoryChild(filled(MiB, 7), 'backing') });
    await expect(disk.writeZeroes?.(0, 4096, 0)).rejects.toMatchObject({ code: 'ENOTSUP' });
    await disk.write?.(0, filled(4096, 1), 0);
    await disk.writeZeroes?.(0, 4096, 0);
    expect((await contentsOf(disk, 0, 4096)).every((byte) => byte === 0)).toBe(true);
  });

  it.each([
    ['no version 1', 4, 2, 'it is not in format qcow, version 1'],
    ['clusters too small', 32, 0x08_09_0000, 'clusters of 2^8 bytes'],
    ['clusters too large', 32, 0x11_09_0000, 'clusters of 2^17 bytes'],
    ['tables too small', 32, 0x0c_05_0000, 'L2 tables of 2^5 entries'],
    ['tables too large', 32, 0x0c_0e_0000, 'L2 tables of 2^14 entries'],
    ['an unknown encryption', 36, 2, 'encryption method 2'],
    ['a misplaced L1 table', 44, 49, 'its L1 table begins at 49'],
    ['an L1 table beyond the end', 44, 4096, 'it has been truncated'],
    ['a backing file with a long name', 16, 1024, 'the name of its backing file is too long'],
  ])('a header with %s is refused', async (_, at, value, message) => {
    const file = await createOn(qcow, 5 * MiB, {}, 'below.raw');
    viewOf(file).setUint32(at, value);
    await expect(openOn(qcow, file)).rejects.toThrow(`Invalid qcow image: ${message}`);
  });

  it('disks that are too large are neither opened nor made', async () => {
    const file = await createOn(qcow, 5 * MiB);
    viewOf(file).setUint32(24, 0x00ff_ffff);
    await expect(openOn(qcow, file)).rejects.toMatchObject({ code: 'EFBIG' });
    await expect(createOn(qcow, 2 ** 52)).rejects.toMatchObject({ code: 'EFBIG' });
    await expect(createOn(qcow, 0)).rejects.toThrow('cannot be empty');
  });

  it('AES encryption is refused, but the header is shown', async () => {
    const file = await createOn(qcow, 5 * MiB);
    viewOf(file).setUint32(36, 1);
    await expect(openOn(qcow, file)).rejects.toThrow('Images with AES encryption are not opened any more');
    const disk = await openOn(qcow, file, { noIo: true });
    expect([disk.encrypted, disk.length]).toEqual([true, 5 * MiB]);
    await expect(createOn(qcow, MiB, { encryption: true })).rejects.toMatchObject({ code: 'ENOTSUP' });
  });

  it('a table beyond the end of the file, as a crash of QEMU can leave it, is an error', async () => {
    const file = await createOn(qcow, 5 * MiB);
    viewOf(file).setUint32(48 + 4, 4096);
    const disk = await openOn(qcow, file);
    await expect(contentsOf(disk, 0, 512)).rejects.toThrow('an L2 table is at 4096');
    expect((await contentsOf(disk, 2 * MiB, 512)).every((byte) => byte === 0)).toBe(true);
  });
});
