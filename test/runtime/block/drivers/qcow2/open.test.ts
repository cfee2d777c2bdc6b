import { describe, expect, it } from 'vitest';
import type { BlockHost, DriverInstance } from '../../../../../runtime/block/driver.js';
import { check } from '../../../../../runtime/block/drivers/qcow2/check/check.js';
import {
  IncompatibleFeature,
  readHeader,
  serialiseHeader,
} from '../../../../../runtime/block/drivers/qcow2/format/header.js';
import { takeSettings } from '../../../../../runtime/block/drivers/qcow2/format/options.js';
import { ioError } from '../../../../../runtime/block/error.js';
import { BlockOptions, type OptionValue } from '../../../../../runtime/block/options.js';
import { MemoryChild } from '../../memory-child.js';
import { SimulatedClock } from '../../simulated-clock.js';
import { createImage, snapshotInfo, testHost } from './images.js';
import { contents, filled, openOn } from './opened.js';

const MiB = 2 ** 20;
const readOnly = { flags: { readOnly: true } };

/** Sets a bit of an image's features. `field`: where it begins. */
function setFeature(file: MemoryChild, field: 72 | 80 | 88, bit: number): void {
  const view = new DataView(file.bytes.buffer, file.bytes.byteOffset);
  view.setBigUint64(field, view.getBigUint64(field) | (1n << BigInt(bit)));
}

describe('opening', () => {
  it('leaves a file that is read-only alone, and one that is read-write, too, until something is written', async () => {
    const file = await createImage(MiB);
    for (const opening of [readOnly, {}]) {
      file.steps.length = 0;
      const opened = await openOn(file, opening);
      expect(opened.instance).toMatchObject({
        length: MiB,
        requestAlignment: 512,
        zeroAlignment: 65536,
        encrypted: false,
        info: { clusterSize: 65536, dirty: false, unallocatedIsZero: true },
      });
      expect((await contents(opened)).every((byte) => byte === 0)).toBe(true);
      await opened.instance.close();
      expect(file.steps.filter(({ kind }) => kind !== 'flush')).toEqual([]);
    }
  });

  it('reports the properties of the format to queries', async () => {
    const options = { compat: '1.1', lazy_refcounts: true, refcount_bits: 8 };
    const three = await openOn(await createImage(MiB, options, { name: 'base.img', format: 'raw' }));
    expect(three.instance.specificInfo()).toEqual({
      type: 'qcow2',
      data: {
        compat: '1.1',
        'lazy-refcounts': true,
        corrupt: false,
        'extended-l2': false,
        'refcount-bits': 8,
        'compression-type': 'zlib',
      },
    });
    expect(three.instance.backingFile).toEqual({ name: 'base.img', format: 'raw' });
    const two = await openOn(await createImage(MiB, { compat: '0.10' }));
    expect(two.instance.specificInfo()).toEqual({
      type: 'qcow2',
      data: { compat: '0.10', 'refcount-bits': 16, 'compression-type': 'zlib' },
    });
    expect(two.instance).toMatchObject({ backingFile: undefined });
  });

  it('refuses a corrupt image for writing, not for reading', async () => {
    const file = await createImage(MiB);
    setFeature(file, 72, 1);
    await expect(openOn(file)).rejects.toMatchObject({ code: 'EACCES' });
    const { instance } = await openOn(file, readOnly);
    expect(instance.specificInfo()).toMatchObject({ data: { corrupt: true } });
    await expect(instance.prepareReopen({ ...noFlags, readOnly: false })).rejects.toMatchObject({ code: 'EACCES' });
  });

  it('refuses features and encryption that are not known', async () => {
    const file = await createImage(MiB);
    setFeature(file, 72, 7);
    await expect(openOn(file)).rejects.toMatchObject({ code: 'ENOTSUP' });
    const encrypted = await createImage(MiB);
    encrypted.bytes[35] = 1;
    await expect(openOn(encrypted)).rejects.toThrow(/AES encryption/);
    const { instance } = await openOn(encrypted, { noIo: true });
    expect(instance.encrypted).toBe(true);
  });

  it.each([1, 2, 255])('refuses compression type %d, as the feature that goes with it is not set', async (type) => {
    const file = await createImage(MiB);
    // A header of 112 bytes, as later releases write it.
    file.bytes.copyWithin(112, 104, 65536 - 8);
    file.bytes.fill(0, 104, 112);
    file.bytes[103] = 112;
    await (await openOn(file, readOnly)).instance.close();
    file.bytes[104] = type;
    for (const opening of [readOnly, {}, { noIo: true }]) {
      await expect(openOn(file, opening)).rejects.toThrow(`The compression type is ${type}`);
    }
  });

  describe('with features that hold only as long as every writer knows them', () => {
    /** What would be persistent bitmaps, of a type that nothing knows, in a directory at the end of the file; and such a feature. */
    async function withBitmaps(...names: string[]): Promise<MemoryChild> {
      const file = await createImage(MiB);
      const records = names.map((name) => {
        const record = Buffer.alloc(Math.ceil((24 + name.length) / 8) * 8);
        record.writeUInt16BE(name.length, 18);
        record.write(name, 24);
        return record;
      });
      const directory = Buffer.concat(records);
      const offset = Math.ceil(file.bytes.length / 65536) * 65536;
      await file.write(offset, directory);
      const data = Buffer.alloc(24);
      data.writeUInt32BE(names.length, 0);
      data.writeBigUInt64BE(BigInt(directory.length), 8);
      data.writeBigUInt64BE(BigInt(offset), 16);
      const header = await readHeader(file);
      const autoclear = (names.length > 0 ? 1n : 0n) | (1n << 40n);
      const changed = { ...header, autoclear, extensions: [{ type: 0x2385_2875, data }] };
      await file.write(0, serialiseHeader(changed));
      file.steps.length = 0;
      return file;
    }

    const autoclearOf = async (file: MemoryChild): Promise<bigint> => (await readHeader(file)).autoclear;

    function listening(): { warnings: string[]; host: BlockHost } {
      const warnings: string[] = [];
      return { warnings, host: { ...testHost, warn: (text) => void warnings.push(text) } };
    }

    it('keeps them and reports nothing where nothing can be written', async () => {
      const file = await withBitmaps('b0');
      const { warnings, host } = listening();
      await (await openOn(file, { ...readOnly, host })).instance.close();
      await (await openOn(file, { noIo: true, host })).instance.close();
      expect([await autoclearOf(file), warnings]).toEqual([1n | (1n << 40n), []]);
    });

    it('warns of them, and keeps them as long as nothing is written', async () => {
      const file = await withBitmaps('b0', 'daily backup');
      const { warnings, host } = listening();
      const opened = await openOn(file, { host });
      await contents(opened);
      await opened.instance.flushToOs();
      await expect(opened.instance.snapshots?.delete?.('none')).rejects.toThrow('There is no snapshot');
      await opened.instance.close();
      expect(file.steps.filter(({ kind }) => kind === 'write')).toEqual([]);
      expect(warnings).toEqual([
        expect.stringMatching(
          /has persistent bitmaps that cannot be used \('b0' is of the unknown type 0\) and autoclear features that are not known here \(bit 40\), .*until the image is written/,
        ),
      ]);
    });

    const changes: [string, (instance: Required<DriverInstance>) => Promise<unknown>][] = [
      ['a write', (instance) => instance.write(0, filled(512, 1), 0)],
      ['a zero-write', (instance) => instance.writeZeroes(0, 65536, 0)],
      ['a discard', (instance) => instance.discard(0, 65536)],
      ['a compressed write', (instance) => instance.writeCompressed(0, filled(65536, 1))],
      ['a resize', (instance) => instance.truncate(2 * MiB)],
      ['another backing file', (instance) => instance.changeBackingFile({ name: 'b' })],
      ['making it empty', (instance) => instance.makeEmpty()],
      ['a snapshot', async (instance) => instance.snapshots.create?.(snapshotInfo)],
    ];
    it.each(changes)('clears them before anything else at the first change: %s', async (_, change) => {
      const file = await withBitmaps('b0');
      const { warnings, host } = listening();
      const { instance } = await openOn(file, { host });
      await Promise.all([change(instance), instance.write(65536, filled(512, 2), 0)]);
      const [first, second] = file.steps;
      expect(first).toMatchObject({ kind: 'write', offset: 88, data: new Uint8Array(8) });
      expect(second).toMatchObject({ kind: 'flush' });
      await instance.close();
      expect(await autoclearOf(file)).toBe(0n);
      expect(warnings.slice(1)).toEqual([
        expect.stringMatching(/is being written: its persistent bitmaps .*'b0'.* not valid any more/),
      ]);
    });

    it('fails the change when the header cannot be written, and clears them at the next one', async () => {
      const file = await withBitmaps('b0');
      const { instance } = await openOn(file);
      file.onRequest = (kind, offset) => {
        if (kind === 'write' && offset === 88) throw ioError('ENOSPC');
      };
      await expect(instance.write(0, filled(512, 1), 0)).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(file.steps).toEqual([]);
      file.onRequest = () => {};
      await instance.write(0, filled(512, 1), 0);
      expect(await autoclearOf(file)).toBe(0n);
    });

    it('warns when the image becomes writable', async () => {
      const file = await withBitmaps('b0');
      const { warnings, host } = listening();
      const { instance, node } = await openOn(file, { ...readOnly, host });
      expect(warnings).toEqual([]);
      const up = await instance.prepareReopen(noFlags);
      node.flags = noFlags;
      await up.commit();
      expect(warnings).toEqual([expect.stringContaining("'b0' is of the unknown type 0")]);
      expect(await autoclearOf(file)).not.toBe(0n);
    });

    it('opens an image whose directory of bitmaps is damaged', async () => {
      for (const damage of [
        (data: Buffer) => data.writeBigUInt64BE(2n ** 63n, 8),
        (data: Buffer) => data.writeBigUInt64BE(2n ** 63n, 16),
        (data: Buffer) => data.writeBigUInt64BE(2n ** 40n, 16),
        (data: Buffer) => data.writeBigUInt64BE(2n ** 26n, 8),
      ]) {
        const file = await withBitmaps('b0');
        const header = await readHeader(file);
        const data = Buffer.from(header.extensions[0]?.data ?? []);
        damage(data);
        await file.write(0, serialiseHeader({ ...header, extensions: [{ type: 0x2385_2875, data }] }));
        const { warnings, host } = listening();
        await (await openOn(file, { host })).instance.close();
        expect(warnings).toHaveLength(1);
      }
    });
  });

  it('repairs an image that was not closed, if it may write', async () => {
    const file = await createImage(MiB, { lazy_refcounts: true, cluster_size: 4096 });
    const { instance } = await openOn(file);
    await instance.write(0, filled(65536, 7), 0);
    await instance.flushToOs();
    expect(instance.info?.dirty).toBe(true);
    expect((await check(file)).corruptions).toBeGreaterThan(0);
    // It is as if the power had gone off here.
    const warnings: string[] = [];
    const again = new MemoryChild(file.bytes.slice());
    await (await openOn(again, readOnly)).instance.close();
    await (await openOn(again, { noIo: true })).instance.close();
    expect((await readHeader(again)).incompatible).toBe(IncompatibleFeature.dirty);
    const opened = await openOn(again, { host: { ...testHost, warn: (text) => void warnings.push(text) } });
    expect(warnings).toHaveLength(1);
    expect(opened.instance.info?.dirty).toBe(false);
    expect(await check(again)).toMatchObject({ corruptions: 0, leaks: 0 });
    expect((await contents(opened)).subarray(0, 65536).every((byte) => byte === 7)).toBe(true);
    await instance.close();
    expect((await readHeader(file)).incompatible).toBe(0);
    expect(await check(file)).toMatchObject({ corruptions: 0, leaks: 0 });
  });

  it('refuses a refcount block that is used twice, which a search for space could go round in', async () => {
    const file = await createImage(MiB, { cluster_size: 4096 });
    file.bytes.copyWithin(4096 + 8, 4096, 4096 + 8);
    await expect(openOn(file)).rejects.toMatchObject({ code: 'EACCES' });
    await openOn(file, readOnly);
  });
});

const noFlags = { readOnly: false, direct: false, noFlush: false, unmap: true };

describe('reopening', () => {
  it('writes everything and clears the dirty bit when it becomes read-only, and goes on when it is writable again', async () => {
    const file = await createImage(MiB, { lazy_refcounts: true, cluster_size: 4096 });
    const { instance, node } = await openOn(file);
    await instance.write(0, filled(8192, 1), 0);
    const down = await instance.prepareReopen({ ...noFlags, readOnly: true });
    node.flags = { ...noFlags, readOnly: true };
    await down.commit();
    expect(await check(file)).toMatchObject({ corruptions: 0, leaks: 0 });
    expect((await readHeader(file)).incompatible).toBe(0);
    setFeature(file, 88, 0);
    const up = await instance.prepareReopen(noFlags);
    node.flags = noFlags;
    await up.commit();
    await instance.write(0, filled(65536, 2), 0);
    await instance.close();
    expect(await check(file)).toMatchObject({ corruptions: 0, leaks: 0, allocatedClusters: 16 });
  });

  it('leaves the image as it was when reopening is aborted', async () => {
    const file = await createImage(MiB);
    const { instance } = await openOn(file);
    await (await instance.prepareReopen({ ...noFlags, readOnly: true })).abort();
    await instance.write(0, filled(512, 1), 0);
    await instance.close();
    expect(await check(file)).toMatchObject({ corruptions: 0, leaks: 0, allocatedClusters: 1 });
  });

  it('refuses to reopen an image for writing that was not closed', async () => {
    const file = await createImage(MiB);
    setFeature(file, 72, 0);
    const { instance } = await openOn(file, readOnly);
    await expect(instance.prepareReopen(noFlags)).rejects.toMatchObject({ code: 'EACCES' });
  });
});

describe('options', () => {
  const sizes = (options: { [name: string]: OptionValue }, clusterSize = 65536) => {
    const { l2Tables, refcountBlocks } = takeSettings(BlockOptions.flatten(options), clusterSize);
    return [l2Tables, refcountBlocks];
  };

  it('sizes the caches: 1 MiB of L2 tables, or 8 of them, and a quarter of that for refcounts', () => {
    expect(sizes({})).toEqual([16, 4]);
    expect(sizes({}, 512)).toEqual([2048, 512]);
    expect(sizes({}, 2 * MiB)).toEqual([8, 4]);
    expect(sizes({ 'l2-cache-size': 8 * MiB })).toEqual([128, 32]);
    expect(sizes({ 'refcount-cache-size': MiB })).toEqual([64, 16]);
    expect(sizes({ 'l2-cache-size': '512K', 'refcount-cache-size': '1M' })).toEqual([8, 16]);
    expect(sizes({ 'cache-size': 5 * MiB })).toEqual([64, 16]);
    expect(sizes({ 'cache-size': 5 * MiB, 'l2-cache-size': MiB })).toEqual([16, 64]);
    expect(sizes({ 'cache-size': 5 * MiB, 'refcount-cache-size': 4 * MiB })).toEqual([16, 64]);
    expect(sizes({ 'cache-size': 0 })).toEqual([2, 4]);
  });

  const wrong: readonly { [name: string]: OptionValue }[] = [
    { 'cache-size': MiB, 'l2-cache-size': 2 * MiB },
    { 'cache-size': MiB, 'refcount-cache-size': 2 * MiB },
    { 'cache-size': MiB, 'l2-cache-size': 1, 'refcount-cache-size': 1 },
    { 'overlap-check': 'none', 'overlap-check.template': 'all' },
    { 'overlap-check': 'some' },
    { 'cache-clean-interval': -1 },
  ];
  it.each(wrong)('refuses options that are wrong or contradict each other: %o', (options) => {
    expect(() => sizes(options)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });

  it('an option overrides the lazy refcounts of the image, from version 3 on', async () => {
    const file = await createImage(MiB, { lazy_refcounts: true });
    const { instance } = await openOn(file, { options: { 'lazy-refcounts': false } });
    await instance.write(0, filled(512, 1), 0);
    expect(instance.info?.dirty).toBe(false);
    const old = await createImage(MiB, { compat: '0.10' });
    await expect(openOn(old, { options: { 'lazy-refcounts': true } })).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('drops tables from the caches that are not used for some time', async () => {
    const clock = new SimulatedClock();
    const file = await createImage(64 * MiB, { cluster_size: 4096, preallocation: 'metadata' });
    const { instance } = await openOn(file, {
      options: { 'cache-clean-interval': 10 },
      host: { ...testHost, clock },
    });
    const loads = () => file.events.filter((event) => event === 'l2_load').length;
    await instance.read(0, filled(512, 0), 0);
    await clock.advance(10e9);
    await instance.read(0, filled(512, 0), 0);
    expect(loads()).toBe(1);
    await clock.advance(20e9);
    await instance.read(0, filled(512, 0), 0);
    expect(loads()).toBe(2);
    await instance.close();
    await clock.advance(100e9);
  });
});
