import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { check } from '../../../../../runtime/block/drivers/qcow2/check/check.js';
import { repair } from '../../../../../runtime/block/drivers/qcow2/check/repair.js';
import { l1Fields, readHeader, sizeField } from '../../../../../runtime/block/drivers/qcow2/format/header.js';
import { readSnapshotTable } from '../../../../../runtime/block/drivers/qcow2/format/snapshot-table.js';
import { ioError } from '../../../../../runtime/block/error.js';
import { MemoryChild } from '../../memory-child.js';
import { createImage, histories } from './images.js';
import { contents, filled, type Opened, openOn } from './opened.js';

const KiB = 1024;

function info(name: string, id = '') {
  return {
    id,
    name,
    'vm-state-size': 0,
    'date-sec': 1_477_000_000,
    'date-nsec': 0,
    'vm-clock-sec': 0,
    'vm-clock-nsec': 0,
  };
}

/** What the disk was when the snapshot was taken. */
async function contentsOfSnapshot(file: MemoryChild, id: string): Promise<Buffer> {
  const header = await readHeader(file);
  const { snapshots } = await readSnapshotTable(file, header);
  const snapshot = snapshots.find((each) => each.id === id);
  if (snapshot === undefined) throw new Error(`no snapshot ${id}`);
  const bytes = file.bytes.slice();
  for (const patch of [l1Fields(snapshot), sizeField(snapshot.diskSize)]) bytes.set(patch.bytes, patch.offset);
  const opened = await openOn(new MemoryChild(bytes), { flags: { readOnly: true } });
  return contents(opened);
}

async function newImage(
  options: { cluster_size?: number; refcount_bits?: number } = {},
): Promise<{ file: MemoryChild; opened: Opened }> {
  const file = await createImage(96 * KiB, { cluster_size: 512, ...options });
  const opened = await openOn(file);
  await opened.instance.write(0, filled(8 * KiB, 1), 0);
  await opened.instance.write(63 * KiB, filled(4 * KiB, 2), 0);
  // Compressed clusters share host clusters: a refcount of two bits would not do.
  const { cluster_size: clusterSize = 512, refcount_bits: bits = 16 } = options;
  for (let index = 0; bits > 2 && index < 3; index++) {
    await opened.instance.writeCompressed(32 * KiB + index * clusterSize, filled(clusterSize, 3 + index));
  }
  return { file, opened };
}

const sound = { corruptions: 0, leaks: 0, checkErrors: 0 };

describe('internal snapshots', () => {
  it.each([
    {},
    { compat: '0.10' },
    { refcount_bits: 8 },
    { refcount_bits: 64, lazy_refcounts: true },
    { cluster_size: 4096 },
  ])('a snapshot keeps the contents of the disk: %j', async (options) => {
    const { file, opened } = await newImage(options);
    const { instance } = opened;
    const before = await contents(opened);
    await instance.snapshots.create?.(info('one'));
    await instance.write(KiB, filled(2 * KiB, 9), 0);
    await instance.write(32 * KiB, filled(512, 9), 0);
    await instance.write(90 * KiB, filled(512, 9), 0);
    await instance.discard(63 * KiB, KiB);
    const between = await contents(opened);
    await instance.snapshots.create?.(info('two'));
    await instance.write(0, filled(64 * KiB, 8), 0);
    const after = await contents(opened);
    expect(instance.snapshots.list().map(({ id, name }) => [id, name])).toEqual([
      ['1', 'one'],
      ['2', 'two'],
    ]);
    await instance.close();
    expect(await check(file)).toMatchObject(sound);
    expect((await contentsOfSnapshot(file, '1')).equals(before)).toBe(true);
    expect((await contentsOfSnapshot(file, '2')).equals(between)).toBe(true);
    const again = await openOn(file);
    expect((await contents(again)).equals(after)).toBe(true);
    await again.instance.snapshots.delete?.('1');
    expect((await contentsOfSnapshot(file, '2')).equals(between)).toBe(true);
    await again.instance.snapshots.delete?.('2');
    expect(again.instance.snapshots.list()).toEqual([]);
    await again.instance.write(0, filled(512, 7), 0);
    await again.instance.close();
    expect(await check(file)).toMatchObject(sound);
  });

  it('numbers snapshots after the highest id, and refuses one that is taken', async () => {
    const { opened } = await newImage();
    const { create, list } = opened.instance.snapshots;
    await create?.(info('a', '7'));
    await create?.(info('b'));
    expect(list().map(({ id }) => id)).toEqual(['7', '8']);
    await expect(create?.(info('c', '7'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(opened.instance.snapshots.delete?.('9')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('refuses a snapshot for which refcounts are too narrow, and leaves no trace', async () => {
    const { file, opened } = await newImage({ refcount_bits: 2 });
    const { create } = opened.instance.snapshots;
    await create?.(info('one'));
    await create?.(info('two'));
    const before = await contents(opened);
    await expect(create?.(info('three'))).rejects.toThrow('refcounts of 2 bits count no further');
    expect(opened.instance.snapshots.list().length).toBe(2);
    expect((await contents(opened)).equals(before)).toBe(true);
    await opened.instance.write(0, filled(512, 7), 0);
    await opened.instance.close();
    expect(await check(file)).toMatchObject(sound);
  });

  it('leaves no trace of a snapshot when the file fails', async () => {
    const { file, opened } = await newImage();
    await opened.instance.flushToOs();
    const { length } = file.steps;
    const probe = await newImage();
    await probe.opened.instance.flushToOs();
    probe.file.steps.length = 0;
    await probe.opened.instance.snapshots.create?.(info('one'));
    const writes = probe.file.steps.filter(({ kind }) => kind === 'write').length;
    expect(length).toBeGreaterThan(0);
    for (let failing = 0; failing < writes; failing++) {
      const { file: broken, opened: tried } = await newImage();
      await tried.instance.flushToOs();
      const before = await contents(tried);
      let count = 0;
      broken.onRequest = (kind) => {
        if (kind === 'write' && count++ === failing) throw ioError('ENOSPC');
      };
      const failed = await tried.instance.snapshots.create?.(info('one')).then(
        () => false,
        () => true,
      );
      expect(failed).toBe(true);
      expect((await contents(tried)).equals(before)).toBe(true);
      await tried.instance.close();
      const { corruptions, leaks } = await repair(broken, 'all');
      expect([corruptions, leaks]).toEqual([0, 0]);
      expect((await contents(await openOn(broken))).equals(before)).toBe(true);
    }
  });

  it('snapshots survive a power cut at any moment', async () => {
    const { file, opened } = await newImage();
    const before = await contents(opened);
    await opened.instance.snapshots.create?.(info('zero'));
    await opened.instance.write(0, filled(KiB, 5), 0);
    await opened.instance.flushToOs();
    const now = await contents(opened);
    const bytes = file.bytes.slice();
    file.steps.length = 0;
    await opened.instance.snapshots.create?.(info('one'));
    await opened.instance.snapshots.delete?.('1');
    for (const cut of histories(bytes, file.steps)) {
      const reopened = await openOn(cut);
      expect((await contents(reopened)).equals(now)).toBe(true);
      await reopened.instance.write(0, filled(96 * KiB, 6), 0);
      const ids = reopened.instance.snapshots.list().map(({ id }) => id);
      await reopened.instance.close();
      const { corruptions, checkErrors } = await check(cut);
      expect([corruptions, checkErrors]).toEqual([0, 0]);
      for (const id of ids) expect((await contentsOfSnapshot(cut, id)).equals(id === '1' ? before : now)).toBe(true);
    }
  });

  it('snapshots and writes in any order keep images sound', async () => {
    const action = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant('write' as const),
          at: fc.nat(190),
          length: fc.integer({ min: 1, max: 12 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('create' as const), at: fc.nat(), length: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), at: fc.nat(), length: fc.nat() }) },
    );
    const property = fc.asyncProperty(fc.array(action, { maxLength: 14 }), async (script) => {
      const { file, opened } = await newImage();
      const { instance } = opened;
      const models = new Map<string, Buffer>();
      for (const [index, { kind, at, length }] of script.entries()) {
        const ids = instance.snapshots.list().map(({ id }) => id);
        if (kind === 'write') {
          const end = Math.min(192, at + length);
          await instance.write(at * 512, filled((end - at) * 512, index + 10), 0);
        } else if (kind === 'create') {
          await instance.snapshots.create?.(info(`s${index}`, `${index}`));
          models.set(`${index}`, await contents(opened));
        } else if (ids.length > 0) {
          const id = ids[at % ids.length] ?? '';
          await instance.snapshots.delete?.(id);
          models.delete(id);
        }
      }
      const now = await contents(opened);
      await instance.close();
      expect(await check(file)).toMatchObject(sound);
      for (const [id, model] of models) expect((await contentsOfSnapshot(file, id)).equals(model)).toBe(true);
      expect((await contents(await openOn(file))).equals(now)).toBe(true);
    });
    await fc.assert(property, { numRuns: 40 });
  });
});
