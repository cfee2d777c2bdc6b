import { beforeEach, describe, expect, it } from 'vitest';
import type { BlockInfo } from '../../../../generated/index.js';
import type { BlockNode } from '../../../../runtime/block/graph/node.js';
import { JobClient } from './job-client.js';

const size = 4 << 20;
let client: JobClient;

beforeEach(async () => {
  client = await JobClient.withChain();
  await client.create('target.qcow2', size);
  const file = { driver: 'file', filename: client.at('target.qcow2') };
  await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'target', file });
});

/** Each kind of job of the drive, slow enough to be met. */
const jobs = [
  { kind: 'mirror', command: 'blockdev-mirror', args: { device: 'd0', target: 'target', sync: 'full' } },
  { kind: 'active commit', command: 'block-commit', args: { device: 'd0' } },
  { kind: 'stream', command: 'block-stream', args: { device: 'd0' } },
  { kind: 'backup', command: 'blockdev-backup', args: { device: 'd0', target: 'target', sync: 'none' } },
] as const;

const drivers = {
  mirror: 'mirror_top',
  'active commit': 'mirror_top',
  stream: 'copy-on-read',
  backup: 'copy-before-write',
} as const;

const filters = (): string[] => [...client.layer.graph.nodes].filter((node) => node.ofJob).map(({ name }) => name);

const begin = (command: string, args: object): Promise<unknown> =>
  client.execute(command, { 'job-id': 'j', speed: 1, ...args });

async function drive(): Promise<NonNullable<BlockInfo['inserted']>> {
  const [info] = (await client.execute('query-block')) as BlockInfo[];
  if (info?.inserted === undefined) throw new Error('d0 has a medium');
  return info.inserted;
}

function medium(): BlockNode {
  const node = client.layer.graph.mediumOf(client.backend('d0'));
  if (node === undefined) throw new Error('d0 has a medium');
  return node;
}

describe('the filter of a job', () => {
  it.each(jobs)('a drive shows the filter of a job that a user has named: $kind', async ({ kind, command, args }) => {
    const image = medium();
    await begin(command, { ...args, 'filter-node-name': 'filter' });
    expect(filters()).toEqual(['filter']);
    expect(await drive()).toMatchObject({ 'node-name': 'filter', drv: drivers[kind], backing_file_depth: 2 });
    const [stats] = (await client.execute('query-blockstats')) as { 'node-name': string; backing: object }[];
    expect(stats).toMatchObject({ 'node-name': 'filter', backing: { 'node-name': image.name } });
    await expect(client.execute('blockdev-del', { 'node-name': 'filter' })).rejects.toThrow(/in use|busy/);
    await expect(client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'filter' })).rejects.toThrow(
      "Duplicate nodes with node-name='filter'",
    );
    await client.execute('block-job-cancel', { device: 'j' });
    await client.end();
    expect(filters()).toEqual([]);
    expect(await drive()).toMatchObject({ 'node-name': image.name, drv: 'qcow2' });
    await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'filter' });
  });

  it.each(jobs)(
    'a drive passes over the filter of a job without a name, unless it is that of a backup: $kind',
    async (job) => {
      const image = medium();
      await begin(job.command, job.args);
      const [name] = filters();
      expect(name).toMatch(/^#block/);
      const shown =
        job.kind === 'backup' ? { 'node-name': name, drv: 'copy-before-write' } : { 'node-name': image.name };
      expect(await drive()).toMatchObject(shown);
      expect(client.backend('d0').root?.node.name).toBe(name);
    },
  );

  it.each(jobs)('the name of a drive means the filter over its image in every command: $kind', async (job) => {
    const image = medium();
    const named = () => client.layer.bitmaps.of(image).flatMap(({ name }) => name ?? []);
    await client.execute('block-dirty-bitmap-add', { node: 'd0', name: 'before' });
    await begin(job.command, job.args);
    await client.execute('block-dirty-bitmap-add', { node: 'd0', name: 'meanwhile' });
    await client.execute('block-dirty-bitmap-merge', {
      node: 'd0',
      target: 'meanwhile',
      bitmaps: [{ node: image.name, name: 'before' }],
    });
    await expect(client.execute('block-dirty-bitmap-clear', { node: 'd0', name: 'before' })).rejects.toThrow(
      "Dirty bitmap 'before' not found",
    );
    await expect(
      client.execute('block-dirty-bitmap-add', { node: 'd0', name: 'kept', persistent: true }),
    ).rejects.toThrow("Can't store persistent bitmaps to d0: Operation not supported");
    const type = job.command === 'block-commit' ? 'commit' : job.kind;
    const busy = `Node 'd0' is busy: block device is in use by block job: ${type}`;
    for (const [command, args] of [
      ['block_resize', { device: 'd0', size: 2 * size }],
      ['blockdev-snapshot-sync', { device: 'd0', 'snapshot-file': client.at('snapshot.qcow2') }],
      ['blockdev-backup', { device: 'd0', 'job-id': 'k', target: 'target', sync: 'full' }],
      ['block-stream', { device: 'd0', 'job-id': 'k' }],
      ['eject', { device: 'd0', force: true }],
    ] as const) {
      await expect(client.execute(command, args)).rejects.toThrow(busy);
    }
    await client.execute('blockdev-add', { driver: 'raw', 'node-name': 'over', file: 'd0', 'read-only': true });
    expect(client.layer.graph.node('over')?.file?.node.ofJob).toBeDefined();
    await client.execute('blockdev-del', { 'node-name': 'over' });
    expect(named()).toEqual(['before']);
    await client.execute('block-job-cancel', { device: 'j' });
    await client.end();
    expect(named()).toEqual(['before']);
    await client.execute('block-dirty-bitmap-clear', { node: 'd0', name: 'before' });
  });

  it.each(jobs)('guests read, write and flush through the filter: $kind', async ({ command, args }) => {
    const backend = client.backend('d0');
    const before = await client.content('d0');
    await begin(command, args);
    expect((await client.content('d0')).equals(before)).toBe(true);
    await backend.write(300_001, Buffer.alloc(70_000, 7));
    await backend.writeZeroes(500_000, 100_000);
    before.fill(7, 300_001, 370_001).fill(0, 500_000, 600_000);
    expect((await client.content('d0')).equals(before)).toBe(true);
    let flushed = 0;
    const { requests } = medium();
    const { flush } = requests;
    requests.flush = () => {
      flushed++;
      return flush.call(requests);
    };
    await backend.flush();
    expect(flushed).toBeGreaterThan(0);
    await client.execute('block-job-cancel', { device: 'j' });
    await client.end();
    expect((await client.content('d0')).equals(before)).toBe(true);
    expect(client.warnings).toEqual([]);
  });

  it.each(jobs)('refuses a name that another node or a drive has: $kind', async ({ command, args }) => {
    const create = command === 'block-stream' || command === 'blockdev-backup' ? 'Could not create node: ' : '';
    for (const [name, message] of [
      ['target', "Duplicate nodes with node-name='target'"],
      ['d0', 'node-name=d0 is conflicting with a device id'],
      ['1', "Invalid node-name: '1'"],
      ['x'.repeat(32), 'Node name too long'],
    ] as const) {
      await expect(begin(command, { ...args, 'filter-node-name': name })).rejects.toThrow(`${create}${message}`);
    }
    expect(filters()).toEqual([]);
    expect(await client.jobs()).toEqual([]);
  });

  it('a transaction that fails leaves no filter behind', async () => {
    const data = { 'job-id': 'j', device: 'd0', target: 'target', sync: 'full', 'filter-node-name': 'filter' };
    const actions = [
      { type: 'blockdev-backup', data },
      { type: 'abort', data: {} },
    ];
    await expect(client.execute('transaction', { actions })).rejects.toThrow();
    expect(filters()).toEqual([]);
    expect(await drive()).toMatchObject({ drv: 'qcow2' });
    await begin('blockdev-backup', data);
  });

  it('two filters stand over one node, and either job may end first', async () => {
    await client.create('second.qcow2', size);
    const file = { driver: 'file', filename: client.at('second.qcow2') };
    await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'second', file });
    for (const order of [
      ['one', 'two'],
      ['two', 'one'],
    ]) {
      const before = await client.content('d0');
      const actions = ['one', 'two'].map((id) => ({
        type: 'blockdev-backup',
        data: {
          'job-id': id,
          device: medium().name,
          target: id === 'one' ? 'target' : 'second',
          sync: 'none',
          'filter-node-name': `${id}-filter`,
        },
      }));
      await client.execute('transaction', { actions });
      const over = client.layer.graph.node('one-filter');
      expect([...(over?.chain() ?? [])].map(({ name }) => name).slice(0, 2)).toEqual(['one-filter', 'two-filter']);
      await client.backend('d0').write(0, Buffer.alloc(65_536, order.indexOf('one') + 3));
      for (const device of order) {
        await client.execute('block-job-cancel', { device });
        await client.end();
      }
      expect(filters()).toEqual([]);
      for (const name of ['target', 'second']) {
        const copied = Buffer.alloc(65_536);
        await client.layer.graph.node(name)?.requests.read(0, copied);
        expect(copied.equals(before.subarray(0, 65_536))).toBe(true);
      }
    }
    expect(client.warnings).toEqual([]);
  });

  it.each(['none', 'full'])(
    'a snapshot-access node above the filter of a backup shows the disk as it was when that began: %s',
    async (sync) => {
      const backend = client.backend('d0');
      const before = await client.content('d0');
      await begin('blockdev-backup', { device: 'd0', target: 'target', sync, 'filter-node-name': 'filter' });
      await client.execute('blockdev-add', { driver: 'snapshot-access', 'node-name': 'past', file: 'filter' });
      const past = client.layer.graph.node('past');
      const shown = async () => {
        const content = Buffer.alloc(size);
        await past?.requests.read(0, content);
        return content.equals(before);
      };
      const reads = [shown()];
      for (let count = 0; count < 20; count++) {
        const offset = count * 200_000 + 300;
        await Promise.all([
          backend.write(offset, Buffer.alloc(70_000, count + 7)),
          backend.writeZeroes(size - offset - 1000, 1000),
        ]);
        reads.push(shown());
      }
      expect(new Set(await Promise.all(reads))).toEqual(new Set([true]));
      expect((await client.content('d0')).equals(before)).toBe(false);
      await client.execute('block-job-cancel', { device: 'j' });
      await client.end();
      await expect(shown()).rejects.toThrow('Operation not supported');
    },
  );

  it('a node above a filter is reopened with the child that it had, and with no other', async () => {
    await client.execute('eject', { device: 'd0', force: true });
    const image = (name: string) => ({ driver: 'file', filename: client.at(`${name}.qcow2`) });
    const base = { driver: 'qcow2', 'node-name': 'base', file: image('base') };
    const overlay = { driver: 'qcow2', 'node-name': 'overlay', file: image('top') };
    await client.execute('blockdev-add', base);
    await client.execute('blockdev-add', { ...overlay, backing: 'base' });
    await begin('blockdev-backup', { device: 'base', target: 'target', sync: 'none', 'filter-node-name': 'named' });
    const { graph } = client.layer;
    const reopen = (backing: string | null) =>
      client.execute('blockdev-reopen', { options: [{ ...overlay, backing }] });
    await reopen('named');
    await reopen('base');
    expect(graph.node('overlay')?.below?.name).toBe('base');
    await client.execute('block-job-cancel', { device: 'j' });
    await client.end();
    await client.create('deep.qcow2', size);
    await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'deep', file: image('deep') });
    await reopen('base');
    await client.execute('blockdev-add', { driver: 'raw', 'node-name': 'port', file: 'overlay' });
    await begin('block-stream', { device: 'overlay' });
    const port = (file: string) =>
      client.execute('blockdev-reopen', { options: [{ driver: 'raw', 'node-name': 'port', file }] });
    await port('overlay');
    expect(graph.node('port')?.file?.node.ofJob).toBe('implicit');
    await expect(port('deep')).rejects.toThrow('Cannot replace implicit file child of port');
  });

  it('changes nothing of what an image says of its backing file', async () => {
    await client.create('over.qcow2', size, 'top.qcow2');
    await client.execute('eject', { device: 'd0', force: true });
    await client.drive(`file=${client.at('over.qcow2')},if=none,id=d1`);
    const shown = async () => {
      const [info] = ((await client.execute('query-block')) as BlockInfo[]).filter(({ device }) => device === 'd1');
      const { image, backing_file, backing_file_depth } = info?.inserted ?? {};
      return { image: { ...image, 'actual-size': 0, 'backing-image': {} }, backing_file, backing_file_depth };
    };
    const before = await shown();
    const below = client.layer.graph.mediumOf(client.backend('d1'))?.below?.name ?? '';
    await begin('block-stream', { device: below });
    expect(filters()).toHaveLength(1);
    expect(await shown()).toEqual(before);
    await client.execute('block-job-cancel', { device: 'j' });
    await client.end();
    expect(await shown()).toEqual(before);
  });

  it('a job that fails leaves no filter behind', async () => {
    await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'small', size: 512 });
    await begin('blockdev-mirror', { device: 'd0', target: 'small', sync: 'full' });
    expect((await client.end()).data.error).toContain('different sizes');
    expect(filters()).toEqual([]);
    expect(await drive()).toMatchObject({ drv: 'qcow2' });
  });

  it('queries are answered while filters come and go', async () => {
    let asking = true;
    const asked = (async () => {
      while (asking) await client.execute('query-named-block-nodes');
    })();
    for (let round = 0; round < 20; round++) {
      await begin('block-stream', { device: 'd0', 'filter-node-name': `filter${round}` });
      await client.execute('block-job-cancel', { device: 'j' });
      await client.end();
    }
    asking = false;
    await asked;
  });
});

describe('a base that its user has opened read-only', () => {
  const chain = ['base', 'top', 'over'];
  beforeEach(async () => {
    await client.create('over.qcow2', size, 'top.qcow2');
    await client.execute('eject', { device: 'd0', force: true });
    let backing: string | null = null;
    for (const name of chain) {
      const file = { driver: 'file', filename: client.at(`${name}.qcow2`) };
      const node = { driver: 'qcow2', 'node-name': name, file, backing, 'read-only': name !== 'over' };
      await client.execute('blockdev-add', node);
      backing = name;
    }
  });

  const readOnly = (): (boolean | undefined)[] => chain.map((name) => client.layer.graph.node(name)?.flags.readOnly);

  it.each([
    { args: { 'top-node': 'top' }, end: 'completed' },
    { args: { 'top-node': 'top' }, end: 'cancelled' },
    { args: {}, end: 'cancelled' },
  ])('a commit with $args writes to it, and makes it read-only again when that has $end', async ({ args, end }) => {
    await begin('block-commit', { device: 'over', ...args, ...(end === 'completed' && { speed: 0 }) });
    if (end === 'cancelled') {
      expect(readOnly()).toEqual([false, true, false]);
      await client.execute('block-job-cancel', { device: 'j', force: true });
    }
    expect((await client.end()).data.error).toBeUndefined();
    expect(readOnly()).toEqual([true, true, false]);
    expect(client.layer.graph.node('base')?.file?.node.flags.readOnly).toBe(true);
    expect(client.warnings).toEqual([]);
  });

  it('takes the place of the active image, writable as that was', async () => {
    await begin('block-commit', { device: 'over', speed: 0 });
    await client.event('BLOCK_JOB_READY');
    await client.execute('job-complete', { id: 'j' });
    await client.end();
    expect(readOnly()).toEqual([false, true, false]);
  });
});
