import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../../../runtime/block/drivers/vhdx/crc32c.js';
import { guidBytes, guidText } from '../../../../../runtime/block/drivers/vhdx/guid.js';
import { readHeader } from '../../../../../runtime/block/drivers/vhdx/headers.js';
import { logEntry } from '../../../../../runtime/block/drivers/vhdx/log.js';
import { vhdx } from '../../../../../runtime/block/drivers/vhdx/vhdx.js';
import type { MemoryChild } from '../../memory-child.js';
import { bearsDamage } from '../format-suite/mutants.js';
import { contentsOf, createOn, openOn } from '../format-suite/on-children.js';
import { holdsWhatIsWritten } from '../format-suite/power-cuts.js';

const KiB = 1024;
const MiB = KiB * KiB;
const small = { block_size: MiB };
/** Behind a log of a megabyte. */
const tableOffset = 2 * MiB;
const metadataOffset = 3 * MiB;
const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);
const viewOf = (file: MemoryChild): DataView => new DataView(file.bytes.buffer, file.bytes.byteOffset);

async function written(): Promise<MemoryChild> {
  const file = await createOn(vhdx, 3 * MiB, small);
  const disk = await openOn(vhdx, file);
  await disk.write?.(2 * MiB, filled(512, 3), 0);
  await disk.write?.(0, filled(512, 1), 0);
  await disk.close();
  return file;
}

/** Makes the checksum of a structure right again. */
function seal(file: MemoryChild, offset: number, length: number): void {
  viewOf(file).setUint32(offset + 4, crc32c(file.bytes.subarray(offset, offset + length), 4), true);
}

/** Puts an entry into the log that has not been applied: the first block of the disk is absent then. */
async function withPendingLog(change: (entry: Uint8Array) => void = () => {}): Promise<MemoryChild> {
  const file = await written();
  const guid = guidBytes('12345678-1234-1234-1234-123456789abc');
  for (const offset of [64 * KiB, 128 * KiB]) {
    file.bytes.set(guid, offset + 48);
    seal(file, offset, 4096);
  }
  const sector = file.bytes.slice(tableOffset, tableOffset + 4096);
  sector.fill(0, 0, 8);
  const entry = logEntry(await readHeader(file), tableOffset, sector, file.bytes.length);
  change(entry);
  file.bytes.set(entry, MiB);
  return file;
}

describe('vhdx', () => {
  holdsWhatIsWritten([
    { format: 'vhdx', sectors: 9000, options: small },
    { format: 'vhdx', sectors: 5001, options: { ...small, block_state_zero: false } },
    { format: 'vhdx', sectors: 2001, options: { ...small, subformat: 'fixed' } },
    { format: 'vhdx', sectors: 2001 },
  ]);

  bearsDamage('an image', {
    driver: vhdx,
    large: true,
    make: async () => (await written()).bytes,
    metadata: () => [
      [64 * KiB, 80],
      [128 * KiB, 80],
      [192 * KiB, 80],
      [metadataOffset, 200],
      [metadataOffset + 64 * KiB, 44],
      [tableOffset, 24],
    ],
  });

  bearsDamage('an image with a log', {
    driver: vhdx,
    large: true,
    make: async () => (await withPendingLog()).bytes,
    metadata: () => [[MiB, 100]],
  });

  it('a log is applied when the image is opened for writing, and the image refused before', async () => {
    const file = await withPendingLog();
    await expect(openOn(vhdx, file, { flags: { readOnly: true } })).rejects.toMatchObject({ code: 'EPERM' });
    const disk = await openOn(vhdx, file);
    expect((await contentsOf(disk, 0, 512)).every((byte) => byte === 0)).toBe(true);
    expect((await contentsOf(disk, 2 * MiB, 512)).every((byte) => byte === 3)).toBe(true);
    await disk.close();
    await expect(openOn(vhdx, file, { flags: { readOnly: true } })).resolves.toBeDefined();
  });

  it('an entry of a log that is not sound, or of another log, is not applied', async () => {
    for (const change of [
      (entry: Uint8Array) => entry.fill(9, 5000, 5001),
      (entry: Uint8Array) => {
        entry.fill(9, 32, 33);
        new DataView(entry.buffer).setUint32(4, crc32c(entry, 4), true);
      },
    ]) {
      const disk = await openOn(vhdx, await withPendingLog((entry) => void change(entry)));
      expect((await contentsOf(disk, 0, 512)).every((byte) => byte === 1)).toBe(true);
    }
  });

  it('a log of a file that is shorter than it was is refused', async () => {
    const file = await withPendingLog();
    file.bytes = file.bytes.slice(0, file.bytes.length - MiB);
    await expect(openOn(vhdx, file)).rejects.toThrow('has been truncated: its log cannot be applied');
  });

  it('either of the headers suffices, and the newer one counts', async () => {
    const file = await written();
    const { slot, sequence } = await readHeader(file);
    file.bytes.fill(0, [64 * KiB, 128 * KiB][slot], ([64 * KiB, 128 * KiB][slot] ?? 0) + 100);
    expect(await readHeader(file)).toMatchObject({ slot: 1 - slot, sequence: sequence - 1 });
    file.bytes.fill(0, 64 * KiB, 192 * KiB);
    await expect(openOn(vhdx, file)).rejects.toThrow('neither of its headers is sound');
  });

  it('blocks are as large as the disk suggests, and lie behind the tables', async () => {
    const sizeOf = async (size: number, options = {}): Promise<number | undefined> =>
      (await openOn(vhdx, await createOn(vhdx, size, options))).info?.clusterSize;
    expect(await sizeOf(MiB)).toBe(8 * MiB);
    expect(await sizeOf(2 ** 30 + 512)).toBe(16 * MiB);
    expect(await sizeOf(2 ** 37)).toBe(32 * MiB);
    expect(await sizeOf(MiB, { block_size: 2 * MiB })).toBe(2 * MiB);
    const file = await written();
    expect(file.bytes.length).toBe(8 * MiB + 2 * MiB);
    expect(file.bytes[8 * MiB]).toBe(3);
    const fixed = await createOn(vhdx, 3 * MiB, { ...small, subformat: 'fixed' });
    expect(fixed.bytes.length).toBe(8 * MiB + 3 * MiB);
  });

  it('entries of the marks of differencing images are left out of the table', async () => {
    // 4096 blocks of a megabyte to a chunk.
    const file = await createOn(vhdx, 4098 * MiB, small);
    const disk = await openOn(vhdx, file);
    await disk.write?.(4096 * MiB, filled(512, 7), 0);
    await disk.close();
    expect(viewOf(file).getUint32(tableOffset + 4096 * 8, true)).toBe(0);
    expect(viewOf(file).getUint32(tableOffset + 4097 * 8, true) & 7).toBe(6);
    const again = await openOn(vhdx, file, { flags: { readOnly: true } });
    expect((await contentsOf(again, 4096 * MiB, 512)).every((byte) => byte === 7)).toBe(true);
  }, 30_000);

  it.each([
    ['differencing image', metadataOffset + 64 * KiB + 4, 2, 'Differencing VHDX images are not supported'],
    ['block size', metadataOffset + 64 * KiB, 1000, 'blocks of 1000 bytes'],
    ['disk size', metadataOffset + 64 * KiB + 12, 0x1_0000, 'a disk of'],
    ['sector size', metadataOffset + 64 * KiB + 32, 1024, 'sectors of 1024 bytes'],
    ['number of items', metadataOffset + 10, 0, 'it lacks metadata'],
    ['item that is not known', metadataOffset + 32, 0x1234_5678, 'has metadata that are not known: 12345678-'],
    ['place of an item', metadataOffset + 48, 100, 'are impossible'],
  ])('a header with another %s is refused', async (_, at, value, message) => {
    const file = await written();
    viewOf(file).setUint32(at, value, true);
    await expect(openOn(vhdx, file)).rejects.toThrow(message);
  });

  it.each([
    ['that are not known', 16, 0x1234_5678, 'a region that is not known: 12345678-'],
    ['in the log', 32, MiB, 'is where another one is'],
    ['beyond the end', 36, 1, 'is impossible'],
    ['that are missing', 8, 1, 'it lacks a region'],
    ['without number', 8, 3000, 'it has 3000 regions'],
  ])('regions %s are refused', async (_, at, value, message) => {
    const file = await written();
    viewOf(file).setUint32(192 * KiB + at, value, true);
    seal(file, 192 * KiB, 64 * KiB);
    await expect(openOn(vhdx, file)).rejects.toThrow(message);
    file.bytes.fill(1, 192 * KiB + 4, 192 * KiB + 8);
    await expect(openOn(vhdx, file)).rejects.toThrow('its region table is not sound');
  });

  it('blocks in one place are read, but not written, and partial ones are neither', async () => {
    const file = await written();
    file.bytes.copyWithin(tableOffset, tableOffset + 16, tableOffset + 24);
    await expect(openOn(vhdx, file)).rejects.toThrow('two blocks share offset');
    const disk = await openOn(vhdx, file, { flags: { readOnly: true } });
    expect((await contentsOf(disk, 0, 512)).every((byte) => byte === 3)).toBe(true);
    viewOf(file).setUint32(tableOffset, 7, true);
    const partial = await openOn(vhdx, file, { flags: { readOnly: true } });
    await expect(contentsOf(partial, 0, 512)).rejects.toMatchObject({ code: 'EIO' });
  });

  it.each([
    [{ block_size: 3 * MiB }, 'Block size must be a power of two'],
    [{ log_size: 1000 }, 'Log size must be a multiple of 1M'],
  ])('create options %j are refused', async (options, message) => {
    await expect(createOn(vhdx, MiB, options)).rejects.toThrow(message);
  });

  it('disks of more than 64 TiB are not made', async () => {
    await expect(createOn(vhdx, 2 ** 46 + 512)).rejects.toMatchObject({ code: 'EFBIG' });
  });

  it('checksums and ids are those of the specification', () => {
    expect(crc32c(Buffer.from('    123456789'), 0)).not.toBe(0);
    expect(crc32c(Buffer.from('123456789'), 100)).toBe(0xe306_9283);
    const id = '2dc27766-f623-4200-9d64-115e9bfd4a08';
    expect(Buffer.from(guidBytes(id)).toString('hex')).toBe('6677c22d23f600429d64115e9bfd4a08');
    expect(guidText(guidBytes(id))).toBe(id);
  });
});
