import { expect, it } from 'vitest';
import { JobClient } from './job-client.js';

const size = 4 << 20;
const cluster = 65_536;

/** A chain of images, whose top has one cluster of its own, under filters of which the uppermost is called `filter`. */
async function filteredChain(filter: string): Promise<JobClient> {
  const client = await JobClient.withChain();
  await client.execute('object-add', { 'qom-type': 'throttle-group', id: 'group' });
  await client.execute('eject', { device: 'd0', force: true });
  const top = {
    driver: 'qcow2',
    'node-name': 'top',
    file: { driver: 'file', filename: client.at('top.qcow2') },
    backing: { driver: 'qcow2', 'node-name': 'base', file: { driver: 'file', filename: client.at('base.qcow2') } },
  };
  const group = { driver: 'throttle', 'throttle-group': 'group' };
  const over = filter === 'copy-on-read' ? { driver: filter, file: top } : { ...group, file: { ...group, file: top } };
  await client.execute('blockdev-add', { ...over, 'node-name': 'filter' });
  await client.create('target.qcow2', size);
  const file = { driver: 'file', filename: client.at('target.qcow2') };
  await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'target', file });
  return client;
}

const onlyTop = (): Buffer => {
  const expected = Buffer.alloc(size);
  expected.fill(0x22, cluster, 2 * cluster);
  return expected;
};

it.each(['throttle', 'copy-on-read'])(
  'a backup of the uppermost image through %s takes nothing from the images below it',
  async (filter) => {
    const client = await filteredChain(filter);
    const job = { 'job-id': 'j', device: 'filter', target: 'target', sync: 'top' };
    await client.execute('blockdev-backup', job);
    expect((await client.event('BLOCK_JOB_COMPLETED')).data).toMatchObject({ len: cluster, offset: cluster });
    await client.execute('blockdev-del', { 'node-name': 'target' });
    expect(onlyTop().equals(await client.contentOf('target.qcow2'))).toBe(true);
  },
);

it('a mirror of the uppermost image through filters takes nothing from the images below it', async () => {
  const client = await filteredChain('throttle');
  const job = { 'job-id': 'j', device: 'filter', target: 'target', sync: 'top' };
  await client.execute('blockdev-mirror', job);
  await client.event('BLOCK_JOB_READY');
  await client.execute('block-job-cancel', { device: 'j' });
  expect((await client.event('BLOCK_JOB_COMPLETED')).data).toMatchObject({ len: cluster, offset: cluster });
  await client.execute('blockdev-del', { 'node-name': 'target' });
  expect(onlyTop().equals(await client.contentOf('target.qcow2'))).toBe(true);
});

it('a stream down to a base takes nothing from the base through a filter over it', async () => {
  const client = await JobClient.withChain();
  await client.execute('eject', { device: 'd0', force: true });
  await client.execute('object-add', { 'qom-type': 'throttle-group', id: 'group' });
  await client.create('over.qcow2', size, 'top.qcow2');
  const image = (name: string) => ({
    driver: 'qcow2',
    'node-name': name,
    file: { driver: 'file', filename: client.at(`${name}.qcow2`) },
  });
  const filter = { driver: 'throttle', 'throttle-group': 'group', file: image('base') };
  await client.execute('blockdev-add', { ...image('over'), backing: { ...image('top'), backing: filter } });
  await client.execute('block-stream', { 'job-id': 'j', device: 'over', bottom: 'top' });
  await client.event('BLOCK_JOB_COMPLETED');
  const nodes = (await client.execute('query-named-block-nodes', { flat: true })) as never[];
  const over = nodes.find((node) => node['node-name'] === 'over') as unknown as { image: { 'backing-image'?: object } };
  expect(over.image).toMatchObject({ 'backing-filename': expect.stringContaining('base.qcow2') });
  const map = (await client.execute('human-monitor-command', { 'command-line': 'qemu-io over map' })) as string;
  expect(map).toContain('64 KiB (0x10000) bytes     allocated at offset 64 KiB (0x10000)');
  expect(map).toContain('not allocated at offset 128 KiB');
});

it('refuses a target that is a backing file before it looks at what a mirror copies', async () => {
  const client = await filteredChain('throttle');
  const job = { 'job-id': 'j', device: 'filter', target: 'base', sync: 'incremental' };
  await expect(client.execute('blockdev-mirror', job)).rejects.toThrow(/is used as backing/);
  await expect(client.execute('blockdev-mirror', { ...job, target: 'target' })).rejects.toThrow(/not supported/);
});

it('a copy on read reaches the image below raw nodes and other filters', async () => {
  const client = await JobClient.withChain();
  await client.execute('eject', { device: 'd0', force: true });
  const file = (name: string) => ({ driver: 'qcow2', file: { driver: 'file', filename: client.at(name) } });
  const image = { ...file('top.qcow2'), backing: file('base.qcow2') };
  const raw = (node: object) => ({ driver: 'raw', file: node });
  const inner = { driver: 'copy-on-read', file: raw(image) };
  await client.execute('blockdev-add', { driver: 'copy-on-read', 'node-name': 'n', file: raw(inner) });
  const wanted = Buffer.alloc(size);
  await client.layer.graph.namedNode('n').requests.read(0, wanted);
  await client.execute('blockdev-del', { 'node-name': 'n' });
  // What the image has itself by now, without what is below it.
  await client.execute('blockdev-add', { ...file('top.qcow2'), 'node-name': 'top', backing: null });
  const own = Buffer.alloc(size);
  await client.layer.graph.namedNode('top').requests.read(0, own);
  expect(own.equals(wanted)).toBe(true);
  expect(own[0]).toBe(0x11);
});
