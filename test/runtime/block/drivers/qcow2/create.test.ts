import { describe, expect, it } from 'vitest';
import { readHeader } from '../../../../../runtime/block/drivers/qcow2/format/header.js';
import { createImage } from './images.js';

const GiB = 2 ** 30;
const MiB = 2 ** 20;

describe('create', () => {
  it('lays an image out as header, refcount table, refcount block and L1 table, and nothing behind', async () => {
    const file = await createImage(GiB);
    expect(file.bytes.length).toBe(3 * 65536 + 2 * 8);
    const header = await readHeader(file);
    expect(header).toMatchObject({ version: 3, clusterBits: 16, size: GiB, l1Entries: 2, l1Offset: 3 * 65536 });
    expect(header).toMatchObject({ refcountTableOffset: 65536, refcountTableClusters: 1, refcountOrder: 4 });
    expect(header).toMatchObject({ incompatible: 0, compatible: 0n, autoclear: 0n, snapshotCount: 0 });
    expect(header.backing).toBeUndefined();
    const view = new DataView(file.bytes.buffer);
    expect(view.getUint32(100)).toBe(104);
    expect(view.getBigUint64(65536)).toBe(2n * 65536n);
    expect([0, 1, 2, 3, 4].map((cluster) => view.getUint16(2 * 65536 + cluster * 2))).toEqual([1, 1, 1, 1, 0]);
  });

  it('names all features of today, where clusters have room for that', async () => {
    const { bytes } = await createImage(GiB);
    const text = (at: number) =>
      Buffer.from(bytes.subarray(at, at + 46))
        .toString()
        .replace(/\0+$/, '');
    expect(Buffer.from(bytes.subarray(104, 112)).toString('hex')).toBe('6803f85700000180');
    const records = Array.from({ length: 8 }, (_, index) => 112 + index * 48);
    expect(records.map((at) => [bytes[at], bytes[at + 1], text(at + 2)])).toEqual([
      [0, 0, 'dirty bit'],
      [0, 1, 'corrupt bit'],
      [0, 2, 'external data file'],
      [0, 3, 'compression type'],
      [0, 4, 'extended L2 entries'],
      [1, 0, 'lazy refcounts'],
      [2, 0, 'bitmaps'],
      [2, 1, 'raw external data'],
    ]);
    expect(bytes.subarray(496, 65536).every((byte) => byte === 0)).toBe(true);
    const small = await createImage(MiB, { cluster_size: 2048 });
    expect(small.bytes.subarray(104, 2048).every((byte) => byte === 0)).toBe(true);
  });

  it('writes version 2 without what version 3 has', async () => {
    const file = await createImage(GiB, { compat: '0.10' }, { name: 'base.img', format: 'raw' });
    const header = await readHeader(file);
    expect(header).toMatchObject({ version: 2, refcountOrder: 4, backing: { name: 'base.img', format: 'raw' } });
    expect(Buffer.from(file.bytes.subarray(72, 80)).toString('hex')).toBe('e2792aca00000003');
  });

  it('writes the header last, then flushes', async () => {
    const { steps } = await createImage(GiB);
    const writes = steps.map((step) => (step.kind === 'write' ? step.offset : step.kind));
    expect(writes.indexOf(0)).toBe(writes.length - 2);
    expect(writes.at(-1)).toBe('flush');
  });

  it('takes no room for the L1 table of an empty disk', async () => {
    const file = await createImage(0);
    expect(file.bytes.length).toBe(3 * 65536);
    expect(await readHeader(file)).toMatchObject({ size: 0, l1Entries: 0, l1Offset: 0 });
  });

  it('points each cluster of the disk at one of the file when preallocating', async () => {
    const file = await createImage(3 * 4096 * 512 + 4096, { cluster_size: 4096, preallocation: 'metadata' });
    const header = await readHeader(file);
    const view = new DataView(file.bytes.buffer);
    const flags = 0x8000_0000_0000_0000n;
    const seen = new Set<bigint>();
    for (let table = 0; table < header.l1Entries; table++) {
      const l1Entry = view.getBigUint64(header.l1Offset + table * 8);
      expect(l1Entry & flags).toBe(flags);
      for (let index = 0; index < 512; index++) {
        const entry = view.getBigUint64(Number(l1Entry - flags) + index * 8);
        if (table * 512 + index > 1536) expect(entry).toBe(0n);
        else seen.add(entry - flags);
      }
    }
    expect(seen.size).toBe(1537);
    expect(Math.max(...[...seen].map(Number)) + 4096).toBe(file.bytes.length);
  });

  it.each([
    [{ cluster_size: 513 }, 'Cluster size must be a power of two between 512 and 2048k'],
    [{ cluster_size: '4M' }, 'Cluster size must be a power of two between 512 and 2048k'],
    [{ compat: '0.11' }, "Invalid compatibility level: '0.11'"],
    [{ compat: '0.10', lazy_refcounts: true }, 'Lazy refcounts only supported with compatibility level 1.1'],
    [{ compat: '0.10', refcount_bits: 8 }, 'Different refcount widths than 16 bits require compatibility level 1.1'],
    [{ refcount_bits: 128 }, 'Refcount width must be a power of two and may not exceed 64 bits'],
    [{ refcount_bits: 3 }, 'Refcount width must be a power of two and may not exceed 64 bits'],
    [{ preallocation: 'some' }, "Option 'preallocation' must be one of off, metadata, falloc, full"],
    [{ encryption: 'on' }, 'Images with AES encryption are not created any more'],
  ])('refuses %j', async (options, message) => {
    await expect(createImage(GiB, options)).rejects.toThrow(message);
  });

  it('refuses to preallocate over a backing file', async () => {
    const created = createImage(GiB, { preallocation: 'metadata' }, { name: 'base' });
    await expect(created).rejects.toThrow('Backing file and preallocation cannot be used at the same time');
  });

  it('refuses what no table can hold before it writes anything', async () => {
    await expect(createImage(2 ** 40, { cluster_size: 512 })).rejects.toMatchObject({ code: 'EFBIG' });
    await expect(createImage(2 ** 52)).rejects.toThrow('try using a larger cluster size');
  });

  it('refuses a backing file whose name does not fit in the cluster', async () => {
    const created = createImage(GiB, { cluster_size: 512 }, { name: 'b'.repeat(450) });
    await expect(created).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(createImage(GiB, {}, { name: 'b'.repeat(1024) })).rejects.toMatchObject({ code: 'EINVAL' });
  });
});
