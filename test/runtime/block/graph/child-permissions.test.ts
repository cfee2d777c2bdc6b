import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { XDbgBlockGraph } from '../../../../generated/index.js';
import { createImage } from '../../../../runtime/block/graph/create.js';
import { LayerClient } from '../layer-client.js';

let client: LayerClient;
beforeEach(async () => {
  client = new LayerClient();
  for (const name of ['disk', 'other']) {
    await client.execute('blockdev-add', { driver: 'null-co', 'node-name': name, size: 1 << 20, 'read-zeroes': true });
  }
});
afterEach(() => client.layer.close());

/** What the edges from a node do, and let others do. */
async function edgesOf(name: string): Promise<string[]> {
  const { nodes, edges } = (await client.execute('x-debug-query-block-graph')) as XDbgBlockGraph;
  const id = nodes.find((node) => node.name === name)?.id;
  return edges
    .filter(({ parent }) => parent === id)
    .map(({ name: edge, perm, 'shared-perm': shared }) => `${edge}: ${perm.join()} / ${shared.join()}`);
}

const exported = (name: string): Promise<unknown> =>
  client.execute('block-export-add', { type: 'nbd', id: 'x', 'node-name': name, writable: true });

describe('what nodes do to their children', () => {
  const all = 'consistent-read,write,write-unchanged,resize';
  const noResize = 'consistent-read,write,write-unchanged';

  it('lets others resize the file of a raw image unless that was opened as a part of the file', async () => {
    await client.execute('blockdev-add', { driver: 'raw', 'node-name': 'whole', file: 'disk' });
    await client.execute('blockdev-add', { driver: 'raw', 'node-name': 'part', file: 'disk', offset: 512 });
    expect([await edgesOf('whole'), await edgesOf('part')]).toEqual([[`file:  / ${all}`], [`file:  / ${noResize}`]]);
    const options = [{ driver: 'raw', 'node-name': 'part', file: 'disk' }];
    await client.execute('blockdev-reopen', { options });
    expect(await edgesOf('part')).toEqual([`file:  / ${noResize}`]);
  });

  it('keeps others from resizing what a copy before a write goes to, and what blkverify tests', async () => {
    const copying = { driver: 'copy-before-write', 'node-name': 'cbw', file: 'disk', target: 'other' };
    await client.execute('blockdev-add', copying);
    expect(await edgesOf('cbw')).toEqual([`file:  / ${all}`, `target: write / ${noResize}`]);
    const verifying = { driver: 'blkverify', 'node-name': 'verify', raw: 'disk', test: 'other' };
    await client.execute('blockdev-add', verifying);
    expect(await edgesOf('verify')).toEqual([`raw:  / ${all}`, `test:  / ${noResize}`]);
  });

  it('resizes what blkverify tests where it is written to', async () => {
    const verifying = { driver: 'blkverify', 'node-name': 'verify', raw: 'disk', test: 'other' };
    await client.execute('blockdev-add', verifying);
    await client.execute('nbd-server-start', { addr: { type: 'inet', data: { host: '127.0.0.1', port: '0' } } });
    await exported('verify');
    expect(await edgesOf('verify')).toEqual([
      `raw: consistent-read,write / ${noResize}`,
      `test: consistent-read,write,resize / ${noResize}`,
    ]);
  });
});

it('writes to the members of a quorum that rewrites what is corrupted, which a node that is read-only refuses', async () => {
  const quorum = { driver: 'quorum', 'vote-threshold': 1, 'rewrite-corrupted': true };
  await client.execute('blockdev-add', { ...quorum, 'node-name': 'q', children: ['disk'] });
  expect(await edgesOf('q')).toEqual(['children.0: write / consistent-read,write-unchanged']);
  const readOnly = { driver: 'null-co', 'node-name': 'readable', 'read-only': true };
  await client.execute('blockdev-add', readOnly);
  const refused = client.execute('blockdev-add', { ...quorum, 'node-name': 'r', children: ['readable'] });
  await expect(refused).rejects.toThrow('Block node is read-only');
});

it('lets others do anything to a node with force-share, and not to what is below it', async () => {
  const shared = { driver: 'raw', 'node-name': 'shared', file: 'disk', 'read-only': true, 'force-share': true };
  await client.execute('blockdev-add', shared);
  await client.execute('blockdev-add', {
    driver: 'raw',
    'node-name': 'part',
    file: 'shared',
    'read-only': true,
    size: 512,
  });
  await client.execute('nbd-server-start', { addr: { type: 'inet', data: { host: '127.0.0.1', port: '0' } } });
  await client.execute('block-export-add', { type: 'nbd', id: 'x', 'node-name': 'part' });
  expect(await edgesOf('part')).toEqual(['file: consistent-read / consistent-read,write,write-unchanged,resize']);
  await client.execute('block-export-add', { type: 'nbd', id: 'y', 'node-name': 'shared' });
  expect(await edgesOf('shared')).toEqual(['file: consistent-read / consistent-read,write,write-unchanged']);
});

it('puts an image over a quorum of several', async () => {
  const quorum = { driver: 'quorum', 'node-name': 'q', 'vote-threshold': 1, children: ['disk', 'other'] };
  await client.execute('blockdev-add', quorum);
  const folder = mkdtempSync(join(tmpdir(), 'over-quorum-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const filename = join(folder, 'over.qcow2');
  await createImage(client.layer.graph, { format: 'qcow2', filename, size: 1 << 20 });
  const file = { driver: 'file', filename };
  await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'over', file, backing: null });
  await client.execute('blockdev-snapshot', { node: 'q', overlay: 'over' });
  expect(await edgesOf('over')).toContainEqual(expect.stringMatching(/^backing: /));
});

it('counts backing files below blkdebug and blkverify, which are filters', async () => {
  const nodes = [
    { driver: 'blkdebug', 'node-name': 'debug', image: 'disk' },
    { driver: 'blkverify', 'node-name': 'verify', raw: 'debug', test: 'other' },
    { driver: 'throttle', 'node-name': 'limited', 'throttle-group': 'g', file: 'verify' },
  ];
  await client.execute('object-add', { 'qom-type': 'throttle-group', id: 'g' });
  for (const node of nodes) await client.execute('blockdev-add', node);
  const found = (await client.execute('query-named-block-nodes')) as {
    readonly 'node-name': string;
    readonly backing_file_depth: number;
  }[];
  const depths = Object.fromEntries(found.map((node) => [node['node-name'], node.backing_file_depth]));
  expect(depths).toEqual({ disk: 0, other: 0, debug: 1, verify: 2, limited: 3 });
});
