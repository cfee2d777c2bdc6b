import { describe, expect, it } from 'vitest';
import { check } from '../../../../../runtime/block/drivers/qcow2/check.js';
import { readHeader } from '../../../../../runtime/block/drivers/qcow2/header.js';
import { MemoryChild } from '../../memory-child.js';
import { createImage } from './images.js';
import { contents, filled, openOn } from './opened.js';

const cluster = 4096;
const MiB = 2 ** 20;
const small = { cluster_size: cluster };

describe('resizing', () => {
  it('wants sectors, and sizes that the L1 table can map', async () => {
    const { instance } = await openOn(await createImage(MiB, small));
    await expect(instance.truncate(1000)).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(instance.truncate(2 ** 50)).rejects.toMatchObject({ code: 'EFBIG' });
    expect(instance.length).toBe(MiB);
  });

  it('grows the L1 table, to a new place', async () => {
    const file = await createImage(MiB, { cluster_size: 512 });
    const opened = await openOn(file);
    await opened.instance.write(MiB - 512, filled(512, 1), 0);
    const { l1Offset } = await readHeader(file);
    file.events.length = 0;
    await opened.instance.truncate(100 * MiB);
    expect(file.events).toEqual(
      expect.arrayContaining(['l1_grow_alloc_table', 'l1_grow_write_table', 'l1_grow_activate_table']),
    );
    await opened.instance.write(100 * MiB - 512, filled(512, 2), 0);
    expect((await contents(opened, MiB - 512, 1024))[0]).toBe(1);
    await opened.instance.close();
    expect((await readHeader(file)).l1Offset).not.toBe(l1Offset);
    expect(await check(file)).toMatchObject({ corruptions: 0, leaks: 0, allocatedClusters: 2 });
  });

  it('shrinks the file with the disk, and shows no old data when it grows again', async () => {
    for (const compat of ['0.10', '1.1']) {
      const file = await createImage(4 * MiB, { ...small, compat });
      const opened = await openOn(file);
      await opened.instance.write(0, filled(4 * MiB, 1), 0);
      await opened.instance.truncate(MiB + 512);
      expect(file.bytes.length).toBeLessThan(MiB + 16 * cluster);
      await opened.instance.truncate(4 * MiB);
      const found = await contents(opened);
      expect(found.findIndex((byte) => byte !== 1)).toBe(MiB + 512);
      expect(found.subarray(MiB + 512).every((byte) => byte === 0)).toBe(true);
      await opened.instance.close();
      expect(await check(file)).toMatchObject({ corruptions: 0, leaks: 0 });
    }
  });

  it('shows nothing of a longer backing file', async () => {
    for (const compat of ['0.10', '1.1']) {
      const file = await createImage(MiB + 512, { ...small, compat }, { name: 'base.img' });
      const opened = await openOn(file, { backing: new MemoryChild(filled(3 * MiB + 512, 9), 'backing') });
      await opened.instance.truncate(4 * MiB);
      const found = await contents(opened);
      expect(found.findIndex((byte) => byte !== 9)).toBe(MiB + 512);
      expect(found.subarray(MiB + 512).every((byte) => byte === 0)).toBe(true);
    }
  });
});

describe('making empty', () => {
  it('shows what is below, and gives the space back', async () => {
    const file = await createImage(4 * MiB, small, { name: 'base.img' });
    const length = file.bytes.length;
    const opened = await openOn(file, { backing: new MemoryChild(filled(4 * MiB, 9), 'backing') });
    await opened.instance.write(0, filled(3 * MiB, 1), 0);
    await opened.instance.writeZeroes(3 * MiB, MiB, 0);
    await opened.instance.makeEmpty();
    expect((await contents(opened)).every((byte) => byte === 9)).toBe(true);
    expect(file.bytes.length).toBeLessThanOrEqual(length + cluster);
    await opened.instance.write(512, filled(512, 1), 0);
    await opened.instance.close();
    expect(await check(file)).toMatchObject({ corruptions: 0, leaks: 0, allocatedClusters: 1 });
  });
});

describe('changing the backing file', () => {
  it('rewrites the header in one piece', async () => {
    const file = await createImage(MiB, small, { name: 'base.img', format: 'raw' });
    const { instance } = await openOn(file);
    await instance.write(0, filled(512, 1), 0);
    file.steps.length = 0;
    await instance.changeBackingFile({ name: 'other.qcow2', format: 'qcow2' });
    expect(file.steps.map((step) => (step.kind === 'write' ? [step.offset, step.data.length] : step.kind))).toEqual([
      [0, cluster],
      'flush',
    ]);
    expect(instance.backingFile).toEqual({ name: 'other.qcow2', format: 'qcow2' });
    await instance.changeBackingFile(undefined);
    await instance.close();
    expect((await readHeader(file)).backing).toBeUndefined();
    expect(await check(file)).toMatchObject({ corruptions: 0, leaks: 0 });
  });

  it('leaves the file alone when the name does not fit', async () => {
    const file = await createImage(MiB, { cluster_size: 512 }, { name: 'base.img' });
    const { instance } = await openOn(file);
    file.steps.length = 0;
    await expect(instance.changeBackingFile({ name: 'x'.repeat(400) })).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(instance.changeBackingFile({ name: 'x'.repeat(1024) })).rejects.toMatchObject({ code: 'EINVAL' });
    expect(file.steps).toEqual([]);
    expect(instance.backingFile).toEqual({ name: 'base.img' });
  });
});
