import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { folderWith } from '../../../cli/command-line.js';
import { createChain, LayerClient } from '../layer-client.js';
import { JobClient } from './job-client.js';

let client: LayerClient;

beforeEach(async () => {
  const folder = folderWith({});
  client = new LayerClient();
  onTestFinished(() => client.layer.close());
  await createChain(client.layer, folder);
  let backing: string | null = null;
  for (const name of ['base', 'top']) {
    const file = { driver: 'file', filename: join(folder, `${name}.qcow2`) };
    await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': name, file, backing });
    backing = name;
  }
  await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'null', size: 1 << 20 });
  await client.execute('nbd-server-start', { addr: { type: 'unix', data: { path: join(folder, 'nbd') } } });
});

const exported = (node: string, writable = true): Promise<unknown> =>
  client.execute('block-export-add', { type: 'nbd', id: `${node}-export`, 'node-name': node, writable });

describe('others that use what a job works on', () => {
  it('do not write below the source of a backup, as its copy is of one moment', async () => {
    const job = { 'job-id': 'b', device: 'top', target: 'null', sync: 'none' };
    await client.execute('blockdev-backup', job);
    await expect(exported('base')).rejects.toThrow(
      "Permission conflict on node 'base': an unnamed block device (which uses node 'base' as its 'root' child) needs 'write', " +
        "which node 'top' (which uses node 'base' as its 'backing' child) does not let others do",
    );
    await exported('base', false);
  });

  it('do not write beside the filter of a backup, as that would not be copied before', async () => {
    const job = { 'job-id': 'b', device: 'top', target: 'null', sync: 'none', 'filter-node-name': 'filter' };
    await client.execute('blockdev-backup', job);
    await expect(exported('top')).rejects.toThrow(
      "which node 'filter' (which uses node 'top' as its 'file' child) does not let others do",
    );
    await exported('top', false);
    await exported('filter');
  });

  it('do not read what a mirror has not made equal yet', async () => {
    await client.execute('blockdev-mirror', { 'job-id': 'm', device: 'top', target: 'null', sync: 'full' });
    await expect(exported('null', false)).rejects.toThrow(
      "mirror job 'm' (which uses node 'null' as its 'root' child)",
    );
  });

  it('use its nodes again when it has ended, though it was not dismissed', async () => {
    const job = { 'job-id': 's', device: 'top', speed: 1, 'auto-dismiss': false };
    await client.execute('block-stream', job);
    await expect.poll(() => client.layer.jobs.named('s').status, { timeout: 20_000 }).toBe('concluded');
    await exported('base');
  });
});

it('a target that does not say how large its clusters are is taken for a backup, with a warning', async () => {
  await client.execute('blockdev-backup', { 'job-id': 'b', device: 'top', target: 'null', sync: 'none' });
  expect(client.warnings).toEqual([expect.stringContaining("Node 'null' does not say how large its clusters are")]);
});

it('a commit writes to a base that was opened for reading, and leaves it so', async () => {
  const client = await JobClient.withChain();
  await client.execute('eject', { device: 'd0', force: true });
  await client.create('over.qcow2', 4 << 20, 'top.qcow2');
  let backing: string | null = null;
  for (const name of ['base', 'top', 'over']) {
    const file = { driver: 'file', filename: client.at(`${name}.qcow2`) };
    const node = { driver: 'qcow2', 'node-name': name, file, backing, 'read-only': name !== 'over' };
    await client.execute('blockdev-add', node);
    backing = name;
  }
  await client.execute('block-commit', { 'job-id': 'c', device: 'over', 'top-node': 'top', 'base-node': 'base' });
  expect((await client.end()).data).toMatchObject({ type: 'commit', offset: 4 << 20 });
  const base = client.layer.graph.namedNode('base');
  await expect.poll(() => base.flags.readOnly, { timeout: 20_000 }).toBe(true);
  const copied = Buffer.alloc(65_536);
  await base.requests.read(65_536, copied);
  expect(copied.every((byte) => byte === 0x22)).toBe(true);
});

it('a node that a job uses is not deleted, and the refusal names the job', async () => {
  await client.execute('blockdev-backup', { 'job-id': 'b', device: 'top', target: 'null', sync: 'none' });
  await expect(client.execute('blockdev-del', { 'node-name': 'top' })).rejects.toThrow(
    "Node 'top' is busy: block device is in use by block job: backup",
  );
});

it('a node whose driver may only be used for reading is not reopened for writing', async () => {
  const limited = new LayerClient({ whitelist: { readWrite: ['null-co'], readOnly: ['raw'] } });
  onTestFinished(() => limited.layer.close());
  await limited.execute('blockdev-add', { driver: 'null-co', 'node-name': 'f', size: 4096 });
  const raw = { driver: 'raw', 'node-name': 'r', file: 'f' };
  await limited.execute('blockdev-add', { ...raw, 'read-only': true });
  await expect(limited.execute('blockdev-reopen', { options: [raw] })).rejects.toThrow(
    "Driver 'raw' can only be used for read-only devices",
  );
});

it.each([
  ['commit', { device: 'top', 'base-node': 'base' }],
  ['stream', { device: 'top', 'base-node': 'base' }],
])('a %s past a layer that ends early keeps what that hides of its base', async (kind, args) => {
  const client = await JobClient.withChain();
  await client.execute('eject', { device: 'd0', force: true });
  const size = 2 << 20;
  for (const [name, length] of [
    ['b.qcow2', size],
    ['m.qcow2', size / 2],
    ['t.qcow2', size],
  ] as const) {
    await client.create(name, length);
  }
  await client.fill('b.qcow2', 0, 0x11, size);
  let backing: string | null = null;
  for (const [name, file] of [
    ['base', 'b'],
    ['mid', 'm'],
    ['top', 't'],
  ] as const) {
    const image = { driver: 'file', filename: client.at(`${file}.qcow2`) };
    await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': name, file: image, backing });
    backing = name;
  }
  const read = async (name: string): Promise<Buffer> => {
    const buffer = Buffer.alloc(size);
    await client.layer.graph.namedNode(name).requests.read(0, buffer);
    return buffer;
  };
  const before = await read('top');
  expect([before[0], before[size - 1]]).toEqual([0x11, 0]);
  await client.execute(`block-${kind}`, { ...args, 'job-id': 'j' });
  if (kind === 'commit') {
    await client.event('BLOCK_JOB_READY');
    await client.execute('job-complete', { id: 'j' });
  }
  expect((await client.end()).data.error).toBeUndefined();
  expect((await read(kind === 'commit' ? 'base' : 'top')).equals(before)).toBe(true);
});
