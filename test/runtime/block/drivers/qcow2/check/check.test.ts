import { describe, expect, it } from 'vitest';
import { check } from '../../../../../../runtime/block/drivers/qcow2/check/check.js';
import { serialiseHeader, snapshotFields } from '../../../../../../runtime/block/drivers/qcow2/format/header.js';
import {
  serialiseSnapshotTable,
  snapshotOf,
} from '../../../../../../runtime/block/drivers/qcow2/format/snapshot-table.js';
import { MemoryChild } from '../../../memory-child.js';
import { Damager, damages } from '../damage.js';
import { createImage, snapshotInfo } from '../images.js';
import { openOn } from '../opened.js';

const MiB = 2 ** 20;
const preallocated = { preallocation: 'metadata', cluster_size: 4096 };
const copied = 1n << 63n;

/** Counts the bytes that are read from a child. */
function countReads(file: MemoryChild): { bytes: number } {
  const reads = { bytes: 0 };
  file.onRequest = (kind, _, length) => {
    if (kind === 'read') reads.bytes += length;
  };
  return reads;
}

describe('check', () => {
  it.each([
    {},
    { compat: '0.10' },
    { cluster_size: 512, refcount_bits: 1 },
    { cluster_size: 512, refcount_bits: 64 },
    preallocated,
  ])('finds nothing wrong with a new image: %j', async (options) => {
    const file = await createImage(MiB + 512, options);
    file.steps.length = 0;
    const result = await check(file);
    expect(result).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0, problems: [] });
    expect(result.allocatedClusters).toBe('preallocation' in options ? result.totalClusters : 0);
    expect(result.imageEndOffset).toBeGreaterThanOrEqual(file.bytes.length);
    expect(file.steps).toEqual([]);
  });

  it.each(damages.slice(1, -2))('finds $name', async ({ inflict }) => {
    const file = await createImage(MiB, preallocated);
    inflict(await Damager.of(file.bytes));
    const { corruptions, leaks, problems } = await check(file);
    expect(corruptions + leaks).toBeGreaterThan(0);
    expect(problems.length).toBeGreaterThan(0);
  });

  it('counts fragmented clusters', async () => {
    const file = await createImage(MiB, preallocated);
    const image = await Damager.of(file.bytes);
    const [first, second] = [image.view.getBigUint64(image.l2(0)), image.view.getBigUint64(image.l2(1))];
    image.set(image.l2(0), second);
    image.set(image.l2(1), first);
    expect(await check(file)).toMatchObject({ corruptions: 0, leaks: 0, fragmentedClusters: 2 });
  });

  it('reports no more than a thousand problems, but counts all', async () => {
    const file = await createImage(8 * MiB, preallocated);
    const image = await Damager.of(file.bytes);
    file.bytes.fill(0, image.header.l1Offset, image.header.l1Offset + image.header.l1Entries * 8);
    const { leaks, problems } = await check(file);
    expect(leaks).toBe(2048 + 4);
    expect(problems.length).toBe(1000);
  });

  it('reads a table once that everything points at', async () => {
    const file = await createImage(2 ** 30, { cluster_size: 4096 });
    const image = await Damager.of(file.bytes);
    const { header } = image;
    const grown = new MemoryChild(new Uint8Array(file.bytes.length + 8192));
    grown.bytes.set(file.bytes);
    const table = Math.ceil(file.bytes.length / 4096) * 4096;
    const view = new DataView(grown.bytes.buffer);
    for (let index = 0; index < header.l1Entries; index++)
      view.setBigUint64(header.l1Offset + index * 8, BigInt(table));
    for (let index = 0; index < 512; index++) view.setBigUint64(table + index * 8, BigInt(header.l1Offset));
    const reads = countReads(grown);
    const result = await check(grown);
    expect(result.allocatedClusters).toBe(header.l1Entries * 512);
    expect(result.corruptions).toBeGreaterThan(header.l1Entries);
    expect(reads.bytes).toBeLessThan(5 * grown.bytes.length);
  });

  it('gives up on tables that overlap without end', async () => {
    const file = await createImage(MiB, { cluster_size: 512 });
    const { header } = await Damager.of(file.bytes);
    const l1Entries = MiB;
    const place = (index: number) => ({ l1Offset: index * 512, l1Entries: l1Entries - index, diskSize: MiB });
    const table = serialiseSnapshotTable(
      Array.from({ length: 2000 }, (_, index) => snapshotOf(snapshotInfo, place(index))),
    );
    const bytes = new Uint8Array(9 * MiB + 512);
    bytes.set(file.bytes);
    bytes.set(table, 8 * MiB);
    const patch = snapshotFields({ snapshotCount: 2000, snapshotTableOffset: 8 * MiB });
    bytes.set(patch.bytes, patch.offset);
    const image = new MemoryChild(bytes);
    const reads = countReads(image);
    expect(header.clusterSize).toBe(512);
    await expect(check(image)).rejects.toThrow('overlap each other');
    expect(reads.bytes).toBeLessThan(200 * MiB);
  });

  it('refuses files of more clusters than it counts', async () => {
    const file = await createImage(MiB, { cluster_size: 512 });
    const huge = new MemoryChild(file.bytes, 'file', {});
    Object.defineProperty(huge.node, 'length', { value: 2 ** 41 });
    await expect(check(huge)).rejects.toMatchObject({ code: 'EFBIG' });
  });

  it('reports subclusters that are there and zero at once, and requests fail for them', async () => {
    const file = await createImage(MiB, { preallocation: 'metadata', extended_l2: true, cluster_size: 16384 });
    expect(await check(file)).toMatchObject({ corruptions: 0, leaks: 0, allocatedClusters: 64 });
    const view = new DataView(file.bytes.buffer);
    const l1 = Number(view.getBigUint64(40));
    const table = Number(view.getBigUint64(l1) & 0x00ff_ffff_ffff_fe00n);
    view.setUint32(table + 8, 1);
    expect(await check(file)).toMatchObject({ corruptions: 1 });
    const { instance } = await openOn(file, { flags: { readOnly: true } });
    await expect(instance.read(0, new Uint8Array(512), 0)).rejects.toMatchObject({ code: 'EIO' });
    await instance.read(16384, new Uint8Array(512), 0);
  });

  it('counts what bitmaps take while they are valid', async () => {
    const file = await createImage(MiB, preallocated);
    const { header } = await Damager.of(file.bytes);
    const directory = Math.ceil(file.bytes.length / 4096) * 4096;
    const data = new Uint8Array(24);
    const extension = new DataView(data.buffer);
    extension.setUint32(0, 1);
    extension.setBigUint64(8, 32n);
    extension.setBigUint64(16, BigInt(directory));
    const image = new MemoryChild(new Uint8Array(directory + 3 * 4096));
    image.bytes.set(file.bytes);
    const view = new DataView(image.bytes.buffer);
    view.setBigUint64(directory, BigInt(directory + 4096));
    view.setUint32(directory + 8, 2);
    view.setBigUint64(directory + 4096, BigInt(directory + 8192));
    view.setBigUint64(directory + 4096 + 8, 1n);
    const withBitmaps = { ...header, extensions: [{ type: 0x2385_2875, data }] };
    const damager = await Damager.of(image.bytes);
    for (let cluster = 0; cluster < 3; cluster++) damager.refcount(directory + cluster * 4096, () => 1);
    image.bytes.set(serialiseHeader({ ...withBitmaps, autoclear: 1n }));
    expect(await check(image)).toMatchObject({ corruptions: 0, leaks: 0 });
    image.bytes.set(serialiseHeader(withBitmaps));
    expect(await check(image)).toMatchObject({ corruptions: 0, leaks: 3 });
    damager.set(directory + 4096, BigInt(directory + 8192) | copied);
    image.bytes.set(serialiseHeader({ ...withBitmaps, autoclear: 1n }));
    expect(await check(image)).toMatchObject({ corruptions: 1, leaks: 1 });
  });
});
