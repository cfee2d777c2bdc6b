import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BitmapContents } from '../../../../../runtime/block/abilities.js';
import { DirtyBits, type Stretch } from '../../../../../runtime/block/bitmaps/dirty-bits.js';
import { check } from '../../../../../runtime/block/drivers/qcow2/check/check.js';
import { repair } from '../../../../../runtime/block/drivers/qcow2/check/repair.js';
import {
  bitmapDirectoryOf,
  withDirectory,
} from '../../../../../runtime/block/drivers/qcow2/format/bitmap-directory.js';
import { readHeader, serialiseHeader } from '../../../../../runtime/block/drivers/qcow2/format/header.js';
import { ioError } from '../../../../../runtime/block/error.js';
import { MemoryChild } from '../../memory-child.js';
import { randomFrom } from '../../random-from.js';
import { afterCrash } from './crash.js';
import { createImage, snapshotInfo } from './images.js';
import { contents, filled, type Opened, openOn } from './opened.js';

const KiB = 1024;
const MiB = KiB * KiB;
const readOnly = { flags: { readOnly: true } };

/** A bitmap as the layer has it: what is dirty is in memory. */
class Kept implements BitmapContents {
  readonly name: string;
  readonly granularity: number;
  recording: boolean;
  readonly inconsistent: boolean;
  readonly bits: DirtyBits;

  constructor(size: number, name: string, granularity: number, recording = true, inconsistent = false) {
    this.name = name;
    this.granularity = granularity;
    this.recording = recording;
    this.inconsistent = inconsistent;
    this.bits = new DirtyBits(size, granularity);
  }

  runs(): Iterable<Stretch> {
    return this.bits.runs();
  }
}

/** The bitmaps of an open image, kept from now on. */
async function load({ instance }: Opened): Promise<Kept[]> {
  const found: Kept[] = [];
  for (const { name, granularity, recording, inconsistent } of instance.bitmaps.kept) {
    const kept = new Kept(instance.length, name, granularity, recording, inconsistent);
    const dirty = (offset: number, length: number): void => kept.bits.set(offset, length);
    if (!inconsistent) expect(await instance.bitmaps.load(name, dirty)).toBe(true);
    found.push(kept);
  }
  instance.bitmaps.keepFrom(() => found);
  return found;
}

/** An image with some bitmaps, closed. */
async function withBitmaps(size: number, options: object, bitmaps: readonly Kept[]): Promise<MemoryChild> {
  const file = await createImage(size, { ...options });
  const opened = await openOn(file);
  opened.instance.bitmaps.keepFrom(() => bitmaps);
  await opened.instance.close();
  return file;
}

/** Writes, and records that as the layer does: when the write is over. */
async function write(opened: Opened, bitmaps: readonly Kept[], offset: number, data: Uint8Array): Promise<void> {
  try {
    await opened.instance.write(offset, data, 0);
  } finally {
    for (const { recording, bits } of bitmaps) if (recording) bits.set(offset, data.length);
  }
}

const sound = { corruptions: 0, leaks: 0, checkErrors: 0 };

describe('persistent bitmaps of an image', () => {
  it('reads back what was stored, whatever the sizes', async () => {
    const stretches = fc.array(fc.tuple(fc.nat(2 ** 20), fc.nat(2 ** 17)), { maxLength: 12 });
    const bitmap = fc.record({ granularityBits: fc.integer({ min: 9, max: 18 }), stretches, recording: fc.boolean() });
    const disks = fc.record({
      sectors: fc.integer({ min: 1, max: 2 ** 20 }),
      clusterBits: fc.integer({ min: 9, max: 13 }),
      bitmaps: fc.array(bitmap, { minLength: 1, maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(disks, async ({ sectors, clusterBits, bitmaps }) => {
        const size = sectors * 512;
        const made = bitmaps.map(({ granularityBits, stretches: dirty, recording }, index) => {
          const kept = new Kept(size, `b${index}`, 2 ** granularityBits, recording);
          for (const [sector, count] of dirty) kept.bits.set(sector * 512, count * 512);
          return kept;
        });
        const file = await withBitmaps(size, { cluster_size: 2 ** clusterBits }, made);
        expect(await check(file)).toMatchObject(sound);
        const opened = await openOn(file, readOnly);
        const found = await load(opened);
        const shown = (kept: Kept) => ({ ...kept, bits: [...kept.runs()] });
        expect(found.map(shown)).toEqual(made.map(shown));
      }),
      { numRuns: 40 },
    );
  });

  it('takes no clusters for what is all clean or all dirty', async () => {
    const size = 512 * 4096 * 4;
    const kept = new Kept(size, 'b', 512);
    kept.bits.set(512 * 4096, 2 * 512 * 4096);
    const plain = (await createImage(size, { cluster_size: 512 })).bytes.length;
    const file = await withBitmaps(size, { cluster_size: 512 }, [kept]);
    // The directory and the table.
    expect(Math.ceil(file.bytes.length / 512) - Math.ceil(plain / 512)).toBe(2);
  });

  const changes: [string, (opened: Opened) => Promise<unknown>][] = [
    ['a write', ({ instance }) => instance.write(0, filled(512, 1), 0)],
    ['a zero-write', ({ instance }) => instance.writeZeroes(0, 65536, 0)],
    ['a discard', ({ instance }) => instance.discard(0, 65536)],
    ['a compressed write', ({ instance }) => instance.writeCompressed(0, filled(65536, 1))],
    ['a resize', ({ instance }) => instance.truncate(2 * MiB)],
    ['a snapshot', async ({ instance }) => instance.snapshots.create?.(snapshotInfo)],
    ['a change of a bitmap', ({ instance }) => instance.bitmaps.beforeChange()],
  ];
  it.each(changes)('marks them as in use before anything else at the first change: %s', async (_, change) => {
    const file = await withBitmaps(MiB, {}, [new Kept(MiB, 'a', 65536), new Kept(MiB, 'b', 512, false)]);
    const directory = bitmapDirectoryOf(await readHeader(file));
    if (directory === undefined || directory === 'malformed') throw new Error('there is a directory');
    const opened = await openOn(file);
    await load(opened);
    file.steps.length = 0;
    await contents(opened);
    await opened.instance.flushToOs();
    expect(file.steps).toEqual([]);
    await change(opened);
    expect(file.steps.slice(0, 2)).toMatchObject([{ kind: 'write', offset: directory.offset }, { kind: 'flush' }]);
    const killed = await openOn(new MemoryChild(file.bytes.slice()), readOnly);
    expect(killed.instance.bitmaps.kept).toMatchObject([{ inconsistent: true }, { inconsistent: true }]);
    await opened.instance.close();
    const again = await openOn(file, readOnly);
    expect(again.instance.bitmaps.kept).toEqual([
      { name: 'a', granularity: 65536, recording: true, inconsistent: false },
      { name: 'b', granularity: 512, recording: false, inconsistent: false },
    ]);
    expect(await check(file)).toMatchObject(sound);
  });

  it('stores them when the image becomes read-only, and marks them again when it is written afterwards', async () => {
    const file = await withBitmaps(MiB, {}, [new Kept(MiB, 'a', 65536)]);
    const opened = await openOn(file);
    const bitmaps = await load(opened);
    const flagsOf = async () => (await openOn(file, readOnly)).instance.bitmaps.kept.map((each) => each.inconsistent);
    await write(opened, bitmaps, 65536, filled(512, 1));
    expect(await flagsOf()).toEqual([true]);
    const down = await opened.instance.prepareReopen({ ...opened.node.flags, readOnly: true });
    await down.commit();
    expect(await flagsOf()).toEqual([false]);
    const [seen] = await load(await openOn(file, readOnly));
    expect([...(seen?.runs() ?? [])]).toEqual([{ offset: 65536, length: 65536 }]);
    const up = await opened.instance.prepareReopen({ ...opened.node.flags, readOnly: false });
    await up.commit();
    expect(await flagsOf()).toEqual([false]);
    await write(opened, bitmaps, 0, filled(512, 1));
    expect(await flagsOf()).toEqual([true]);
    await opened.instance.close();
    expect(await flagsOf()).toEqual([false]);
    expect(await check(file)).toMatchObject(sound);
  });

  it('leaves the ones that are inconsistent as they are, until they are removed', async () => {
    const file = await withBitmaps(MiB, {}, [new Kept(MiB, 'lost', 65536), new Kept(MiB, 'other', 512)]);
    const killed = await openOn(file);
    await load(killed);
    await killed.instance.write(0, filled(512, 1), 0);
    await killed.instance.flushToOs();
    // Not closed.
    const opened = await openOn(file);
    const bitmaps = await load(opened);
    await expect(opened.instance.truncate(2 * MiB)).rejects.toThrow("inconsistent bitmap 'lost'");
    await opened.instance.bitmaps.remove('other');
    bitmaps.splice(1);
    bitmaps.push(new Kept(MiB, 'new', 4096));
    await write(opened, bitmaps, 0, filled(512, 1));
    await opened.instance.close();
    const again = await openOn(file);
    expect(again.instance.bitmaps.kept).toMatchObject([
      { name: 'lost', inconsistent: true },
      { name: 'new', inconsistent: false },
    ]);
    await load(again);
    await again.instance.bitmaps.remove('lost');
    expect(again.instance.bitmaps.kept).toMatchObject([{ name: 'new' }]);
    await again.instance.bitmaps.remove('new');
    expect((await readHeader(file)).autoclear).toBe(0n);
    again.instance.bitmaps.keepFrom(() => []);
    await again.instance.close();
    expect(await check(file)).toMatchObject(sound);
  });

  it('resizes them with the disk', async () => {
    const kept = new Kept(MiB, 'a', 512);
    kept.bits.set(MiB - 512, 512);
    kept.bits.set(0, 512);
    const file = await withBitmaps(MiB, { cluster_size: 512 }, [kept]);
    for (const size of [8 * MiB, 512 * KiB, 8 * MiB]) {
      const opened = await openOn(file);
      const [bitmap] = await load(opened);
      await opened.instance.truncate(size);
      bitmap?.bits.resize(size);
      await opened.instance.close();
      expect(await check(file)).toMatchObject(sound);
    }
    const [bitmap] = await load(await openOn(file, readOnly));
    expect(bitmap?.bits.size).toBe(8 * MiB);
    expect([...(bitmap?.runs() ?? [])]).toEqual([{ offset: 0, length: 512 }]);
  });

  it('leaves them marked when there is no room to store them, and frees what was begun', async () => {
    const file = await withBitmaps(8 * MiB, { cluster_size: 512 }, [new Kept(8 * MiB, 'a', 512)]);
    const opened = await openOn(file);
    const bitmaps = await load(opened);
    for (let at = 0; at < 8; at++) await write(opened, bitmaps, at * MiB, filled(512, 1));
    let writes = 0;
    file.onRequest = (kind) => {
      if (kind === 'write' && ++writes === 5) throw ioError('ENOSPC');
    };
    await opened.instance.close();
    const again = await openOn(file, readOnly);
    expect(again.instance.bitmaps.kept).toMatchObject([{ inconsistent: true }]);
    expect(await check(file)).toMatchObject(sound);
  });

  it('after a crash a bitmap is inconsistent, gone, or says all that was written', async () => {
    const random = randomFrom(28);
    const size = MiB;
    for (let round = 0; round < 9; round++) {
      const cluster = [512, 4096, 65536][round % 3];
      const made = [new Kept(size, 'fine', 512), new Kept(size, 'coarse', 65536)];
      const file = await withBitmaps(size, { cluster_size: cluster, lazy_refcounts: round % 4 === 3 }, made);
      const before = file.bytes.slice();
      file.steps.length = 0;
      for (let session = 0; session < 3; session++) {
        const opened = await openOn(file);
        const bitmaps = await load(opened);
        for (let count = Math.floor(random() * 4); count > 0; count--) {
          const sectors = 1 + Math.floor(random() * 200);
          const offset = Math.floor(random() * (size / 512 - sectors)) * 512;
          await write(opened, bitmaps, offset, filled(sectors * 512, 1 + session));
        }
        if (session === 1 && round % 2 === 0) {
          await opened.instance.bitmaps.remove('coarse');
          bitmaps.splice(1);
        }
        await opened.instance.close();
      }
      for (let cut = 0; cut < 25; cut++) {
        const end = Math.floor(random() * (file.steps.length + 1));
        const disk = new MemoryChild(afterCrash(before, file.steps, end, random));
        const lazy = (await readHeader(disk)).incompatible !== 0;
        expect(await (lazy ? repair(disk, 'all') : check(disk))).toMatchObject({ corruptions: 0, checkErrors: 0 });
        const opened = await openOn(disk, readOnly);
        const content = await contents(opened);
        for (const { bits, inconsistent } of await load(opened)) {
          for (let at = 0; at < size && !inconsistent; at += 512) {
            if (content[at] !== 0 && !bits.has(at)) throw new Error(`what was written at ${at} is not dirty`);
          }
        }
      }
    }
  });

  it('reports impossible ones, and opens the image', async () => {
    const file = await withBitmaps(MiB, {}, [new Kept(MiB, 'a', 65536)]);
    const header = await readHeader(file);
    const directory = bitmapDirectoryOf(header);
    if (directory === undefined || directory === 'malformed') throw new Error('there is a directory');
    const at = directory.offset;
    const damages: [string, (disk: MemoryChild, view: DataView) => void][] = [
      ['type', (_, view) => view.setUint8(at + 16, 2)],
      ['granules', (_, view) => view.setUint8(at + 17, 40)],
      ['flags', (_, view) => view.setUint32(at + 12, 0x80)],
      ['table', (_, view) => view.setBigUint64(at, 3n)],
      ['entries', (_, view) => view.setUint32(at + 8, 2 ** 31)],
      ['extra data', (_, view) => view.setUint32(at + 20, 0xffff_ff00)],
      ['name', (_, view) => view.setUint16(at + 18, 0)],
      ['count', (disk) => disk.bytes.set(serialiseHeader(withDirectory(header, { ...directory, count: 2 })))],
      ['place', (disk) => disk.bytes.set(serialiseHeader(withDirectory(header, { ...directory, offset: 2 ** 40 })))],
    ];
    for (const [what, damage] of damages) {
      const disk = new MemoryChild(file.bytes.slice());
      damage(disk, new DataView(disk.bytes.buffer));
      const opened = await openOn(disk);
      expect(opened.instance.bitmaps.kept, what).toEqual([]);
      await opened.instance.write(0, filled(512, 1), 0);
      expect((await readHeader(disk)).autoclear, what).toBe(0n);
      opened.instance.bitmaps.keepFrom(() => [new Kept(MiB, 'new', 512)]);
      await opened.instance.close();
      expect((await openOn(disk, readOnly)).instance.bitmaps.kept, what).toMatchObject([{ name: 'new' }]);
    }
  });

  it('finds one inconsistent whose table leads nowhere', async () => {
    const kept = new Kept(MiB, 'a', 512);
    kept.bits.set(0, 512);
    const file = await withBitmaps(MiB, {}, [kept]);
    const directory = bitmapDirectoryOf(await readHeader(file));
    if (directory === undefined || directory === 'malformed') throw new Error('there is a directory');
    const view = new DataView(file.bytes.buffer);
    const table = Number(view.getBigUint64(directory.offset));
    for (const entry of [2n ** 40n, 513n, 2n, (2n ** 63n) | 65536n]) {
      view.setBigUint64(table, entry);
      const { instance } = await openOn(file, readOnly);
      expect(await instance.bitmaps.load('a', () => {}), String(entry)).toBe(false);
    }
  });
});
