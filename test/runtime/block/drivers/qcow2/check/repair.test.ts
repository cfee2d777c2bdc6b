import { describe, expect, it } from 'vitest';
import { check } from '../../../../../../runtime/block/drivers/qcow2/check/check.js';
import { repair } from '../../../../../../runtime/block/drivers/qcow2/check/repair.js';
import { readHeader } from '../../../../../../runtime/block/drivers/qcow2/format/header.js';
import { readSnapshotTable } from '../../../../../../runtime/block/drivers/qcow2/format/snapshot-table.js';
import { viewOf } from '../../../../../../runtime/block/drivers/shared/big-endian.js';
import { MemoryChild } from '../../../memory-child.js';
import { Damager, damages } from '../damage.js';
import { createImage, histories } from '../images.js';
import { openOn } from '../opened.js';

const MiB = 2 ** 20;
const options = { preallocation: 'metadata', cluster_size: 1024, refcount_bits: 16 };
const geometries = [options, { ...options, refcount_bits: 1 }, { ...options, refcount_bits: 64 }];

async function damaged(inflict: (image: Damager) => void, of: object = options): Promise<MemoryChild> {
  const { bytes } = await createImage(MiB, { ...options, ...of });
  inflict(await Damager.of(bytes));
  return new MemoryChild(bytes);
}

describe.each(geometries)('repair %j', (geometry) => {
  it.each(damages)('repairs all that can be repaired of $name', async ({ inflict }) => {
    const file = await damaged(inflict, geometry);
    const before = await check(file);
    const result = await repair(file, 'all');
    expect(result).toEqual({
      ...(await check(file)),
      corruptionsFixed: Math.max(0, before.corruptions - result.corruptions),
      leaksFixed: Math.max(0, before.leaks - result.leaks),
    });
    expect(result.leaks).toBe(0);
    const again = file.steps.length;
    await repair(file, 'all');
    const changed = file.steps.slice(again).some((step) => step.kind === 'write' && step.offset === 0);
    expect(changed).toBe(false);
  });

  it.each(damages)('repairs as well after it was interrupted: $name', async ({ inflict }) => {
    const file = await damaged(inflict, geometry);
    const bytes = file.bytes.slice();
    const { corruptions } = await repair(file, 'all');
    for (const interrupted of histories(bytes, file.steps)) {
      expect(await repair(interrupted, 'all')).toMatchObject({ corruptions, leaks: 0 });
    }
  });

  it.each(damages)('writes nothing but tables for $name', async ({ inflict }) => {
    const file = await damaged(inflict, geometry);
    const { clusterSize } = await readHeader(file);
    const { length } = file.bytes;
    await repair(file, 'all');
    const fields = [
      [48, 12],
      [72, 8],
    ];
    for (const step of file.steps) {
      if (step.kind !== 'write') continue;
      if (step.offset < clusterSize) expect(fields).toContainEqual([step.offset, step.data.length]);
      else expect(step.data.length % 8).toBe(0);
      expect(step.offset).toBeLessThan(length + 16 * clusterSize);
    }
  });
});

describe('repair', () => {
  it('writes only refcount blocks to repair leaks', async () => {
    const file = await damaged((image) => image.set(image.l2(0), 0));
    const { header, view } = await Damager.of(file.bytes);
    const blocks = [0, 1, 2].map((index) => Number(view.getBigUint64(header.refcountTableOffset + index * 8)));
    expect(await repair(file, 'leaks')).toMatchObject({ leaks: 0, leaksFixed: 1, corruptions: 0, corruptionsFixed: 0 });
    const writes = file.steps.flatMap((step) => (step.kind === 'write' ? [step.offset] : []));
    expect(writes.length).toBeGreaterThan(0);
    expect(writes.filter((offset) => !blocks.includes(offset))).toEqual([]);
  });

  it('clears the marks of an image that is in order, and keeps them while it is not', async () => {
    const marks = (image: Damager) => image.xor(72, 3n);
    const sound = await damaged(marks);
    await repair(sound, 'all');
    expect((await readHeader(sound)).incompatible).toBe(0);
    const hopeless = await damaged((image) => {
      marks(image);
      image.set(image.l2(0), 1n << 45n);
    });
    expect(await repair(hopeless, 'all')).toMatchObject({ corruptions: 1 });
    expect((await readHeader(hopeless)).incompatible).toBe(3);
  });

  it('refuses to repair only leaks where refcounts must be rebuilt', async () => {
    const file = await damaged((image) => image.set(image.header.refcountTableOffset, 0));
    await expect(repair(file, 'leaks')).rejects.toThrow('repair everything, not only leaks');
    expect(file.steps).toEqual([]);
  });

  it('puts new refcounts where nothing points at, not even from beyond the end', async () => {
    const file = await damaged((image) => {
      const end = Math.ceil(image.bytes.length / 1024) * 1024;
      for (const index of [0, 1, 2, 3]) image.set(image.l2(index), BigInt(end + (index + 1) * 1024));
      image.set(image.header.refcountTableOffset, 0);
    });
    const end = Math.ceil(file.bytes.length / 1024) * 1024;
    await repair(file, 'all');
    expect((await readHeader(file)).refcountTableOffset).toBe(end + 5 * 1024);
  });

  it('keeps no place free for a bitmap whose table is longer than a bitmap may be', async () => {
    const file = await createImage(MiB, { cluster_size: 512 });
    const { instance } = await openOn(file);
    const bitmap = { name: 'kept', granularity: 512, recording: true, inconsistent: false, runs: () => [] };
    instance.bitmaps.keepFrom(() => [bitmap]);
    await instance.close();
    const { header, view } = await Damager.of(file.bytes);
    const [extension] = header.extensions;
    const record = Number(viewOf(extension?.data ?? new Uint8Array()).getBigUint64(16));
    view.setUint32(record + 8, 2 ** 24);
    view.setBigUint64(header.refcountTableOffset, 0n);
    const { length } = file.bytes;
    await repair(file, 'all');
    expect(file.bytes.length).toBeLessThan(length + 64 * 512);
    expect(await check(file)).toMatchObject({ corruptions: 1 });
  });

  it('rebuilds an image that has lost its refcount table altogether', async () => {
    const file = await damaged((image) => image.view.setUint32(56, 0));
    await expect(readHeader(file)).rejects.toThrow('does not contain a refcount table');
    expect(await repair(file, 'all')).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0 });
    await expect(readHeader(file)).resolves.toMatchObject({ refcountTableClusters: 1 });
  });

  it('writes a snapshot table anew that says too little', async () => {
    const file = await createImage(MiB, { cluster_size: 1024 });
    const { instance } = await openOn(file);
    const info = { id: '1', name: 'one', 'vm-state-size': 0, 'date-sec': 1, 'date-nsec': 2 };
    await instance.snapshots.create?.({ ...info, 'vm-clock-sec': 3, 'vm-clock-nsec': 4 });
    await instance.close();
    const header = await readHeader(file);
    const before = await readSnapshotTable(file, header);
    damages.find(({ name }) => name.startsWith('a snapshot that'))?.inflict(await Damager.of(file.bytes));
    expect(await check(file)).toMatchObject({ corruptions: 1, leaks: 0 });
    expect(await repair(file, 'all')).toMatchObject({ corruptions: 0, leaks: 0, corruptionsFixed: 1 });
    const { snapshots } = await readSnapshotTable(file, await readHeader(file));
    expect(snapshots).toEqual(before.snapshots);
  });

  it('reports a write that fails', async () => {
    const file = await damaged((image) => image.set(image.l2(0), 0));
    file.onRequest = (kind) => {
      if (kind === 'write') throw new Error('no');
    };
    await expect(repair(file, 'all')).rejects.toThrow('no');
  });
});
