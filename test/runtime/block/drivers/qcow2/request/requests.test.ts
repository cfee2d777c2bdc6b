import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { check } from '../../../../../../runtime/block/drivers/qcow2/check/check.js';
import { ioError } from '../../../../../../runtime/block/error.js';
import { BlockOptions } from '../../../../../../runtime/block/options.js';
import { RequestFlag } from '../../../../../../runtime/block/request-flag.js';
import { MemoryChild } from '../../../memory-child.js';
import { afterCrash } from '../crash.js';
import { createImage, snapshotInfo } from '../images.js';
import { contents, filled, openOn } from '../opened.js';

const cluster = 4096;
const MiB = 2 ** 20;
const small = { cluster_size: cluster };
/** Where the first cluster that is written goes, behind header, refcount table, refcount block, L1 and L2 table. */
const firstData = 5 * cluster;

function writesOf(file: MemoryChild): (readonly [offset: number, length: number])[] {
  return file.steps.flatMap((step) => (step.kind === 'write' ? [[step.offset, step.data.length] as const] : []));
}

describe('writes', () => {
  it('writes and reads a cluster that has its place with one request to the file', async () => {
    const file = await createImage(MiB, { ...small, preallocation: 'metadata' });
    const { instance } = await openOn(file);
    await instance.read(0, filled(512, 0), 0);
    file.steps.length = 0;
    file.events.length = 0;
    await instance.write(3 * cluster + 512, filled(200_192, 1), 0);
    expect(writesOf(file)).toHaveLength(1);
    await instance.read(3 * cluster + 512, filled(200_192, 0), 0);
    expect(file.events).toEqual(['write_aio', 'read_aio']);
  });

  it('allocates a cluster once for many writes to its parts at once', async () => {
    const file = await createImage(MiB, small, { name: 'base.img' });
    const backing = new MemoryChild(filled(MiB, 0xbb), 'backing');
    const opened = await openOn(file, { backing });
    const parts = [0, 1, 2, 3, 5, 6];
    await Promise.all(parts.map((part) => opened.instance.write(part * 512, filled(512, part + 1), 0)));
    await opened.instance.flushToOs();
    expect(await check(file)).toMatchObject({ allocatedClusters: 1, leaks: 0, corruptions: 0 });
    const found = await contents(opened, 0, cluster);
    expect(Array.from({ length: 8 }, (_, part) => found[part * 512])).toEqual([1, 2, 3, 4, 0xbb, 6, 7, 0xbb]);
  });

  it('writes the data of different clusters side by side', async () => {
    const file = await createImage(MiB, small);
    const { instance } = await openOn(file);
    let [active, most] = [0, 0];
    const write = file.write.bind(file);
    file.write = async (offset, data) => {
      most = Math.max(most, ++active);
      await write(offset, data);
      active--;
    };
    await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((each) => instance.write(each * 8192, filled(512, 1), 0)));
    expect(most).toBeGreaterThan(3);
  });

  it('fills the rest of a new cluster only where that is not zero anyway', async () => {
    const file = await createImage(MiB, small);
    const { instance } = await openOn(file);
    file.steps.length = 0;
    await instance.write(512, filled(512, 1), 0);
    expect(writesOf(file)).toContainEqual([firstData + 512, 512]);
    await instance.discard(0, cluster);
    await instance.flushToOs();
    file.steps.length = 0;
    // The place is used again, with old data in it.
    await instance.write(512, filled(512, 1), 0);
    expect(writesOf(file)).toContainEqual([firstData, cluster]);
  });

  it('does not reuse a freed cluster while its old data is still being written', async () => {
    const file = await createImage(MiB, small);
    const opened = await openOn(file);
    const { instance } = opened;
    await instance.write(0, filled(cluster, 1), 0);
    const write = file.write.bind(file);
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    file.write = async (offset, data) => {
      if (data[0] === 2) await held;
      await write(offset, data);
    };
    const slow = instance.write(0, filled(cluster, 2), 0);
    await instance.discard(0, cluster);
    const flushed = instance.flushToOs();
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    await instance.write(cluster, filled(cluster, 3), 0);
    release();
    await Promise.all([slow, flushed]);
    await instance.write(2 * cluster, filled(cluster, 4), 0);
    const found = await contents(opened, 0, 3 * cluster);
    expect([found[0], found[cluster], found[2 * cluster]]).toEqual([0, 3, 4]);
  });

  it('frees the clusters of a write that fails', async () => {
    const file = await createImage(MiB, small);
    const { instance } = await openOn(file);
    file.onRequest = (kind, _, length) => {
      if (kind === 'write' && length === 5 * cluster) throw ioError('ENOSPC');
    };
    await expect(instance.write(0, filled(5 * cluster, 1), 0)).rejects.toMatchObject({ code: 'ENOSPC' });
    await instance.close();
    expect(await check(file)).toMatchObject({ allocatedClusters: 0, leaks: 0, corruptions: 0 });
  });

  it('reads the data to copy before it announces to write it', async () => {
    const file = await createImage(MiB, small, { name: 'base.img' });
    const { instance } = await openOn(file, { backing: new MemoryChild(filled(MiB, 9), 'backing') });
    file.events.length = 0;
    await instance.write(512, filled(512, 1), 0);
    expect(file.events).toEqual([
      'cluster_alloc',
      'refblock_load',
      'refblock_update_part',
      'l2_alloc_write',
      'l1_update',
      'cluster_alloc',
      'cow_read',
      'read_backing_aio',
      'read_backing_aio',
      'cow_write',
      'write_aio',
    ]);
    file.events.length = 0;
    await instance.flushToOs();
    expect(file.events).toEqual(['refblock_update_part', 'l2_update']);
  });
});

describe('zero-writes', () => {
  it('keeps the place of a zeroed cluster, unless it may be given up', async () => {
    const file = await createImage(MiB, small);
    const opened = await openOn(file);
    const { instance } = opened;
    await instance.write(0, filled(2 * cluster, 1), 0);
    await instance.writeZeroes(0, cluster, 0);
    await instance.writeZeroes(cluster, cluster, RequestFlag.mayUnmap);
    await instance.flushToOs();
    expect(await check(file)).toMatchObject({ allocatedClusters: 1, leaks: 0, corruptions: 0 });
    expect(await instance.blockStatus(0, 2 * cluster)).toMatchObject({ allocated: true, data: false, zero: true });
    expect((await contents(opened, 0, 2 * cluster)).every((byte) => byte === 0)).toBe(true);
    file.steps.length = 0;
    await instance.write(512, filled(512, 5), 0);
    expect(writesOf(file)).toEqual([[firstData, cluster]]);
    expect((await contents(opened, 0, cluster)).findIndex((byte) => byte !== 0)).toBe(512);
  });

  it('a crash does not bring back the data of a zeroed cluster that keeps its place', async () => {
    const file = await createImage(MiB, small);
    const { instance } = await openOn(file);
    await instance.write(0, filled(cluster, 1), 0);
    await instance.writeZeroes(0, cluster, 0);
    await instance.flushToOs();
    const before = file.bytes.slice();
    file.steps.length = 0;
    await instance.write(512, filled(512, 5), 0);
    await instance.flushToOs();
    // All that was not flushed is lost, but for what came last: the L2 table.
    for (let lost = 0; lost < 2 ** 6; lost++) {
      let turn = 0;
      const random = () => ((lost >> turn++) & 1 ? 0.9 : 0);
      const disk = new MemoryChild(afterCrash(before, file.steps, file.steps.length, random));
      const found = await contents(await openOn(disk, { flags: { readOnly: true } }), 1024, 2048);
      expect(found.every((byte) => byte === 0)).toBe(true);
    }
  });

  it('zeroes a part of a cluster by its entry where the rest is zero, and refuses otherwise', async () => {
    const file = await createImage(MiB + 512, small, { name: 'base.img' });
    const backing = new MemoryChild(filled(3 * cluster + 1024, 9), 'backing');
    const { instance } = await openOn(file, { backing });
    const refused = { code: 'ENOTSUP' };
    await expect(instance.writeZeroes(0, 512, 0)).rejects.toMatchObject(refused);
    await expect(instance.writeZeroes(3 * cluster + 1024, 512, 0)).rejects.toMatchObject(refused);
    await instance.writeZeroes(3 * cluster, 1024, 0);
    await instance.writeZeroes(5 * cluster + 512, 512, 0);
    await instance.writeZeroes(MiB, 512, 0);
    await instance.write(6 * cluster, filled(512, 1), 0);
    await expect(instance.writeZeroes(6 * cluster + 512, 512, 0)).rejects.toMatchObject(refused);
    expect(await instance.blockStatus(3 * cluster, cluster)).toMatchObject({ allocated: true, zero: true });
  });

  it('refuses zero-writes in version 2', async () => {
    const { instance } = await openOn(await createImage(MiB, { compat: '0.10' }));
    await expect(instance.writeZeroes(0, 65536, 0)).rejects.toMatchObject({ code: 'ENOTSUP' });
  });
});

describe('discards', () => {
  it.each([
    ['as the node says', {}, true],
    ['although the node does not', { 'pass-discard-request': true }, true],
    ['not', { 'pass-discard-request': false }, false],
  ] as const)('passes discards on to the file when that is safe: %s', async (title, options, passed) => {
    const file = await createImage(MiB, small);
    const unmap = title !== 'although the node does not';
    const { instance } = await openOn(file, { options, flags: { unmap } });
    await instance.write(0, filled(4 * cluster, 1), 0);
    file.steps.length = 0;
    await instance.discard(512, 3 * cluster);
    expect(file.steps).toEqual([]);
    await instance.flushToOs();
    const discards = file.steps.filter(({ kind }) => kind === 'discard');
    expect(discards).toEqual(passed ? [{ kind: 'discard', offset: firstData + cluster, length: 2 * cluster }] : []);
  });

  it('discards hide the backing file from version 3 on, and do not before', async () => {
    for (const [compat, byte] of [
      ['1.1', 0],
      ['0.10', 9],
    ] as const) {
      const file = await createImage(MiB, { ...small, compat }, { name: 'base.img' });
      const opened = await openOn(file, { backing: new MemoryChild(filled(MiB, 9), 'backing') });
      await opened.instance.write(0, filled(cluster, 1), 0);
      await opened.instance.discard(0, 2 * cluster);
      expect((await contents(opened, 0, 2 * cluster)).every((each) => each === byte)).toBe(true);
    }
  });
});

describe('discards with discard-no-unref', () => {
  const options = { 'discard-no-unref': true };
  const discardsOf = (file: MemoryChild) =>
    file.steps.flatMap((step) => (step.kind === 'discard' ? [[step.offset, step.length]] : []));

  it.each([
    [false, true],
    [false, false],
    [true, true],
  ])(
    'keeps the places of discarded clusters, from which the data goes (extended L2 entries: %s, passed on: %s)',
    async (extended, passed) => {
      const size = extended ? 16_384 : cluster;
      const file = await createImage(MiB, { cluster_size: size, extended_l2: extended });
      const opened = await openOn(file, { options: { ...options, 'pass-discard-request': passed } });
      const { instance } = opened;
      await instance.write(0, filled(6 * size, 1), 0);
      const { offset = 0 } = await instance.blockStatus(0, size);
      await instance.discard(512, 3 * size);
      await instance.writeZeroes(4 * size, size, RequestFlag.mayUnmap);
      await instance.writeZeroes(5 * size, size, 0);
      const kept = [
        [offset + size, 2 * size],
        [offset + 4 * size, size],
      ];
      await instance.flushToOs();
      expect(discardsOf(file)).toEqual(passed ? kept : []);
      for (const each of [1, 2, 4, 5]) {
        expect(await instance.blockStatus(each * size, size)).toMatchObject({ zero: true, data: false });
      }
      expect(await check(file)).toMatchObject({ allocatedClusters: 6, leaks: 0, corruptions: 0 });
      // They are written again where they were, and what is not written of them is zero.
      const length = file.bytes.length;
      await instance.write(size + 512, filled(512, 2), 0);
      const found = await contents(opened, 0, 4 * size);
      expect(found.subarray(0, size).every((byte) => byte === 1)).toBe(true);
      expect(found.subarray(size, 3 * size).findIndex((byte) => byte !== 0)).toBe(512);
      expect(found.subarray(size + 1024, 3 * size).every((byte) => byte === 0)).toBe(true);
      await instance.close();
      expect(file.bytes.length).toBe(length);
      expect(await check(file)).toMatchObject({ allocatedClusters: 6, leaks: 0, corruptions: 0 });
    },
  );

  it('leaves what a snapshot has, too, to the snapshot when it is discarded', async () => {
    const file = await createImage(MiB, small);
    const { instance } = await openOn(file, { options });
    await instance.write(0, filled(2 * cluster, 1), 0);
    await instance.snapshots.create?.(snapshotInfo);
    file.steps.length = 0;
    await instance.discard(0, cluster);
    await instance.writeZeroes(cluster, cluster, RequestFlag.mayUnmap);
    expect(await instance.blockStatus(0, 2 * cluster)).not.toHaveProperty('offset');
    await instance.close();
    expect(discardsOf(file)).toEqual([]);
    expect(Buffer.from(file.bytes.subarray(firstData, firstData + 2 * cluster)).every((byte) => byte === 1)).toBe(true);
    expect(await check(file)).toMatchObject({ leaks: 0, corruptions: 0 });
  });

  it('frees discarded clusters that are compressed, since they have no places of their own', async () => {
    const file = await createImage(MiB, { cluster_size: 65536 });
    const { instance } = await openOn(file, { options });
    await instance.writeCompressed(0, Buffer.alloc(65_536, 'a'));
    await instance.discard(0, 65_536);
    await instance.close();
    expect(await check(file)).toMatchObject({ allocatedClusters: 0, leaks: 0, corruptions: 0 });
  });

  it('refuses discard-no-unref for version 2, when an image is opened and when it is reopened', async () => {
    const file = await createImage(MiB, { ...small, compat: '0.10' });
    await expect(openOn(file, { options })).rejects.toThrow('discard-no-unref is only supported since qcow2 version 3');
    const { instance, node } = await openOn(file);
    const again = instance.prepareReopen(node.flags, BlockOptions.flatten(options));
    await expect(again).rejects.toThrow('discard-no-unref is only supported since qcow2 version 3');
  });

  it('keeps the places of discarded clusters or frees them, as the options say with which an image was reopened', async () => {
    const file = await createImage(MiB, small);
    const { instance, node } = await openOn(file);
    await instance.write(0, filled(2 * cluster, 1), 0);
    await instance.discard(0, cluster);
    await instance.flushToOs();
    expect((await check(file)).allocatedClusters).toBe(1);
    await (await instance.prepareReopen(node.flags, BlockOptions.flatten(options))).commit();
    await instance.discard(cluster, cluster);
    await instance.flushToOs();
    expect((await check(file)).allocatedClusters).toBe(1);
    await (await instance.prepareReopen(node.flags, new BlockOptions())).commit();
    await instance.discard(cluster, cluster);
    await instance.close();
    expect((await check(file)).allocatedClusters).toBe(0);
  });
});

describe('compressed writes', () => {
  it('packs compressed clusters into shared host clusters, and reads them, also in parts', async () => {
    for (const refcount_bits of [16, 1]) {
      const file = await createImage(MiB, { cluster_size: 65536, refcount_bits });
      const opened = await openOn(file);
      const data = Buffer.concat(Array.from({ length: 8 }, (_, each) => Buffer.alloc(65536, `cluster ${each} `)));
      await opened.instance.writeCompressed(0, data);
      expect(Buffer.compare(await contents(opened, 0, data.length), data)).toBe(0);
      expect((await contents(opened, 100 * 512, 70_144)).compare(data.subarray(51_200, 121_344))).toBe(0);
      expect(await opened.instance.blockStatus(0, MiB)).toEqual({
        length: 65536,
        allocated: true,
        data: true,
        zero: false,
      });
      await opened.instance.write(512, filled(512, 1), 0);
      filled(512, 1).forEach((byte, at) => {
        data[512 + at] = byte;
      });
      expect(Buffer.compare(await contents(opened, 0, data.length), data)).toBe(0);
      await opened.instance.close();
      expect(await check(file)).toMatchObject({ compressedClusters: 7, leaks: 0, corruptions: 0 });
      if (refcount_bits === 16) expect(file.bytes.length).toBeLessThan(8 * 65536);
    }
  });

  it('stores data uncompressed that does not get shorter', async () => {
    const file = await createImage(MiB, small);
    const opened = await openOn(file);
    const data = randomBytes(2 * cluster);
    await opened.instance.writeCompressed(0, data);
    await opened.instance.close();
    expect(await check(file)).toMatchObject({ compressedClusters: 0, allocatedClusters: 2, leaks: 0 });
    expect(Buffer.compare(await contents(await openOn(file), 0, data.length), data)).toBe(0);
  });

  it('compresses a last cluster that ends with the disk', async () => {
    const file = await createImage(cluster + 1024, small);
    const opened = await openOn(file);
    await opened.instance.writeCompressed(0, filled(cluster + 1024, 3));
    expect((await contents(opened)).every((byte) => byte === 3)).toBe(true);
  });
});

describe('status', () => {
  it('tells where data is, and what has an entry', async () => {
    const file = await createImage(MiB, small);
    const { instance } = await openOn(file);
    await instance.write(cluster, filled(2 * cluster, 1), 0);
    await instance.writeZeroes(3 * cluster, cluster, 0);
    const nothing = { allocated: false, data: false, zero: false };
    expect(await instance.blockStatus(0, MiB)).toEqual({ length: cluster, ...nothing });
    expect(await instance.blockStatus(cluster + 512, MiB)).toEqual({
      length: 2 * cluster - 512,
      allocated: true,
      data: true,
      zero: false,
      offset: firstData + 512,
      file,
    });
    expect(await instance.blockStatus(3 * cluster, 512)).toEqual({
      length: 512,
      allocated: true,
      data: false,
      zero: true,
    });
    expect(await instance.blockStatus(4 * cluster, MiB)).toMatchObject(nothing);
  });
});
