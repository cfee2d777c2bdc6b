import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { createImage as createFile } from '../../runtime/block/graph/create.js';
import { BlockOptions } from '../../runtime/block/options.js';
import { createImage } from '../runtime/block/drivers/qcow2/images.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms } from './programs.js';

const run = promisify(execFile);
const MiB = 2 ** 20;

describeWithPrograms('New qcow2 images', ['qemu-img', 'qemu-io'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-qcow2-create-'));
  const path = join(folder, 'image.qcow2');
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    [64 * MiB, {}],
    [0, {}],
    [512, { cluster_size: 512 }],
    [5 * MiB, { cluster_size: 512, refcount_bits: 64 }],
    [MiB, { compat: '0.10' }],
    [1024 * MiB, { cluster_size: '2M', refcount_bits: 1, lazy_refcounts: true }],
    [4096 * MiB, { cluster_size: 512 }],
    [3 * MiB + 512, { preallocation: 'metadata' }],
    [3 * MiB + 512, { preallocation: 'metadata', cluster_size: 512, refcount_bits: 32 }],
    [MiB, { preallocation: 'metadata', cluster_size: 512, refcount_bits: 64 }],
    [3 * MiB + 512, { preallocation: 'metadata', cluster_size: '1K', refcount_bits: 2 }],
    [3 * MiB, { preallocation: 'falloc', compat: '0.10', cluster_size: 4096 }],
    [3 * MiB, { preallocation: 'full', refcount_bits: 1 }],
    [64 * MiB, { compression_type: 'zstd' }],
    [64 * MiB, { extended_l2: true, cluster_size: '16K' }],
    [3 * MiB + 512, { preallocation: 'metadata', extended_l2: true, cluster_size: '16K' }],
  ])('qemu-img finds a new image sound, empty and writable: %i bytes, %j', async (size, options) => {
    const file = await createImage(size, options);
    writeFileSync(path, file.bytes);
    const { stdout } = await run('qemu-img', ['check', '-f', 'qcow2', '--output=json', path]);
    const preallocated = 'preallocation' in options;
    const clusters = JSON.parse(stdout) as { [name: string]: number };
    expect(clusters['allocated-clusters'] ?? 0).toBe(preallocated ? clusters['total-clusters'] : 0);
    const info = JSON.parse((await run('qemu-img', ['info', '--output=json', path])).stdout);
    expect(info).toMatchObject({ format: 'qcow2', 'virtual-size': size });
    expect(info['format-specific'].data).toMatchObject({
      compat: 'compat' in options ? options.compat : '1.1',
      'refcount-bits': 'refcount_bits' in options ? options.refcount_bits : 16,
    });
    if (size === 0) return;
    const map = JSON.parse((await run('qemu-img', ['map', '--output=json', path])).stdout) as { zero: boolean }[];
    expect(map.every((extent) => extent.zero || preallocated)).toBe(true);
    await run('qemu-io', [
      '-f',
      'qcow2',
      '-c',
      `read -P 0 0 ${Math.min(size, 4 * MiB)}`,
      '-c',
      `write -P 5 ${size - 512} 512`,
      path,
    ]);
    await run('qemu-img', ['check', '-f', 'qcow2', path]);
  });

  it.each([
    ['metadata', false],
    ['falloc', true],
    ['full', true],
  ])('a new image takes room on the host as asked: %s', async (preallocation, takesRoom) => {
    await using client = new LayerClient();
    const options = new BlockOptions([['preallocation', preallocation]]);
    await createFile(client.layer.graph, { format: 'qcow2', filename: path, size: 8 * MiB, options });
    expect(statSync(path).blocks * 512 >= 8 * MiB).toBe(takesRoom);
    await run('qemu-img', ['check', '-f', 'qcow2', path]);
  });

  it('qemu-img finds the backing file of a new image', async () => {
    const base = join(folder, 'base.img');
    writeFileSync(base, Buffer.alloc(MiB, 9));
    writeFileSync(path, (await createImage(2 * MiB, {}, { name: 'base.img', format: 'raw' })).bytes);
    const { stdout } = await run('qemu-io', ['-c', `read -P 9 0 ${MiB}`, '-c', `read -P 0 ${MiB} ${MiB}`, path]);
    expect(stdout).not.toMatch(/failed/i);
    expect((await run('qemu-img', ['info', path])).stdout).toContain('backing file format: raw');
  });
});
