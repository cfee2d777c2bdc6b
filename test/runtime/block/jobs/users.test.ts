import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { folderWith } from '../../../cli/command-line.js';
import { createChain, LayerClient } from '../layer-client.js';

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
