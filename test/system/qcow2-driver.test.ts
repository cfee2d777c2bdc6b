import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { afterCrash } from '../runtime/block/drivers/qcow2/crash.js';
import { actions, geometries, ModelledImage } from '../runtime/block/drivers/qcow2/model.js';
import { contents, openOn } from '../runtime/block/drivers/qcow2/opened.js';
import { MemoryChild } from '../runtime/block/memory-child.js';
import { describeWithPrograms, seed } from './programs.js';

const run = promisify(execFile);
const work = fc.noBias(fc.array(fc.array(actions, { maxLength: 10, size: 'max' }), { maxLength: 8, size: 'max' }));

/** Repeatable contents of a disk: data, zeroes, and stretches that compress well. */
function pattern(length: number): Buffer {
  const data = Buffer.alloc(length);
  let state = 1;
  for (let at = 0; at < length; at += 512) {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    const kind = (at >> 13) % 4;
    if (kind === 1) data.fill((state >> 8) & 0xff, at, at + 512);
    if (kind < 2) continue;
    for (let each = at; each < at + 512; each++) {
      state = (state * 1103515245 + 12345) % 2 ** 31;
      data[each] = state >> 16;
    }
  }
  return data;
}

const variants = [
  'compat=0.10',
  'compat=0.10,cluster_size=512',
  'compat=1.1',
  'compat=1.1,lazy_refcounts=on',
  'compression_type=zstd',
  'extended_l2=on',
  'extended_l2=on,cluster_size=16k',
  ...[512, 4096, 2 ** 21].map((size) => `cluster_size=${size}`),
  ...[1, 2, 4, 8, 32, 64].map((bits) => `refcount_bits=${bits},cluster_size=1k`),
];

describeWithPrograms('the qcow2 driver and the real tools', ['qemu-img', 'qemu-io'], () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'qapi-ts-qcow2-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string) => join(folder, name);

  async function checkAndConvert(image: ModelledImage, name: string): Promise<Buffer> {
    if (image.backing !== undefined) writeFileSync(at('base.raw'), image.backing.bytes);
    writeFileSync(at(name), image.file.bytes);
    await run('qemu-img', ['check', '-f', 'qcow2', at(name)]);
    await run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', at(name), at('converted.raw')]);
    return readFileSync(at('converted.raw'));
  }

  describe('images that we write', () => {
    it('qemu-img finds what we write sound, without leaks, and reads it equal', async () => {
      await fc.assert(
        fc.asyncProperty(geometries, work, async (geometry, groups) => {
          const image = await ModelledImage.make(geometry);
          for (const group of groups) await image.run(...group);
          await image.close();
          const found = await checkAndConvert(image, 'ours.qcow2');
          expect(Buffer.compare(found, image.expected)).toBe(0);
        }),
        { seed, numRuns: 40, endOnFailure: true },
      );
    }, 60_000);

    it('qemu-img finds no more than leaks after a crash', async () => {
      const numbers = fc.infiniteStream(fc.noBias(fc.nat(999)).map((number) => number / 1000));
      await fc.assert(
        fc.asyncProperty(geometries, work, numbers, async (geometry, groups, stream) => {
          fc.pre(!geometry.lazy);
          const image = await ModelledImage.make({ ...geometry, backingSectors: 0 });
          const before = image.file.bytes.slice();
          image.file.steps.length = 0;
          for (const group of groups) await image.run(...group.filter(({ kind }) => kind !== 'empty'));
          const random = () => stream.next().value as number;
          const { steps } = image.file;
          writeFileSync(at('crashed.qcow2'), afterCrash(before, steps, Math.floor(random() * steps.length), random));
          const status = await run('qemu-img', ['check', '-f', 'qcow2', at('crashed.qcow2')]).then(
            () => 0,
            ({ code }) => code,
          );
          expect([0, 3]).toContain(status);
        }),
        { seed, numRuns: 40, endOnFailure: true },
      );
    }, 60_000);
  });

  describe('images that they write', () => {
    const disk = pattern(3 * 2 ** 20 + 512);

    it.each(variants)('reads an image of qemu-img equal: %s', async (options) => {
      writeFileSync(at('source.raw'), disk);
      for (const flags of [[], ['-c']]) {
        const args = [
          'convert',
          ...flags,
          '-f',
          'raw',
          '-O',
          'qcow2',
          '-o',
          options,
          at('source.raw'),
          at('theirs.qcow2'),
        ];
        await run('qemu-img', args);
        const opened = await openOn(new MemoryChild(readFileSync(at('theirs.qcow2'))), { flags: { readOnly: true } });
        expect(Buffer.compare(await contents(opened), disk)).toBe(0);
        await opened.instance.close();
      }
    });

    it.each(['off', 'metadata', 'falloc', 'full'])(
      'reads a preallocated image of qemu-img equal: %s',
      async (preallocation) => {
        const options = `preallocation=${preallocation},cluster_size=4k`;
        await run('qemu-img', ['create', '-f', 'qcow2', '-o', options, at('theirs.qcow2'), '2M']);
        await run('qemu-io', ['-f', 'qcow2', '-c', 'write -P 7 100k 300k', at('theirs.qcow2')]);
        const opened = await openOn(new MemoryChild(readFileSync(at('theirs.qcow2'))), { flags: { readOnly: true } });
        const expected = Buffer.alloc(2 ** 21).fill(7, 102_400, 409_600);
        expect(Buffer.compare(await contents(opened), expected)).toBe(0);
      },
    );

    it.each(['compat=0.10', 'compat=1.1,cluster_size=512', 'compat=1.1'])(
      'reads an image of qemu-img over a backing file equal: %s',
      async (options) => {
        writeFileSync(at('source.raw'), disk);
        const args = [
          'create',
          '-f',
          'qcow2',
          '-o',
          options,
          '-F',
          'raw',
          '-b',
          at('source.raw'),
          at('theirs.qcow2'),
          '4M',
        ];
        await run('qemu-img', args);
        const commands = ['write -P 1 1000k 500k', 'write -z 512 200k', 'discard 2M 512k', 'write -c -P 3 3M 64k'];
        await run('qemu-io', ['-f', 'qcow2', ...commands.flatMap((command) => ['-c', command]), at('theirs.qcow2')]);
        await run('qemu-img', ['convert', '-O', 'raw', at('theirs.qcow2'), at('converted.raw')]);
        const opened = await openOn(new MemoryChild(readFileSync(at('theirs.qcow2'))), {
          backing: new MemoryChild(disk, 'backing'),
          flags: { readOnly: true },
        });
        expect(opened.instance.backingFile).toEqual({ name: at('source.raw'), format: 'raw' });
        expect(Buffer.compare(await contents(opened), readFileSync(at('converted.raw')))).toBe(0);
      },
    );

    it('qemu-io reads an image of its own that we have written on', async () => {
      writeFileSync(at('source.raw'), disk);
      for (const options of variants) {
        await run('qemu-img', ['convert', '-c', '-O', 'qcow2', '-o', options, at('source.raw'), at('theirs.qcow2')]);
        const file = new MemoryChild(readFileSync(at('theirs.qcow2')));
        const opened = await openOn(file);
        const expected = Buffer.from(disk);
        for (let piece = 0; piece < 12; piece++) {
          const from = piece * 250_368;
          const data = Buffer.alloc(512 * (1 + piece * 7), piece + 1);
          data.copy(expected, from);
          await opened.instance.write(from, data, 0);
        }
        await opened.instance.close();
        writeFileSync(at('theirs.qcow2'), file.bytes);
        writeFileSync(at('expected.raw'), expected);
        await run('qemu-img', ['check', '-f', 'qcow2', at('theirs.qcow2')]);
        await run('qemu-img', ['compare', '-f', 'qcow2', '-F', 'raw', at('theirs.qcow2'), at('expected.raw')]);
      }
    }, 60_000);

    it('writes on an image of qemu-img without harm to its internal snapshots', async () => {
      writeFileSync(at('source.raw'), disk);
      for (const options of ['compat=0.10', 'cluster_size=4k', 'refcount_bits=2,cluster_size=1k']) {
        await run('qemu-img', ['convert', '-O', 'qcow2', '-o', options, at('source.raw'), at('theirs.qcow2')]);
        await run('qemu-img', ['snapshot', '-c', 'first', at('theirs.qcow2')]);
        const file = new MemoryChild(readFileSync(at('theirs.qcow2')));
        const opened = await openOn(file, { options: { 'overlap-check': 'all' } });
        expect(opened.instance.snapshots.list()).toMatchObject([{ id: '1', name: 'first' }]);
        await opened.instance.write(100 * 512, Buffer.alloc(300_032, 0xaa), 0);
        await opened.instance.discard(2 ** 20, 2 ** 20);
        if (options === 'compat=0.10') {
          await expect(opened.instance.truncate(2 ** 20)).rejects.toMatchObject({ code: 'ENOTSUP' });
        }
        await opened.instance.close();
        writeFileSync(at('theirs.qcow2'), file.bytes);
        await run('qemu-img', ['check', '-f', 'qcow2', at('theirs.qcow2')]);
        await run('qemu-img', ['convert', '-l', 'first', '-O', 'raw', at('theirs.qcow2'), at('snapshot.raw')]);
        expect(Buffer.compare(readFileSync(at('snapshot.raw')), disk)).toBe(0);
      }
    }, 60_000);
  });
});
