import { describe, expect, it } from 'vitest';
import { vdi } from '../../../../../runtime/block/drivers/vdi/vdi.js';
import type { MemoryChild } from '../../memory-child.js';
import { bearsDamage } from '../format-suite/mutants.js';
import { contentsOf, createOn, openOn } from '../format-suite/on-children.js';
import { holdsWhatIsWritten } from '../format-suite/power-cuts.js';

const MiB = 2 ** 20;

function field(file: MemoryChild, at: number): number {
  return new DataView(file.bytes.buffer, file.bytes.byteOffset).getUint32(at, true);
}

function setField(file: MemoryChild, at: number, value: number): void {
  new DataView(file.bytes.buffer, file.bytes.byteOffset).setUint32(at, value, true);
}

describe('vdi', () => {
  holdsWhatIsWritten([
    { format: 'vdi', sectors: 9001 },
    { format: 'vdi', sectors: 5000, options: { static: true } },
    { format: 'vdi', sectors: 1 },
  ]);

  bearsDamage('an image', {
    driver: vdi,
    async make() {
      const file = await createOn(vdi, 5 * MiB);
      const disk = await openOn(vdi, file);
      await disk.write?.(3 * MiB, new Uint8Array(512).fill(3), 0);
      await disk.write?.(0, new Uint8Array(512).fill(1), 0);
      await disk.close();
      return file.bytes;
    },
    metadata: () => [
      [64, 408],
      [512, 20],
    ],
  });

  it('a new image has no blocks, and a static one has all of them', async () => {
    const dynamic = await createOn(vdi, 3 * MiB + 512);
    expect([dynamic.bytes.length, field(dynamic, 384), field(dynamic, 388)]).toEqual([1024, 4, 0]);
    const fixed = await createOn(vdi, 3 * MiB + 512, { static: true });
    expect([fixed.bytes.length, field(fixed, 384), field(fixed, 388)]).toEqual([1024 + 4 * MiB, 4, 4]);
    expect([0, 1, 2, 3].map((block) => field(fixed, 512 + block * 4))).toEqual([0, 1, 2, 3]);
  });

  it('a block is in the file as a whole, and the header counts it', async () => {
    const file = await createOn(vdi, 4 * MiB);
    const disk = await openOn(vdi, file);
    await disk.write?.(2 * MiB + 1024, new Uint8Array(512).fill(7), 0);
    await disk.close();
    expect([file.bytes.length, field(file, 388), field(file, 512 + 8)]).toEqual([1024 + MiB, 1, 0]);
    expect(file.bytes[1024 + 1024]).toBe(7);
  });

  it('zeroes take no place where there is nothing', async () => {
    const file = await createOn(vdi, 4 * MiB);
    const disk = await openOn(vdi, file);
    await disk.writeZeroes?.(0, 4 * MiB, 0);
    await disk.close();
    expect(file.bytes.length).toBe(1024);
  });

  it('a discarded block reads as zeroes, and gets a place when it is written', async () => {
    const file = await createOn(vdi, 2 * MiB);
    setField(file, 512, 0xffff_fffe);
    const disk = await openOn(vdi, file);
    expect((await contentsOf(disk)).every((byte) => byte === 0)).toBe(true);
    await disk.write?.(512, new Uint8Array(512).fill(9), 0);
    await disk.close();
    expect(field(file, 512)).toBe(0);
  });

  it('a count of blocks in the header that is too low does no harm', async () => {
    const file = await createOn(vdi, 4 * MiB);
    const before = await openOn(vdi, file);
    await before.write?.(0, new Uint8Array(MiB).fill(1), 0);
    await before.close();
    setField(file, 388, 0);
    const disk = await openOn(vdi, file);
    await disk.write?.(MiB, new Uint8Array(512).fill(2), 0);
    expect((await contentsOf(disk, 0, MiB)).every((byte) => byte === 1)).toBe(true);
    await disk.close();
    expect(field(file, 388)).toBe(2);
  });

  it('an image with two blocks in one place is read, but not written', async () => {
    const file = await createOn(vdi, 4 * MiB, { static: true });
    setField(file, 512 + 4, 0);
    const disk = await openOn(vdi, file, { flags: { readOnly: true } });
    await expect(contentsOf(disk)).resolves.toHaveLength(4 * MiB);
    await expect(openOn(vdi, file)).rejects.toThrow('two blocks share offset 1024 of the file');
    setField(file, 512 + 4, 9);
    await expect(openOn(vdi, file)).rejects.toThrow('block 1 is beyond the end of the file');
    const other = await openOn(vdi, file, { flags: { readOnly: true } });
    await expect(contentsOf(other, MiB, 512)).rejects.toThrow('its table is wrong for offset 1048576');
  });

  it.each([
    [68, 0x0002_0001, 'version 2.1, not 1.1'],
    [340, 100, 'its block map begins at 100'],
    [344, 100, 'its data begins at 100'],
    [344, 512, 'its data begins inside of its block map'],
    [360, 4096, 'sectors of 4096 bytes'],
    [376, 65536, 'blocks of 65536 bytes'],
    [384, 3, '3 blocks are too few for its disk'],
    [384, 0x2000_0000, '536870912 blocks are too many'],
    [372, 0x10_0000, 'its disk is too large'],
    [424, 1, 'it is linked to another image'],
    [440, 1, 'it is a difference to another image'],
  ])('a header with %i set to %i is refused: %s', async (at, value, message) => {
    const file = await createOn(vdi, 4 * MiB);
    setField(file, at, value);
    await expect(openOn(vdi, file)).rejects.toThrow(`Unsupported VDI image: ${message}`);
  });

  it('a disk that is too large is not made', async () => {
    await expect(createOn(vdi, 0x1fff_ff81 * MiB)).rejects.toMatchObject({ code: 'EFBIG' });
  });
});
