import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import type { Child } from '../../runtime/block/driver.js';
import { dropIntermediate } from '../../runtime/block/graph/drop-intermediate.js';
import { reopen } from '../../runtime/block/graph/reopen.js';
import { chainStatus } from '../../runtime/block/io/status.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { randomFrom } from '../runtime/block/random-from.js';
import { describeWithPrograms } from './programs.js';

const run = promisify(execFile);
const KiB = 1024;

/** `length` bytes that depend on the numbers only. */
function bytesFrom(random: () => number, length: number): Buffer {
  return Buffer.from(new Uint8Array(length).map(() => random() * 256));
}

/** One line of `qemu-img map`. */
interface Extent {
  readonly start: number;
  readonly length: number;
  readonly depth: number;
  readonly data: boolean;
}

describeWithPrograms('Chains of real images', ['qemu-img', 'qemu-io'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-graph-'));
  const at = (name: string): string => join(folder, name);
  afterAll(() => rmSync(folder, { recursive: true }));

  async function overlay(name: string, below: string, format: string, cluster: number, size: number): Promise<void> {
    const options = `cluster_size=${cluster},backing_file=${below},backing_fmt=${format}`;
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', options, at(name), String(size)]);
  }

  const map = async (name: string): Promise<Extent[]> =>
    JSON.parse((await run('qemu-img', ['map', '--output=json', at(name)])).stdout);

  it.each([512, 4 * KiB, 64 * KiB])('copies each cluster of an image once on read: %i bytes', async (cluster) => {
    const random = randomFrom(cluster);
    const [size, baseSize] = [24 * cluster, 20 * cluster - 512];
    const model = Buffer.alloc(size);
    bytesFrom(random, baseSize).copy(model);
    model.fill(0, 3 * cluster, 5 * cluster);
    writeFileSync(at('base.img'), model.subarray(0, baseSize));
    await overlay('top.qcow2', 'base.img', 'raw', cluster, size);
    await run('qemu-io', ['-c', `write -P 9 ${7 * cluster} ${cluster}`, at('top.qcow2')]);
    model.fill(9, 7 * cluster, 8 * cluster);

    const { layer } = new LayerClient();
    const node = await layer.graph.open({ filename: at('top.qcow2'), copyOnRead: true });
    node.monitorOwned = true;
    const touched = new Set([7]);
    const guest = async (number: number): Promise<void> => {
      for (let round = 0; round < 25; round++) {
        // The last clusters are left alone.
        const from = Math.floor(random() * 21 * cluster);
        const length = Math.min(1 + Math.floor(random() * 2 * cluster), 22 * cluster - from);
        const end = from + length;
        for (let index = Math.floor(from / cluster); index * cluster < end; index++) touched.add(index);
        const seen = Buffer.alloc(length);
        await node.requests.read(from, seen);
        // Clusters 10 to 13 are each written by one guest, and the others read them at an unknown time.
        if (end <= 10 * cluster || from >= 14 * cluster) {
          expect(Buffer.compare(seen, model.subarray(from, end))).toBe(0);
        }
        const place = (10 + number) * cluster + Math.floor((random() * cluster) / 2);
        touched.add(10 + number);
        const data = bytesFrom(random, cluster / 4);
        data.copy(model, place);
        await node.requests.write(place, data);
      }
    };
    await Promise.all([0, 1, 2, 3].map(guest));
    await layer.graph.close();

    writeFileSync(at('model.img'), model);
    await run('qemu-img', ['compare', '-f', 'raw', '-F', 'qcow2', at('model.img'), at('top.qcow2')]);
    expect((await run('qemu-img', ['check', '-f', 'qcow2', at('top.qcow2')])).stdout).toContain('No errors');
    const here = new Set<number>();
    for (const { start, length, depth } of await map('top.qcow2')) {
      for (let place = start; depth === 0 && place < start + length; place += cluster) here.add(place / cluster);
    }
    // What is beyond the base is of this layer for the tool, too.
    for (let index = 0; index < 20; index++) expect([index, here.has(index)]).toEqual([index, touched.has(index)]);
  });

  it('drops nodes of a chain so that the real tools read the same', async () => {
    const size = 64 * 64 * KiB;
    writeFileSync(at('base.raw'), bytesFrom(randomFrom(1), size / 2));
    await overlay('one.qcow2', 'base.raw', 'raw', 64 * KiB, size);
    await overlay('two.qcow2', 'one.qcow2', 'qcow2', 4 * KiB, size);
    await overlay('active.qcow2', 'two.qcow2', 'qcow2', 64 * KiB, size);
    for (const [name, pattern, offset, length] of [
      ['one', 1, '100k', '900k'],
      ['two', 2, '700k', '1900k'],
      ['active', 3, '2000k', '100k'],
    ] as const) {
      await run('qemu-io', ['-c', `write -P ${pattern} ${offset} ${length}`, at(`${name}.qcow2`)]);
    }
    await run('qemu-io', ['-c', 'write -z 300k 64k', at('two.qcow2')]);
    await run('qemu-img', ['convert', '-O', 'raw', at('active.qcow2'), at('before.raw')]);

    const { layer } = new LayerClient();
    const { graph } = layer;
    const active = await graph.open({ filename: at('active.qcow2') });
    active.monitorOwned = true;
    const two = active.below;
    const base = two?.below?.below;
    assert(two && base, 'the chain has four images');
    await graph.drained(active, async () => {
      await reopen(graph, base, false);
      await base.requests.truncate(size);
      for (let offset = 0; offset < size; ) {
        const { status } = await chainStatus(active.backing as Child, offset, size - offset, base);
        if (status.allocated) {
          const data = Buffer.alloc(status.length);
          await two.requests.read(offset, data);
          await base.requests.write(offset, data);
        }
        offset += status.length;
      }
      await dropIntermediate(graph, { overlay: active, top: two, base }, { name: 'base.raw' });
      await reopen(graph, base, true);
    });
    expect([two.usable, active.below, base.flags.readOnly]).toEqual([false, base, true]);
    await graph.close();

    const info = JSON.parse((await run('qemu-img', ['info', '--output=json', at('active.qcow2')])).stdout);
    expect(info).toMatchObject({ 'backing-filename': 'base.raw', 'backing-filename-format': 'raw' });
    await run('qemu-img', ['compare', '-f', 'raw', '-F', 'qcow2', at('before.raw'), at('active.qcow2')]);
    expect((await run('qemu-img', ['check', '-f', 'qcow2', at('active.qcow2')])).stdout).toContain('No errors');
  });
});
