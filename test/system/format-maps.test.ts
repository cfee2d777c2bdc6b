import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ImageInfo } from '../../generated/index.js';
import type { Child } from '../../runtime/block/driver.js';
import { BlockError } from '../../runtime/block/error.js';
import { createImage } from '../../runtime/block/graph/create.js';
import type { RootOwner } from '../../runtime/block/graph/node.js';
import { chainStatus } from '../../runtime/block/io/status.js';
import { BlockOptions } from '../../runtime/block/options.js';
import { ofGuest } from '../../runtime/block/permissions.js';
import { RequestFlag } from '../../runtime/block/request-flag.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { pattern } from './judged-disk.js';
import { describeWithPrograms } from './programs.js';

const run = promisify(execFile);
const MiB = 2 ** 20;
const owner: RootOwner = { name: '', drainBegin: async () => {}, drainEnd: () => {} };

/** A stretch as `qemu-img map` has it. */
interface Stretch {
  readonly start: number;
  readonly length: number;
  readonly depth: number;
  readonly zero: boolean;
  readonly data: boolean;
  readonly offset?: number;
}

/** Images that qemu-img makes: format, options, and whether it knows more than that everything is data. */
const images: readonly {
  readonly format: string;
  readonly options?: string;
  readonly backing?: string;
  readonly packed?: true;
  readonly once?: true;
  /** QEMU's driver does not know what is where. */
  readonly unmapped?: true;
}[] = [
  { format: 'qed' },
  { format: 'qed', options: 'cluster_size=4k,table_size=2' },
  { format: 'qed', backing: 'raw' },
  { format: 'vdi' },
  { format: 'vdi', options: 'static=on' },
  { format: 'parallels' },
  { format: 'parallels', options: 'cluster_size=64k' },
  { format: 'qcow' },
  { format: 'qcow', packed: true },
  { format: 'qcow', backing: 'raw' },
  { format: 'vhdx', unmapped: true },
  { format: 'vhdx', options: 'block_size=1M,block_state_zero=off', unmapped: true },
  { format: 'vhdx', options: 'subformat=fixed', unmapped: true },
  { format: 'vmdk' },
  { format: 'vmdk', options: 'zeroed_grain=on' },
  { format: 'vmdk', backing: 'vmdk' },
  { format: 'vmdk', options: 'zeroed_grain=on,adapter_type=lsilogic', backing: 'vmdk' },
  { format: 'vmdk', options: 'subformat=monolithicFlat' },
  { format: 'vmdk', options: 'subformat=twoGbMaxExtentSparse' },
  { format: 'vmdk', options: 'subformat=twoGbMaxExtentFlat' },
  { format: 'vmdk', options: 'subformat=streamOptimized', once: true },
  { format: 'vpc' },
  { format: 'vpc', options: 'force_size=on' },
  { format: 'vpc', options: 'subformat=fixed' },
];

describeWithPrograms('images in the formats of others', ['qemu-img', 'qemu-io'], () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'qapi-ts-formats-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(images)('an image of qemu-img reads and maps equal: $format $options $backing $packed', async (image) => {
    const { format, options, backing, packed, once, unmapped } = image;
    const path = join(folder, 'image');
    const source = join(folder, 'source');
    const contents = Buffer.alloc(7 * MiB + 1024);
    pattern(1, 100_000, 300_000, false).copy(contents, 100_000);
    pattern(2, 4 * MiB - 4096, 8192, false).copy(contents, 4 * MiB - 4096);
    pattern(3, 7 * MiB, 1024, false).copy(contents, 7 * MiB);
    const more = options === undefined ? [] : ['-o', options];
    if (backing === undefined) {
      writeFileSync(source, contents);
      const args = ['convert', ...(packed ? ['-c'] : []), '-f', 'raw', '-O', format, ...more, source, path];
      // Of compressed qcow, qemu-img says that it has failed when it has not.
      await run('qemu-img', args).catch((error: Error) => {
        if (format !== 'qcow' || !packed) throw error;
      });
    } else {
      const below = join(folder, 'below');
      writeFileSync(source, contents.subarray(0, 5 * MiB));
      await run('qemu-img', ['convert', '-f', 'raw', '-O', backing, source, below]);
      await run('qemu-img', ['create', '-q', '-f', format, ...more, '-b', below, '-F', backing, path, '7340032']);
    }
    const commands = ['write -P 7 1M 100k', 'write -P 8 4000k 300k', 'write -z 2M 64k', 'write -P 9 5M 512'];
    // A stream is not written twice.
    if (!once) await run('qemu-io', ['-f', format, ...commands.flatMap((command) => ['-c', command]), path]);
    const copy = join(folder, 'copy');
    await run('qemu-img', ['convert', '-f', format, '-O', 'raw', path, copy]);
    const { stdout } = await run('qemu-img', ['map', '-f', format, '--output=json', path]);
    const { stdout: told } = await run('qemu-img', ['info', '-f', format, '--output=json', path]);
    await using client = new LayerClient();
    const node = await client.layer.graph.open({
      options: BlockOptions.flatten({ driver: format, 'read-only': true, file: { driver: 'file', filename: path } }),
    });
    const raw = await client.layer.graph.open({
      options: BlockOptions.flatten({ driver: 'raw', 'read-only': true, file: { driver: 'file', filename: copy } }),
    });
    const root = await client.layer.graph.attachRoot(node, owner);
    const expected = await client.layer.graph.attachRoot(raw, owner);
    expect(root.node.length).toBe(expected.node.length);
    for (let at = 0; at < root.node.length; at += MiB) {
      const ours = Buffer.alloc(MiB, 1);
      const theirs = Buffer.alloc(MiB, 2);
      await root.read(at, ours);
      await expected.read(at, theirs);
      expect(Buffer.compare(ours, theirs)).toBe(0);
    }
    const map: Stretch[] = [];
    for (let start = 0; start < root.node.length; ) {
      const { status, depth } = await chainStatus(root, start, root.node.length - start);
      const { length, zero, data, offset } = status;
      // Some of QEMU's drivers look for holes in the file below, and some do not.
      if (zero) expect(await isZero(root, start, length)).toBe(true);
      map.push({ start, length, depth, zero, data, ...(offset === undefined ? {} : { offset }) });
      start += length;
    }
    if (!unmapped) expect(joined(map)).toEqual(joined(JSON.parse(stdout) as Stretch[]));
    const theirs = JSON.parse(told) as ImageInfo;
    // It does not show those of Parallels.
    if (format !== 'parallels') expect(node.info?.clusterSize).toBe(theirs['cluster-size']);
    expect(node.open.specificInfo?.()).toEqual(theirs['format-specific']);
    await client.layer.graph.detachRoot(root);
    await client.layer.graph.detachRoot(expected);
  });
});

describeWithPrograms('images of VMware that we make', ['qemu-img'], () => {
  it('a stream passes the check of qemu-img, and compares equal', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-stream-'));
    const [path, source] = [join(folder, 'ours.vmdk'), join(folder, 'source')];
    try {
      const contents = Buffer.alloc(3 * MiB + 1024);
      pattern(1, MiB, 300_000, false).copy(contents, MiB);
      pattern(2, 3 * MiB, 1024, false).copy(contents, 3 * MiB);
      writeFileSync(source, contents);
      await using client = new LayerClient();
      const options = new BlockOptions([['subformat', 'streamOptimized']]);
      await createImage(client.layer.graph, { format: 'vmdk', filename: path, size: contents.length, options });
      const node = await client.layer.graph.open({ filename: path });
      expect(node.driver.name).toBe('vmdk');
      const root = await client.layer.graph.attachRoot(node, owner);
      for (let at = 0; at < contents.length; at += 65_536) {
        const piece = contents.subarray(at, at + 65_536);
        if (piece.some(Boolean)) await root.write(at, piece, RequestFlag.compressed);
      }
      await client.layer.graph.detachRoot(root);
      const { stdout } = await run('qemu-img', ['check', '-f', 'vmdk', path]);
      expect(stdout).toMatch(/^No errors were found on the image/);
      await run('qemu-img', ['compare', '-f', 'vmdk', '-F', 'raw', path, source]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('files of an image are locked, and only used where that is allowed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-extents-'));
    const path = join(folder, 'ours.vmdk');
    try {
      await using client = new LayerClient({
        authorize: async (name) => {
          if (name.includes('forbidden')) throw new BlockError(`'${name}' is not allowed`, { code: 'EACCES' });
        },
      });
      const options = new BlockOptions([['subformat', 'twoGbMaxExtentFlat']]);
      await createImage(client.layer.graph, { format: 'vmdk', filename: path, size: MiB, options });
      const node = await client.layer.graph.open({ filename: path });
      const root = await client.layer.graph.attachRoot(node, owner, ofGuest(false));
      const other = run('qemu-io', ['-f', 'raw', '-c', 'write 0 512', join(folder, 'ours-f001.vmdk')]);
      await expect(other).rejects.toThrow('lock');
      await client.layer.graph.detachRoot(root);
      for (const name of ['../forbidden', '/forbidden']) {
        writeFileSync(path, readFileSync(path, 'latin1').replace(/FLAT "[^"]*"/, `FLAT "${name}"`), 'latin1');
        await expect(client.layer.graph.open({ filename: path })).rejects.toThrow('is not allowed');
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describeWithPrograms('disks whose sizes are those of a geometry', ['qemu-img'], () => {
  it('gives a disk of a geometry the length that qemu-img gives it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-sizes-'));
    const sizes = [
      1,
      512,
      MiB,
      10 * MiB,
      127 * MiB + 512,
      504 * MiB,
      2 ** 30 - 512,
      8.5 * 2 ** 30,
      126.9 * 2 ** 30,
      2 ** 40,
    ];
    try {
      await using client = new LayerClient();
      for (const size of sizes.map((each) => Math.ceil(each / 512) * 512)) {
        const sized = [];
        for (const maker of ['theirs', 'ours']) {
          const path = join(folder, maker);
          if (maker === 'theirs') await run('qemu-img', ['create', '-q', '-f', 'vpc', path, String(size)]);
          else await createImage(client.layer.graph, { format: 'vpc', filename: path, size });
          const { stdout } = await run('qemu-img', ['info', '-f', 'vpc', '--output=json', path]);
          sized.push((JSON.parse(stdout) as ImageInfo)['virtual-size'], readFileSync(path).readUInt32BE(56));
        }
        expect(sized.slice(2)).toEqual(sized.slice(0, 2));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 30_000);
});

async function isZero(root: Child, start: number, length: number): Promise<boolean> {
  const buffer = Buffer.alloc(MiB);
  for (let done = 0; done < length; done += MiB) {
    const piece = buffer.subarray(0, length - done);
    await root.read(start + done, piece);
    if (piece.some(Boolean)) return false;
  }
  return true;
}

/** Where stretches end that are in one state is of no matter. */
function joined(map: readonly Stretch[]): Stretch[] {
  const result: Stretch[] = [];
  for (const { start, length, depth, zero, data, offset } of map) {
    const last = result.at(-1);
    // Where nothing is, it does not matter in how many layers.
    const known = zero && offset === undefined;
    const same = last !== undefined && last.zero === known && last.data === data && (last.depth === depth || !data);
    const follows = last?.offset === undefined ? offset === undefined : last.offset + last.length === offset;
    if (same && follows) result[result.length - 1] = { ...last, length: last.length + length };
    else
      result.push({
        start,
        length,
        depth: data ? depth : 0,
        zero: known,
        data,
        ...(offset === undefined ? {} : { offset }),
      });
  }
  return result;
}
