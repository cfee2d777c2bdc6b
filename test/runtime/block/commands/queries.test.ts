import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlockDeviceInfo, BlockStats } from '../../../../generated/index.js';
import { readDrive } from '../../../../runtime/block/drive/read-drive.js';
import { createChain, LayerClient } from '../layer-client.js';

const folder = mkdtempSync(join(tmpdir(), 'queries-'));
const at = (name: string): string => join(folder, name);
let client: LayerClient;

beforeEach(async () => {
  writeFileSync(at('odd.img'), Buffer.alloc(1000, 5));
  client = new LayerClient();
  await createChain(client.layer, folder);
});
afterEach(() => client.layer.close());
afterAll(() => rmSync(folder, { recursive: true }));

const add = (options: object) => client.execute('blockdev-add', { options });
const file = (name: string, more: object = {}) => ({ driver: 'file', filename: at(name), ...more });

async function node(name: string): Promise<BlockDeviceInfo | undefined> {
  const nodes = (await client.execute('query-named-block-nodes')) as BlockDeviceInfo[];
  return nodes.find((info) => info['node-name'] === name);
}

describe('query-named-block-nodes', () => {
  it('counts disks in sectors, also where the file ends inside of one', async () => {
    await add({ driver: 'raw', 'node-name': 'd', file: file('odd.img', { 'node-name': 'f' }) });
    expect((await node('d'))?.image['virtual-size']).toBe(1024);
    expect((await node('f'))?.image['virtual-size']).toBe(1024);
  });

  it.each([
    [2n ** 53n + 1n, 2n ** 53n + 1n],
    [2n ** 63n - 1n, 2n ** 63n - 1n],
    // The largest that there is a place for in the answer.
    [2n ** 64n - 1n, 2n ** 63n - 1n],
  ])('reports a write threshold of %d as %d', async (threshold, reported) => {
    await add({ driver: 'null-co', 'node-name': 'n' });
    await client.execute('block-set-write-threshold', { 'node-name': 'n', 'write-threshold': threshold });
    expect((await node('n'))?.write_threshold).toBe(reported);
  });
});

describe('query-blockstats', () => {
  it('counts how discards of a file end', async () => {
    await add({ driver: 'file', 'node-name': 'f', discard: 'unmap', filename: at('odd.img') });
    await client.layer.graph.node('f')?.requests.discard(0, 512);
    const [stats] = (await client.execute('query-blockstats', { 'query-nodes': true })) as BlockStats[];
    const counts = { 'discard-nb-ok': 1, 'discard-nb-failed': 0, 'discard-bytes-ok': 512 };
    expect(stats?.['driver-specific']).toEqual({ driver: 'file', ...counts });
    expect((await node('f'))?.image['format-specific']).toEqual({ type: 'file', data: {} });
  });

  it('reports the backing files of the node under a device, also below a format in a format', async () => {
    await add({ driver: 'qcow2', 'node-name': 'top', file: file('top.qcow2') });
    await client.layer.addDrive(
      readDrive('if=none,id=d,driver=raw,file.driver=raw,file.file=top', client.layer.registry),
    );
    const [stats] = (await client.execute('query-blockstats')) as BlockStats[];
    expect(stats?.backing).toBeUndefined();
    expect(stats?.parent?.parent).toMatchObject({ 'node-name': 'top', backing: { parent: {} } });
    const nodes = (await client.execute('query-blockstats', { 'query-nodes': true })) as BlockStats[];
    expect(nodes.filter((entry) => JSON.stringify(entry).includes('backing'))).toEqual([]);
  });
});

describe('block_resize', () => {
  it('refuses a negative size', async () => {
    await add({ driver: 'raw', 'node-name': 'd', file: file('odd.img') });
    const resized = client.execute('block_resize', { 'node-name': 'd', size: -1 });
    await expect(resized).rejects.toThrow("Parameter 'size' expects a >0 size");
  });

  it('reports a size that is too large', async () => {
    await add({ driver: 'raw', 'node-name': 'd', file: file('odd.img') });
    const resized = client.execute('block_resize', { 'node-name': 'd', size: 2n ** 62n });
    await expect(resized).rejects.toThrow('Could not resize to 4611686018427387904 bytes: File too large');
  });
});
