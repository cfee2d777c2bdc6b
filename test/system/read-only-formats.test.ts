import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { RootOwner } from '../../runtime/block/graph/node.js';
import { BlockOptions } from '../../runtime/block/options.js';
import { makeBochs, makeCloop, makeDmg } from '../runtime/block/drivers/format-suite/read-only-images.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { run } from './interop-images.js';
import { pattern } from './judged-disk.js';
import { describeWithPrograms } from './programs.js';

const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-read-only-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Data and zeroes of various lengths. */
const contents = Buffer.alloc(1024 * 1024);
for (const [at, length] of [
  [0, 1000],
  [66_000, 70_000],
  [300_000, 4096],
  [409_600, 250_000],
  [900_000, 148_576],
] as const) {
  pattern(at, at, length, at % 2 === 0).copy(contents, at);
}

const owner: RootOwner = { name: '', drainBegin: async () => {}, drainEnd: () => {} };

/** The format that a file is probed as, and its contents. */
async function readByUs(path: string): Promise<[format: string, contents: Buffer]> {
  await using client = new LayerClient();
  const { graph } = client.layer;
  const root = await graph.attachRoot(await graph.open({ filename: path, options: new BlockOptions([]) }), owner);
  try {
    const { node } = root;
    expect(node.flags.readOnly).toBe(true);
    const buffer = Buffer.alloc(node.length);
    await root.read(0, buffer);
    return [node.driver.name, buffer];
  } finally {
    await graph.detachRoot(root);
  }
}

describeWithPrograms('formats that are only read', ['qemu-img'], () => {
  it.each([
    ['bochs', 'a.bochs', makeBochs(contents)],
    ['bochs', 'b.bochs', makeBochs(contents, { version: 1, extent: 65_536, bitmap: 16 })],
    ['cloop', 'a.cloop', makeCloop(contents)],
    ['cloop', 'b.cloop', makeCloop(contents, 2048)],
    ['dmg', 'a.dmg', makeDmg(contents, { kinds: ['zlib', 'raw'] })],
    ['dmg', 'b.dmg', makeDmg(contents, { kinds: ['zlib', 'raw'], resources: true, chunk: 65_536, front: 512 })],
  ])('%s: %s reads as qemu-img reads it, and is probed as that', async (format, name, image) => {
    const path = join(folder, name);
    writeFileSync(path, image);
    const raw = join(folder, 'raw');
    await run('qemu-img', ['convert', '-O', 'raw', path, raw]);
    expect(readFileSync(raw).equals(contents)).toBe(true);
    const { stdout } = await run('qemu-img', ['info', '--output=json', path]);
    expect(JSON.parse(stdout).format).toBe(format);
    const [probed, read] = await readByUs(path);
    expect([probed, read.equals(contents)]).toEqual([format, true]);
  });
});

describeWithPrograms('disk images of macOS in compressions that QEMU may lack', ['bzip2'], () => {
  it('chunks that the program bzip2 has packed read as they were', async () => {
    const path = join(folder, 'c.dmg');
    writeFileSync(path, makeDmg(contents, { kinds: ['bzip2', 'adc', 'lzfse', 'zlib'], chunk: 65_536 }));
    const [probed, read] = await readByUs(path);
    expect([probed, read.equals(contents)]).toEqual(['dmg', true]);
  });
});

describeWithPrograms('a folder as a disk with FAT', ['qemu-img'], () => {
  // Each folder has one thing: QEMU leaves the order of things in a folder to the file system.
  it.each(['fat:', 'fat:12:', 'fat:floppy:', 'fat:12:floppy:'])(
    '%sDIR is the disk that QEMU makes of it, byte for byte',
    async (prefix) => {
      const dir = mkdtempSync(join(folder, 'fat-'));
      mkdirSync(join(dir, 'Sub.folder'));
      // As long as a cluster: QEMU leaves in the rest of one what was read before.
      writeFileSync(
        join(dir, 'Sub.folder/Long file name with spaces, of 3 parts.text'),
        Buffer.alloc(16_384, 'cluster!'),
      );
      const raw = join(folder, 'fat.raw');
      await run('qemu-img', ['convert', '-O', 'raw', `${prefix}${dir}`, raw]);
      await using client = new LayerClient();
      const { graph } = client.layer;
      const root = await graph.attachRoot(
        await graph.open({ filename: `${prefix}${dir}`, options: BlockOptions.flatten({ driver: 'raw' }) }),
        owner,
      );
      try {
        const theirs = await open(raw);
        expect((await theirs.stat()).size).toBe(root.node.length);
        const [ours, expected] = [Buffer.alloc(2 ** 20), Buffer.alloc(2 ** 20)];
        for (let at = 0; at < Math.min(root.node.length, 32 * 2 ** 20); at += ours.length) {
          const length = Math.min(ours.length, root.node.length - at);
          await root.read(at, ours.subarray(0, length));
          await theirs.read(expected, 0, length, at);
          expect(ours.equals(expected)).toBe(true);
        }
        await theirs.close();
      } finally {
        await graph.detachRoot(root);
      }
    },
  );
});
