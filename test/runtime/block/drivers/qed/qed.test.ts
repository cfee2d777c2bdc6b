import { describe, expect, it } from 'vitest';
import { qed } from '../../../../../runtime/block/drivers/qed/qed.js';
import { MemoryChild } from '../../memory-child.js';
import { bearsDamage } from '../format-suite/mutants.js';
import { contentsOf, createOn, openOn } from '../format-suite/on-children.js';
import { holdsWhatIsWritten } from '../format-suite/power-cuts.js';

const KiB = 1024;
const MiB = KiB * KiB;
const small = { cluster_size: 4 * KiB, table_size: 2 };
/** The first L2 table of a small image, behind header and L1 table. */
const l2Offset = 12 * KiB;
const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);
const viewOf = (file: MemoryChild): DataView => new DataView(file.bytes.buffer, file.bytes.byteOffset);

async function written(): Promise<MemoryChild> {
  const file = await createOn(qed, 5 * MiB, small);
  const disk = await openOn(qed, file);
  await disk.write?.(8 * KiB, filled(512, 3), 0);
  await disk.write?.(0, filled(512, 1), 0);
  await disk.write?.(4 * MiB, filled(512, 2), 0);
  await disk.close();
  return file;
}

describe('qed', () => {
  holdsWhatIsWritten([
    { format: 'qed', sectors: 9001, options: small },
    { format: 'qed', sectors: 3000, backing: 1501, options: small },
    { format: 'qed', sectors: 3001, backing: 4000 },
  ]);

  bearsDamage('an image', {
    driver: qed,
    make: async () => (await written()).bytes,
    metadata: () => [
      [0, 64],
      [4 * KiB, 32],
      [l2Offset, 32],
    ],
  });

  bearsDamage('an image that was not closed', {
    driver: qed,
    async make() {
      const file = await written();
      file.bytes[16] = 2;
      return file.bytes;
    },
    metadata: () => [
      [4 * KiB, 32],
      [l2Offset, 32],
    ],
  });

  it('tables and clusters are at the end of the file', async () => {
    const file = await written();
    expect(viewOf(file).getUint32(4 * KiB, true)).toBe(l2Offset);
    expect([viewOf(file).getUint32(l2Offset, true), viewOf(file).getUint32(l2Offset + 16, true)]).toEqual([
      24 * KiB,
      20 * KiB,
    ]);
    expect(file.bytes.length).toBe(40 * KiB);
  });

  it('whole clusters of zeroes over a backing file are marked', async () => {
    const file = await createOn(qed, MiB, small, 'below.raw');
    const disk = await openOn(qed, file, { backing: new MemoryChild(filled(MiB, 7), 'backing') });
    expect(disk.backingFile).toEqual({ name: 'below.raw' });
    await disk.writeZeroes?.(8 * KiB, 8 * KiB, 0);
    expect(viewOf(file).getUint32(4 * KiB, true)).toBe(0);
    await disk.flushToOs?.();
    expect(viewOf(file).getUint32(l2Offset + 16, true)).toBe(1);
    const found = await contentsOf(disk, 4 * KiB, 16 * KiB);
    expect([found[0], found[4096], found[12_287], found[12_288]]).toEqual([7, 0, 0, 7]);
  });

  it('what points at nothing is cleared when an image is opened for writing that was not closed', async () => {
    const file = await written();
    file.bytes[16] = 2;
    viewOf(file).setUint32(l2Offset + 8, 0x7fff_f000, true);
    viewOf(file).setUint32(4 * KiB + 8, 0x7fff_0000, true);
    const readOnly = await openOn(qed, file, { flags: { readOnly: true } });
    expect(readOnly.info?.dirty).toBe(true);
    await expect(contentsOf(readOnly, 4 * KiB, 512)).rejects.toMatchObject({ code: 'EIO' });
    expect(file.bytes[16]).toBe(2);
    const disk = await openOn(qed, file);
    expect(file.bytes[16]).toBe(0);
    expect((await contentsOf(disk, 4 * KiB, 512)).every((byte) => byte === 0)).toBe(true);
    expect((await contentsOf(disk, 8 * KiB, 512)).every((byte) => byte === 3)).toBe(true);
    expect((await contentsOf(disk, 4 * MiB, 512)).every((byte) => byte === 0)).toBe(true);
  });

  it('clusters that are used twice cannot be repaired', async () => {
    const file = await written();
    file.bytes[16] = 2;
    file.bytes.copyWithin(l2Offset + 8, l2Offset, l2Offset + 8);
    await expect(openOn(qed, file)).rejects.toThrow('two blocks share offset');
    expect(file.bytes[16]).toBe(2);
  });

  it('a disk grows, and shows nothing of a longer backing file then', async () => {
    const file = await createOn(qed, 6 * KiB, small, 'below.raw');
    const disk = await openOn(qed, file, { backing: new MemoryChild(filled(MiB, 7), 'backing') });
    await disk.truncate?.(64 * KiB);
    const found = await contentsOf(disk);
    expect(found.length).toBe(64 * KiB);
    expect(found.findIndex((byte) => byte !== 7)).toBe(6 * KiB);
    expect(found.subarray(6 * KiB).every((byte) => byte === 0)).toBe(true);
    await disk.close();
    expect(viewOf(file).getUint32(48, true)).toBe(64 * KiB);
    await expect(disk.truncate?.(512)).rejects.toMatchObject({ code: 'ENOTSUP' });
    await expect(disk.truncate?.(2 ** 33)).rejects.toMatchObject({ code: 'EFBIG' });
  });

  it('another backing file is in the header, unless its name does not fit', async () => {
    const file = await createOn(qed, MiB, small, 'below.raw');
    const disk = await openOn(qed, file);
    await disk.changeBackingFile?.({ name: 'other', format: 'raw' });
    expect((await openOn(qed, file)).backingFile).toEqual({ name: 'other', format: 'raw' });
    await expect(disk.changeBackingFile?.({ name: 'x'.repeat(1024) })).rejects.toMatchObject({ code: 'ENOSPC' });
    await disk.changeBackingFile?.(undefined);
    expect((await openOn(qed, file)).backingFile).toBeUndefined();
  });

  it('features that are not kept up to date are cleared by the first change', async () => {
    const file = await written();
    file.bytes[32] = 1;
    const disk = await openOn(qed, file);
    expect(file.bytes[32]).toBe(1);
    await disk.write?.(0, filled(512, 1), 0);
    expect(file.bytes[32]).toBe(0);
  });

  it.each([
    ['features that are not known', 16, 8, 'features that are not known: 0x8'],
    ['clusters too small', 4, 2048, 'clusters of 2048 bytes'],
    ['clusters too large', 4, 2 ** 27, 'clusters of 134217728 bytes'],
    ['tables too large', 8, 32, 'tables of 32 clusters'],
    ['no header', 12, 0, 'its header has an impossible length'],
    ['an L1 table beyond the end', 40, 0x1000_0000, 'its L1 table is at 268435456'],
    ['a misplaced L1 table', 40, 4097, 'its L1 table is at 4097'],
    ['a disk that is too large', 52, 0x1000, 'a disk of'],
    ['half a sector', 48, 100, 'a disk of 100 bytes'],
  ])('a header with %s is refused', async (_, at, value, message) => {
    const file = await written();
    viewOf(file).setUint32(at, value, true);
    await expect(openOn(qed, file)).rejects.toThrow(message);
  });

  it('a backing file whose name is not in the header is refused', async () => {
    const file = await createOn(qed, MiB, small, 'below.raw');
    viewOf(file).setUint32(56, 4095, true);
    await expect(openOn(qed, file)).rejects.toThrow('the name of its backing file is not in the header');
  });

  it.each([
    [{ cluster_size: 1000 }, 'QED cluster size must be a power of two'],
    [{ table_size: 1 }, 'QED table size must be a power of two'],
    [{ table_size: 3 }, 'QED table size must be a power of two'],
  ])('create options %j are refused', async (options, message) => {
    await expect(createOn(qed, MiB, options)).rejects.toThrow(message);
    await expect(createOn(qed, 2 ** 33, small)).rejects.toMatchObject({ code: 'EFBIG' });
  });
});
