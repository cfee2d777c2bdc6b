import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { LayerClient } from '../runtime/block/layer-client.js';
import { run } from './interop-images.js';
import { describeWithPrograms } from './programs.js';

const MiB = 2 ** 20;

interface Extent {
  readonly start: number;
  readonly length: number;
  readonly zero: boolean;
  readonly data: boolean;
}

/** A map as `qemu-img map` prints it, without places; neighbours in the same state are one. */
async function mapOf(...target: readonly string[]): Promise<Extent[]> {
  const { stdout } = await run('qemu-img', ['map', '--output=json', ...target]);
  const map: Extent[] = [];
  for (const { start, length, zero, data } of JSON.parse(stdout) as Extent[]) {
    const last = map.at(-1);
    if (last?.zero === zero && last.data === data) map[map.length - 1] = { ...last, length: last.length + length };
    else map.push({ start, length, zero, data });
  }
  return map;
}

async function io(target: string, format: string, ...commands: readonly string[]): Promise<void> {
  const { stdout } = await run('qemu-io', ['-f', format, ...commands.flatMap((command) => ['-c', command]), target]);
  expect(stdout).not.toMatch(/failed|error/i);
}

const wholes = ['write -P 1 0 64k', 'write -P 2 256k 128k', 'write -P 3 3M 64k'];

describeWithPrograms('exports with holes', ['qemu-img', 'qemu-io', 'nbdinfo', 'nbdcopy'], () => {
  let folder: string;
  let client: LayerClient;
  let image: string;
  let base: string;
  let uri: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'nbd-holes-'));
    [image, base] = [join(folder, 'image.qcow2'), join(folder, 'base.raw')];
    uri = `nbd+unix:///disk?socket=${join(folder, 'socket')}`;
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  afterEach(() => client.layer.close());

  async function serve(options: object = {}): Promise<void> {
    client = new LayerClient();
    await client.execute('blockdev-add', {
      options: { driver: 'qcow2', 'node-name': 'disk', file: { driver: 'file', filename: image }, ...options },
    });
    await client.execute('nbd-server-start', { addr: { type: 'unix', data: { path: join(folder, 'socket') } } });
    await client.execute('nbd-server-add', { device: 'disk', writable: true });
  }

  async function create(options: string, size: string, backing = false): Promise<void> {
    rmSync(image, { force: true });
    const below = backing ? ['-b', base, '-F', 'raw'] : [];
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', options, ...below, image, size]);
  }

  test.each([
    ['data and nothing', 'cluster_size=64k', false, wholes],
    [
      'zero clusters, with places and without',
      'cluster_size=64k',
      false,
      [...wholes, 'write -z 0 64k', 'write -z -u 256k 64k'],
    ],
    ['compressed clusters', 'cluster_size=64k', false, ['write -c -P 9 1M 64k', ...wholes]],
    [
      'small clusters',
      'cluster_size=512',
      false,
      ['write -P 1 512 512', 'write -P 2 2k 1k', 'write -z 1M 64k', ...wholes],
    ],
    ['version 2', 'compat=0.10,cluster_size=4k', false, [...wholes, 'discard 256k 64k']],
    ['preallocated clusters', 'preallocation=metadata,cluster_size=64k', false, wholes],
    ['a backing file that is shorter', 'cluster_size=64k', true, [...wholes, 'write -z 128k 64k', 'discard 256k 64k']],
    ['a backing file below version 2', 'compat=0.10,cluster_size=4k', true, wholes],
  ])('an export has the same map as its image: %s', async (_, options, backing, commands) => {
    if (backing) {
      await run('qemu-img', ['create', '-q', '-f', 'raw', base, '2M']);
      await io(base, 'raw', 'write -P 7 0 1M', 'write -P 8 1536k 64k');
    }
    await create(options, '4M', backing);
    await io(image, 'qcow2', ...commands);
    const expected = await mapOf('-f', 'qcow2', image);
    await serve({ 'read-only': true });
    expect(await mapOf('-f', 'raw', uri)).toEqual(expected);
    const { stdout } = await run('nbdinfo', ['--map', '--json', uri]);
    const mapped = (JSON.parse(stdout) as { offset: number; length: number; type: number }[]).map(
      ({ offset, length, type }) => ({ start: offset, length, data: (type & 1) === 0, zero: (type & 2) !== 0 }),
    );
    expect(mapped).toEqual(expected);
    await run('qemu-img', ['compare', '-f', 'qcow2', '-F', 'raw', image, uri]);
  });

  test('an export has the same map as its image at large offsets', async () => {
    const far = [
      'write -P 1 4294966784 1024',
      'write -P 2 6T 64k',
      'write -P 3 6597069832192 512',
      'write -P 4 8796093021696 512',
    ];
    await create('cluster_size=2M', '8T');
    await serve();
    await io(uri, 'raw', ...far);
    const through = await mapOf('-f', 'raw', uri);
    await client.layer.close();
    await run('qemu-img', ['check', '-q', '-f', 'qcow2', image]);
    expect(through).toEqual(await mapOf('-f', 'qcow2', image));
    await io(image, 'qcow2', ...far.map((command) => command.replace('write', 'read')));
  });

  test('the real tools map, read, copy and fill holes', async () => {
    await create('cluster_size=64k', '8M');
    await serve({ discard: 'unmap' });
    const info = JSON.parse((await run('nbdinfo', ['--json', uri])).stdout) as { exports: object[] };
    expect(info.exports).toMatchObject([{ 'export-name': 'disk', 'export-size': 8 * MiB, is_read_only: false }]);

    await io(uri, 'raw', ...wholes, 'write -z -u 320k 64k', 'flush', 'read -P 2 256k 64k', 'read -P 0 320k 64k');
    const copy = join(folder, 'copy.raw');
    await run('nbdcopy', [uri, copy]);
    await run('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', copy, uri]);
    const contents = readFileSync(copy);
    expect([contents[0], contents[256 * 1024], contents[320 * 1024], contents[3 * MiB]]).toEqual([1, 2, 0, 3]);

    const other = join(folder, 'other.raw');
    await run('qemu-img', ['create', '-q', '-f', 'raw', other, '8M']);
    await io(other, 'raw', 'write -P 5 1M 1M', 'write -P 6 5M 192k');
    // Holes of the source are made holes of the export.
    await run('nbdcopy', [other, uri]);
    await run('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', other, uri]);
    expect(await mapOf('-f', 'raw', uri)).toMatchObject([
      { start: 0, data: false },
      { start: MiB, length: MiB, data: true },
      { start: 2 * MiB, data: false },
      { start: 5 * MiB, length: 192 * 1024, data: true },
      { data: false },
    ]);
    await run('qemu-img', ['convert', '-n', '-f', 'raw', '-O', 'raw', copy, uri]);
    await client.layer.close();
    await run('qemu-img', ['check', '-q', '-f', 'qcow2', image]);
    await run('qemu-img', ['compare', '-f', 'raw', '-F', 'qcow2', copy, image]);
  });
});
