import { describe, expect, it } from 'vitest';
import { check } from '../../../../../../runtime/block/drivers/qcow2/check/check.js';
import { readHeader } from '../../../../../../runtime/block/drivers/qcow2/format/header.js';
import { ioError } from '../../../../../../runtime/block/error.js';
import { MemoryChild } from '../../../memory-child.js';
import { afterCrash } from '../crash.js';
import { createImage } from '../images.js';
import { contents, filled, openOn } from '../opened.js';

const cluster = 4096;
const MiB = 2 ** 20;
const small = { cluster_size: cluster };

describe('resizing', () => {
  it('requires whole sectors, and sizes that the L1 table can map', async () => {
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

describe('resizing that fails', () => {
  it.each([
    ['growing', MiB / 16, 4 * MiB],
    ['shrinking', MiB / 2, MiB / 8 - 512],
  ])('leaves a sound image that can be tried again with: %s', async (_, from, to) => {
    for (let failing = 0, failed = true; failed; failing++) {
      const file = await createImage(from, { cluster_size: 1024 });
      const opened = await openOn(file, { backing: new MemoryChild(filled(MiB / 4, 9), 'backing') });
      await opened.instance.write(0, filled(from, 1), 0);
      let count = 0;
      file.onRequest = () => {
        if (count++ === failing) throw ioError('ENOSPC');
      };
      failed = await opened.instance.truncate(to).then(
        () => false,
        () => true,
      );
      file.onRequest = () => {};
      expect(await check(new MemoryChild(file.bytes))).toMatchObject({ corruptions: 0, checkErrors: 0 });
      await opened.instance.truncate(to);
      const found = await contents(opened);
      expect(found.findIndex((byte) => byte !== 1)).toBe(to < from ? -1 : from);
      expect(found.subarray(from).every((byte) => byte === 0)).toBe(true);
      await opened.instance.close();
      expect(await check(file)).toMatchObject({ corruptions: 0, checkErrors: 0 });
      if (!failed) expect(failing).toBeGreaterThan(5);
    }
  });
});

describe('making empty', () => {
  const variants = [
    { ...small, lazy_refcounts: true },
    { ...small, compat: '0.10' },
    { cluster_size: 512, refcount_bits: 64 },
  ];
  const backing = () => new MemoryChild(filled(4 * MiB, 9), 'backing');

  it.each(variants)('an emptied image shows its backing file, and returns its space: %o', async (options) => {
    const file = await createImage(4 * MiB, options, { name: 'base.img' });
    const length = file.bytes.length;
    const opened = await openOn(file, { backing: backing() });
    await opened.instance.write(0, filled(3 * MiB, 1), 0);
    await opened.instance.discard(3 * MiB, MiB);
    await opened.instance.writeCompressed(MiB, filled(2 * options.cluster_size, 3));
    await opened.instance.makeEmpty();
    expect((await contents(opened)).every((byte) => byte === 9)).toBe(true);
    expect(file.bytes.length).toBeLessThan(length + MiB / 4);
    await opened.instance.write(512, filled(512, 1), 0);
    await opened.instance.write(4 * MiB - 512, filled(512, 1), 0);
    await opened.instance.close();
    expect(await check(file)).toMatchObject({ corruptions: 0, leaks: 0, allocatedClusters: 2 });
    const found = await contents(await openOn(file, { backing: backing() }));
    expect([0, 512, 1024, 2 * MiB, 4 * MiB - 1].map((at) => found[at])).toEqual([9, 1, 9, 9, 1]);
  });

  it('empties an image without snapshots in a few writes', async () => {
    const file = await createImage(4 * MiB, small, { name: 'base.img' });
    const { instance } = await openOn(file, { backing: backing() });
    await instance.write(0, filled(3 * MiB, 1), 0);
    file.events.length = 0;
    await instance.makeEmpty();
    expect(file.events).toEqual(expect.arrayContaining(['l1_update', 'empty_image_prepare', 'reftable_update']));
    expect(file.events).not.toContain('cluster_free');
    expect(file.bytes.length).toBe(4 * cluster);
  });

  it('a failure to empty stops the image, which is repaired when it is opened again', async () => {
    // As long as there is a request to fail.
    for (let failing = 0, failed = true; failed; failing++) {
      const file = await createImage(4 * MiB, small);
      const { instance } = await openOn(file);
      await instance.write(0, filled(MiB, 1), 0);
      await instance.flushToOs();
      let count = 0;
      file.onRequest = (kind) => {
        if (kind !== 'read' && kind !== 'truncate' && count++ === failing) throw ioError('EIO');
      };
      failed = await instance.makeEmpty().then(
        () => false,
        () => true,
      );
      file.onRequest = () => {};
      await instance.close();
      const again = await openOn(file);
      const found = await contents(again);
      expect(found.every((byte, at) => byte === 0 || (byte === 1 && failed && at < MiB))).toBe(true);
      await again.instance.close();
      expect(await check(file)).toMatchObject({ corruptions: 0, checkErrors: 0 });
      if (!failed) expect(failing).toBeGreaterThan(5);
    }
  });

  it('leaves an image that can be repaired whenever the power goes off', async () => {
    const file = await createImage(4 * MiB, { ...small, refcount_bits: 64 });
    const { instance } = await openOn(file);
    for (let at = 0; at < 4 * MiB; at += 2 ** 18) await instance.write(at, filled(2 ** 17, 1), 0);
    await instance.flushToOs();
    const before = file.bytes.slice();
    file.steps.length = 0;
    await instance.makeEmpty();
    let state = 3;
    const random = () => {
      state = (state * 1103515245 + 12345) % 2 ** 31;
      return state / 2 ** 31;
    };
    for (let end = 0; end <= file.steps.length; end++) {
      for (let time = 0; time < 5; time++) {
        const disk = new MemoryChild(afterCrash(before, file.steps, end, random));
        const opened = await openOn(disk);
        const found = await contents(opened);
        expect(found.every((byte, at) => byte === 0 || (byte === 1 && at % 2 ** 18 < 2 ** 17))).toBe(true);
        await opened.instance.write(0, filled(cluster, 5), 0);
        await opened.instance.close();
        expect(await check(disk)).toMatchObject({ corruptions: 0, checkErrors: 0 });
      }
    }
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
    await expect(instance.changeBackingFile({ name: 'x'.repeat(450) })).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(instance.changeBackingFile({ name: 'x'.repeat(1024) })).rejects.toMatchObject({ code: 'EINVAL' });
    expect(file.steps).toEqual([]);
    expect(instance.backingFile).toEqual({ name: 'base.img' });
  });
});
