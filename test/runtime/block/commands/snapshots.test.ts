import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { JobClient } from '../jobs/job-client.js';

interface Inserted {
  readonly file: string;
  readonly 'node-name': string;
  readonly ro: boolean;
  readonly image: { readonly snapshots?: readonly { readonly id: string; readonly name: string }[] };
}

async function inserted(client: JobClient): Promise<Inserted> {
  const [device] = (await client.execute('query-block')) as { inserted: Inserted }[];
  if (device === undefined) throw new Error('There is no device');
  return device.inserted;
}

it('puts a new file on top, into which the guest writes from now on', async () => {
  const client = await JobClient.withChain();
  const before = await client.content('d0');
  const args = { device: 'd0', 'snapshot-file': client.at('s.qcow2'), 'snapshot-node-name': 'snap' };
  await client.execute('blockdev-snapshot-sync', args);
  expect(await inserted(client)).toMatchObject({ file: client.at('s.qcow2'), 'node-name': 'snap', ro: false });
  await client.backend('d0').write(0, Buffer.alloc(4096, 0x55));
  const after = await client.content('d0');
  expect(after.subarray(0, 4096).every((byte) => byte === 0x55)).toBe(true);
  expect(after.subarray(4096).equals(before.subarray(4096))).toBe(true);
  expect(client.layer.graph.namedNode('snap').below?.flags.readOnly).toBe(true);
  expect((await client.contentOf('top.qcow2')).equals(before)).toBe(true);
});

it.each([
  [{ device: 'no', 'snapshot-file': 's' }, 'Cannot find'],
  [{ 'node-name': 'no', 'snapshot-file': 's' }, 'Cannot find'],
  [{ device: 'd0', 'snapshot-file': 's', 'snapshot-node-name': 'd0' }, 'already in use'],
  [{ device: 'd0', 'snapshot-file': 's', format: 'none' }, "Unknown driver 'none'"],
  [{ device: 'd0', 'snapshot-file': 's', mode: 'existing' }, 'No such file'],
])('refuses a snapshot with %j, and goes on with the same disk', async (args, message) => {
  const client = await JobClient.withChain();
  const file = (await inserted(client)).file;
  const named = { ...args, 'snapshot-file': client.at(args['snapshot-file']) };
  await expect(client.execute('blockdev-snapshot-sync', named)).rejects.toThrow(message);
  expect(await inserted(client)).toMatchObject({ file, ro: false });
  await client.backend('d0').write(0, Buffer.alloc(512));
});

it('takes a node that was opened without a backing file as an overlay, once', async () => {
  const client = await JobClient.withChain();
  await client.create('o.qcow2', 4 << 20, 'top.qcow2');
  const options = {
    driver: 'qcow2',
    'node-name': 'o',
    file: { driver: 'file', filename: client.at('o.qcow2') },
    backing: '',
  };
  await client.execute('blockdev-add', { options });
  await client.execute('blockdev-snapshot', { node: 'd0', overlay: 'o' });
  expect((await inserted(client))['node-name']).toBe('o');
  await expect(client.execute('blockdev-snapshot', { node: 'd0', overlay: 'o' })).rejects.toThrow('in use');
});

it('gives the target of a mirror its backing file while it is filled: as for a copy of the top layer over another base', async () => {
  const client = await JobClient.withChain();
  const before = await client.content('d0');
  await client.create('below.qcow2', before.length);
  await client.create('copy.qcow2', before.length, 'below.qcow2');
  const add = (name: string, more: object = {}) => {
    const file = { driver: 'file', filename: client.at(`${name}.qcow2`) };
    return client.execute('blockdev-add', { driver: 'qcow2', 'node-name': name, file, ...more });
  };
  await add('below');
  const below = client.layer.graph.namedNode('below');
  // What the base of the chain has.
  await below.requests.write(0, Buffer.alloc(1 << 20, 0x11));
  await add('copy', { backing: null });
  await client.execute('blockdev-mirror', { 'job-id': 'j', device: 'd0', target: 'copy', sync: 'top' });
  await client.event('BLOCK_JOB_READY');
  await client.execute('blockdev-snapshot', { node: 'below', overlay: 'copy' });
  await client.execute('block-job-complete', { device: 'j' });
  await client.end();
  expect(await inserted(client)).toMatchObject({ 'node-name': 'copy' });
  expect(client.layer.graph.namedNode('copy').below?.name).toBe('below');
  expect((await client.content('d0')).equals(before)).toBe(true);
});

it('takes, lists and deletes snapshots inside an image', async () => {
  const client = await JobClient.withChain();
  await client.execute('blockdev-snapshot-internal-sync', { device: 'd0', name: 'first' });
  await client.execute('blockdev-snapshot-internal-sync', { device: 'd0', name: 'second' });
  expect((await inserted(client)).image.snapshots).toMatchObject([
    { id: '1', name: 'first' },
    { id: '2', name: 'second' },
  ]);
  const internal = (args: object) => client.execute('blockdev-snapshot-internal-sync', { device: 'd0', ...args });
  await expect(internal({ name: 'first' })).rejects.toThrow('already exists');
  await expect(internal({ name: '' })).rejects.toThrow('empty');
  const remove = (args: object) => client.execute('blockdev-snapshot-delete-internal-sync', { device: 'd0', ...args });
  await expect(remove({})).rejects.toThrow('Name or id');
  await expect(remove({ id: '1', name: 'second' })).rejects.toThrow('does not exist');
  expect(await remove({ name: 'first' })).toMatchObject({ id: '1', name: 'first', 'vm-state-size': 0 });
  expect(await remove({ id: '2' })).toMatchObject({ id: '2', name: 'second' });
  expect((await inserted(client)).image.snapshots).toBeUndefined();
});

it('changes nothing when one action of a transaction fails, but for the file that was made', async () => {
  const client = await JobClient.withChain();
  const before = await inserted(client);
  const actions = [
    { type: 'blockdev-snapshot-sync', data: { device: 'd0', 'snapshot-file': client.at('s.qcow2') } },
    { type: 'blockdev-snapshot-sync', data: { device: 'nope', 'snapshot-file': client.at('x') } },
  ];
  await expect(client.execute('transaction', { actions })).rejects.toThrow('Cannot find');
  expect(await inserted(client)).toMatchObject({ file: before.file, 'node-name': before['node-name'] });
  expect(existsSync(client.at('s.qcow2'))).toBe(true);
  await client.execute('transaction', { actions: [] });
});

it('takes back an internal snapshot, a bitmap and a cleared bitmap when a transaction is aborted', async () => {
  const client = await JobClient.withChain();
  await client.execute('block-dirty-bitmap-add', { node: 'd0', name: 'old' });
  await client.backend('d0').write(0, Buffer.alloc(1));
  const actions = [
    { type: 'block-dirty-bitmap-add', data: { node: 'd0', name: 'new' } },
    { type: 'block-dirty-bitmap-clear', data: { node: 'd0', name: 'old' } },
    { type: 'blockdev-snapshot-internal-sync', data: { device: 'd0', name: 's' } },
    { type: 'abort', data: {} },
  ];
  await expect(client.execute('transaction', { actions })).rejects.toThrow('Abort action');
  const [device] = (await client.execute('query-block')) as { 'dirty-bitmaps': unknown[] }[];
  expect(device?.['dirty-bitmaps']).toEqual([
    expect.objectContaining({ name: 'old', count: 65_536, granularity: 65_536 }),
  ]);
  expect((await inserted(client)).image.snapshots).toBeUndefined();
});

it('two snapshots of a transaction are one over the other, and both are taken back when it fails', async () => {
  const client = await JobClient.withChain();
  const before = await client.content('d0');
  const base = (await inserted(client))['node-name'];
  const snapshot = (on: object, name: string) => ({
    type: 'blockdev-snapshot-sync',
    data: { ...on, 'snapshot-file': client.at(name), 'snapshot-node-name': name },
  });
  const device = { device: 'd0' };
  const abort = { type: 'abort', data: {} };
  const failed = { actions: [snapshot(device, 's1'), snapshot(device, 's2'), abort] };
  await expect(client.execute('transaction', failed)).rejects.toThrow('Abort action');
  expect(await inserted(client)).toMatchObject({ 'node-name': base, ro: false });
  expect(['s1', 's2'].map((name) => client.layer.graph.node(name))).toEqual([undefined, undefined]);
  const twice = { actions: [snapshot({ 'node-name': base }, 's1'), snapshot({ 'node-name': base }, 's2')] };
  await expect(client.execute('transaction', twice)).rejects.toThrow("node is used as backing hd of 's1'");
  await client.execute('transaction', { actions: [snapshot(device, 's1'), snapshot(device, 's2')] });
  const chain = [...client.layer.graph.namedNode('s2').chain()].map(({ name }) => name);
  expect(chain.slice(0, 3)).toEqual(['s2', 's1', base]);
  expect((await client.content('d0')).equals(before)).toBe(true);
});

it('a transaction moves a persistent bitmap from an image to the snapshot that it takes', async () => {
  const client = await JobClient.withChain();
  const [device] = (await client.execute('query-block')) as { inserted: Inserted }[];
  const base = device?.inserted['node-name'];
  await client.execute('block-dirty-bitmap-add', { node: 'd0', name: 'b', persistent: true });
  await client.backend('d0').write(0, Buffer.alloc(65_536, 1));
  const data = { device: 'd0', 'snapshot-file': client.at('s.qcow2'), 'snapshot-node-name': 'snap' };
  const bitmap = { node: 'snap', name: 'b' };
  const actions = [
    { type: 'blockdev-snapshot-sync', data },
    { type: 'block-dirty-bitmap-add', data: { ...bitmap, persistent: true } },
    { type: 'block-dirty-bitmap-merge', data: { node: 'snap', target: 'b', bitmaps: [{ node: base, name: 'b' }] } },
    { type: 'block-dirty-bitmap-remove', data: { node: base, name: 'b' } },
  ];
  await client.execute('transaction', { actions });
  const { below } = client.layer.graph.namedNode('snap');
  expect(below?.flags.readOnly).toBe(true);
  const bitmaps = async () => {
    const [{ inserted: medium } = { inserted: undefined }] = (await client.execute('query-block')) as [
      { inserted: { 'dirty-bitmaps'?: unknown } },
    ];
    return medium?.['dirty-bitmaps'] ?? [];
  };
  expect(await bitmaps()).toMatchObject([{ name: 'b', persistent: true, count: 65_536 }]);
  await client.layer.deleteDrive('d0');
  await client.drive(`file=${client.at('top.qcow2')},if=none,id=old`);
  expect(await bitmaps()).toEqual([]);
});

it('cancels a backup of a transaction that is aborted before it answers', async () => {
  const client = await JobClient.withChain();
  const actions = [
    { type: 'drive-backup', data: { device: 'd0', target: client.at('b.qcow2'), sync: 'full' } },
    { type: 'abort', data: {} },
  ];
  await expect(client.execute('transaction', { actions })).rejects.toThrow('Abort action');
  expect(client.events.map(({ name, data }) => [name, data])).toEqual(
    ['created', 'aborting', 'concluded', 'null'].map((status) => ['JOB_STATUS_CHANGE', { id: 'd0', status }]),
  );
  expect(await client.jobs()).toEqual([]);
});

it('lets the backups of a grouped transaction succeed together, or none', async () => {
  const client = await JobClient.withChain();
  await client.create('other.qcow2', 1 << 20);
  await client.drive(`file=${client.at('other.qcow2')},if=none,id=d1`);
  const backup = (device: string, speed: number) => ({
    type: 'drive-backup',
    data: { device, target: client.at(`${device}.bak`), format: 'qcow2', sync: 'full', speed },
  });
  const properties = { 'completion-mode': 'grouped' };
  await client.execute('transaction', { actions: [backup('d0', 0), backup('d1', 0)], properties });
  const both = [await client.end(), await client.end()];
  expect(both.map(({ name, data }) => [name, data.device]).sort()).toEqual([
    ['BLOCK_JOB_COMPLETED', 'd0'],
    ['BLOCK_JOB_COMPLETED', 'd1'],
  ]);
  await client.execute('transaction', { actions: [backup('d0', 1), backup('d1', 0)], properties });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect((await client.jobs()).map(({ device }) => device)).toEqual(['d1', 'd0']);
  await client.execute('block-job-cancel', { device: 'd0' });
  const none = [await client.end(), await client.end()];
  expect(none.map(({ name }) => name)).toEqual(['BLOCK_JOB_CANCELLED', 'BLOCK_JOB_CANCELLED']);
  const snapshot = { type: 'block-dirty-bitmap-add', data: { node: 'd0', name: 'b' } };
  await expect(client.execute('transaction', { actions: [snapshot], properties })).rejects.toThrow('grouped');
});

it('cancels all backups of a grouped transaction that is aborted', async () => {
  const client = await JobClient.withChain();
  await client.create('other.qcow2', 1 << 20);
  await client.drive(`file=${client.at('other.qcow2')},if=none,id=d1`);
  const backup = (device: string) => ({
    type: 'drive-backup',
    data: { device, target: client.at(`${device}.bak`), format: 'qcow2', sync: 'full' },
  });
  const actions = [backup('d0'), backup('d1'), { type: 'abort', data: {} }];
  const grouped = { actions, properties: { 'completion-mode': 'grouped' } };
  await expect(client.execute('transaction', grouped)).rejects.toThrow('Abort action');
  expect(client.events.map(({ data }) => Object.values(data as object).join(' '))).toEqual([
    ...['d0 created', 'd1 created'],
    ...['d1 aborting', 'd1 concluded', 'd1 null'],
    ...['d0 aborting', 'd0 concluded', 'd0 null'],
  ]);
  expect(await client.jobs()).toEqual([]);
});
