import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { check } from '../../../../../runtime/block/drivers/qcow2/check/check.js';
import { readHeader, serialiseHeader } from '../../../../../runtime/block/drivers/qcow2/format/header.js';
import type { MemoryChild } from '../../memory-child.js';
import { createImage, snapshotInfo } from './images.js';
import { contents, filled, openOn } from './opened.js';

const KiB = 1024;
const luks = { 'encrypt.format': 'luks', 'encrypt.key-secret': 'right', 'encrypt.iter-time': 0 };
const key = { options: { 'encrypt.key-secret': 'right' } };

/** An image whose disk has 5 at its beginning. */
async function written(options: object = {}): Promise<MemoryChild> {
  const file = await createImage(256 * KiB, { cluster_size: 4096, ...luks, ...options });
  const { instance } = await openOn(file, key);
  await instance.write(0, filled(6 * KiB, 5), 0);
  await instance.close();
  return file;
}

describe('a qcow2 image with LUKS inside', () => {
  it('reads what was written, and has nothing of it in plain in the file', async () => {
    const file = await written();
    expect(Buffer.from(file.bytes).includes(Buffer.alloc(16, 5))).toBe(false);
    const all = await contents(await openOn(file, key));
    expect(all.equals(Buffer.concat([Buffer.alloc(6 * KiB, 5), Buffer.alloc(250 * KiB)]))).toBe(true);
    expect(await check(file)).toMatchObject({ corruptions: 0, leaks: 0 });
  });

  it('what is preallocated reads as zeroes before it is written, with small clusters and with parts of them', async () => {
    for (const options of [{}, { cluster_size: 16384, extended_l2: true }]) {
      const file = await createImage(256 * KiB, { cluster_size: 4096, preallocation: 'metadata', ...luks, ...options });
      const opened = await openOn(file, key);
      expect((await contents(opened)).every((byte) => byte === 0)).toBe(true);
      const end = file.bytes.length;
      await opened.instance.write(5 * KiB, filled(512, 7), 0);
      const after = await contents(opened);
      expect([after.indexOf(7), after.lastIndexOf(7)]).toEqual([5 * KiB, 5 * KiB + 511]);
      await opened.instance.close();
      expect(file.bytes.length).toBe(end);
    }
  });

  it('keeps its data over a snapshot, a larger size, another backing file and being made empty', async () => {
    const file = await written();
    const opened = await openOn(file, key);
    const { instance } = opened;
    await instance.snapshots.create?.(snapshotInfo);
    await instance.write(512, filled(512, 6), 0);
    await instance.changeBackingFile({ name: 'other', format: 'raw' });
    const all = await contents(opened, 0, 6 * KiB);
    expect([
      ...new Set(all.subarray(0, 512)),
      ...new Set(all.subarray(512, 1024)),
      ...new Set(all.subarray(1024)),
    ]).toEqual([5, 6, 5]);
    await instance.snapshots.delete?.('1');
    await instance.makeEmpty();
    await instance.close();
    expect(await check(file)).toMatchObject({ corruptions: 0, leaks: 0 });
    await expect(openOn(file, key)).resolves.toBeDefined();
  });

  it('shows its header and no data when no key is given', async () => {
    const { instance } = await openOn(await written(), { noIo: true });
    expect(instance.encrypted).toBe(true);
    expect(instance.specificInfo()).toMatchObject({ data: { encrypt: { format: 'luks', 'cipher-alg': 'aes-256' } } });
    await expect(instance.read(0, new Uint8Array(512), 0)).rejects.toMatchObject({ code: 'EPERM' });
  });

  it('tells no place of its data, as what is there is not what is read', async () => {
    const { instance } = await openOn(await written(), key);
    expect(await instance.blockStatus(0, 4096)).toEqual({ length: 4096, allocated: true, data: true, zero: false });
  });

  it('refuses an image whose header does not say where the LUKS header is, or says a wrong place', async () => {
    const file = await written();
    const { luks: place, ...header } = await readHeader(file);
    expect(place).toBeDefined();
    const headless = file.bytes.slice();
    headless.set(serialiseHeader(header));
    file.bytes.set(headless.subarray(0, 4096));
    await expect(openOn(file, key)).rejects.toThrow('does not say where the LUKS header is');
    file.bytes.set(serialiseHeader({ ...header, luks: { offset: 0, length: 4096 } }));
    await expect(openOn(file, key)).rejects.toThrow('does not begin with a LUKS header');
  });

  it('no write reaches the LUKS header, wherever a damaged table points', async () => {
    const file = await written();
    const { l1Offset, luks: place } = await readHeader(file);
    const view = new DataView(file.bytes.buffer, file.bytes.byteOffset);
    const table = Number(view.getBigUint64(l1Offset) & 0x00ff_ffff_ffff_fe00n);
    view.setBigUint64(table, BigInt(place?.offset ?? 0) | (1n << 63n));
    const before = file.bytes.slice(place?.offset, (place?.offset ?? 0) + 4096);
    const { instance } = await openOn(file, key);
    await expect(instance.write(0, filled(512, 1), 0)).rejects.toThrow('A write would overwrite the image header');
    expect(file.bytes.subarray(place?.offset, (place?.offset ?? 0) + 4096)).toEqual(before);
  });

  it('data that moves to another place of the file is encrypted anew', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(63), fc.integer({ min: 1, max: 8 })), { maxLength: 12 }),
      async (writes) => {
        const file = await written();
        const opened = await openOn(file, key);
        const model = await contents(opened);
        await opened.instance.snapshots.create?.(snapshotInfo);
        for (const [sector, count] of writes) {
          const data = filled(count * 512, sector + 1);
          model.set(data, sector * 512);
          await opened.instance.write(sector * 512, data, 0);
        }
        expect((await contents(opened)).equals(model)).toBe(true);
        await opened.instance.close();
        expect((await contents(await openOn(file, key))).equals(model)).toBe(true);
      },
    );
    await fc.assert(property, { numRuns: 8 });
  });
});

describe('creating a qcow2 image with LUKS inside', () => {
  it.each([
    [{ 'encrypt.format': 'aes', 'encrypt.key-secret': 'right' }, 'Images with AES encryption are not created any more'],
    [
      { 'encrypt.format': 'qcow', 'encrypt.key-secret': 'right' },
      'Images with AES encryption are not created any more',
    ],
    [{ 'encrypt.format': 'luks' }, "Parameter 'encrypt.key-secret' is required for cipher"],
    [{ 'encrypt.format': 'rot13' }, "Unknown encryption format 'rot13'"],
    [{ 'encrypt.key-secret': 'right' }, "Options of 'encrypt' need encrypt.format=luks"],
    [{ ...luks, 'encrypt.colour': 'red' }, "LUKS encryption has no option 'colour'"],
    [{ ...luks, data_file: 'd', data_file_raw: true }, 'A raw data file reads as the disk, and cannot be encrypted'],
  ])('refuses %j', async (options, message) => {
    await expect(createImage(64 * KiB, options)).rejects.toThrow(message);
  });
});
