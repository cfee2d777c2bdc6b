import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LayerClient } from '../layer-client.js';
import { JobClient } from './job-client.js';

it('copies what guests write meanwhile, and pivots to an equal disk', async () => {
  const client = await JobClient.withChain();
  await client.execute('drive-mirror', { device: 'd0', target: client.at('m.qcow2'), sync: 'full', 'job-id': 'm' });
  const d0 = client.backend('d0');
  for (let round = 0; round < 50; round++) {
    await d0.write((round * 77_777) % (3 << 20), Buffer.alloc(5000, round + 1));
  }
  await client.event('BLOCK_JOB_READY');
  await d0.write(12_345, Buffer.alloc(60_000, 0x77));
  const before = await client.content('d0');
  await client.execute('block-job-complete', { device: 'm' });
  expect(await client.end()).toMatchObject({ name: 'BLOCK_JOB_COMPLETED', data: { type: 'mirror', device: 'm' } });
  expect((await client.content('d0')).equals(before)).toBe(true);
  expect(client.layer.graph.mediumOf(d0)?.filename).toBe(client.at('m.qcow2'));
});

it('refuses to complete a mirror before it is ready', async () => {
  const client = await JobClient.withChain();
  await client.execute('drive-mirror', { device: 'd0', target: client.at('m.qcow2'), sync: 'full', speed: 1 });
  await expect(client.execute('block-job-complete', { device: 'd0' })).rejects.toThrow(
    "in state 'running' cannot accept command verb 'complete'",
  );
  await client.execute('block-job-cancel', { device: 'd0' });
  expect((await client.end()).name).toBe('BLOCK_JOB_CANCELLED');
});

it('makes an image without a backing file for sync=none of a disk that has none, and does not crash', async () => {
  const client = await JobClient.withChain();
  await client.create('plain.qcow2', 1 << 20);
  await client.drive(`file=${client.at('plain.qcow2')},if=none,id=d1`);
  await client.execute('drive-mirror', { device: 'd1', target: client.at('n.qcow2'), sync: 'none' });
  await client.event('BLOCK_JOB_READY');
  await client.execute('block-job-cancel', { device: 'd1' });
  expect((await client.end()).name).toBe('BLOCK_JOB_COMPLETED');
});

it.each([
  [{ granularity: 256 }, 'range'],
  [{ granularity: 128 * 1024 * 1024 }, 'range'],
  [{ granularity: 3000 }, 'power of 2'],
  [{ 'buf-size': -1 }, 'buf-size'],
  [{ sync: 'incremental' }, 'incremental'],
  [{ replaces: 'x' }, 'node-name'],
  [{ 'node-name': 'd0' }, 'conflicting'],
  [{ format: 'nothing' }, "Unknown driver 'nothing'"],
])('refuses a mirror with %j', async (args, message) => {
  const client = await JobClient.withChain();
  const mirror = { device: 'd0', target: client.at('m.qcow2'), sync: 'full', ...args };
  await expect(client.execute('drive-mirror', mirror)).rejects.toThrow(message);
  expect(await client.jobs()).toEqual([]);
  expect([...client.layer.graph.nodes].some(({ filename }) => filename === client.at('m.qcow2'))).toBe(false);
});

it('takes an image that exists, and opens its backing file at the end only', async () => {
  const client = await JobClient.withChain();
  await client.create('m.qcow2', 4 << 20, 'base.qcow2');
  const before = await client.content('d0');
  const args = { device: 'd0', target: client.at('m.qcow2'), sync: 'top', mode: 'existing', format: 'qcow2' };
  await client.execute('drive-mirror', args);
  await client.event('BLOCK_JOB_READY');
  await client.execute('block-job-complete', { device: 'd0' });
  expect((await client.end()).data.error).toBeUndefined();
  expect((await client.content('d0')).equals(before)).toBe(true);
  expect(existsSync(client.at('m.qcow2'))).toBe(true);
});

it('replaces a node below a quorum', async () => {
  const client = await JobClient.withChain();
  for (const name of ['a', 'b', 'c']) await client.create(`${name}.raw`, 1 << 20);
  const child = (name: string) => ({
    driver: 'raw',
    'node-name': name,
    file: { driver: 'file', filename: client.at(`${name}.raw`) },
  });
  await client.execute('blockdev-add', {
    options: { driver: 'quorum', 'node-name': 'q', 'vote-threshold': 2, children: ['a', 'b', 'c'].map(child) },
  });
  const args = { device: 'q', target: client.at('d.raw'), sync: 'full', format: 'raw', 'job-id': 'repair' };
  await expect(client.execute('drive-mirror', { ...args, replaces: 'q', 'node-name': 'd' })).resolves.toBeUndefined();
  await client.event('BLOCK_JOB_READY');
  await client.execute('block-job-cancel', { device: 'repair' });
  await client.end();
  await client.execute('drive-mirror', { ...args, replaces: 'b', 'node-name': 'd' });
  await client.event('BLOCK_JOB_READY');
  await client.execute('block-job-complete', { device: 'repair' });
  expect((await client.end()).data.error).toBeUndefined();
  const quorum = client.layer.graph.namedNode('q');
  expect([...quorum.childNodes()].map(({ name }) => name)).toEqual(['a', 'd', 'c']);
});

it('what others read is not replaced below a quorum, also when they came while the mirror ran', async () => {
  const client = await JobClient.withChain();
  for (const name of ['a', 'b', 'd']) await client.create(`${name}.raw`, 1 << 20);
  const add = (name: string) =>
    client.execute('blockdev-add', {
      driver: 'raw',
      'node-name': name,
      file: { driver: 'file', filename: client.at(`${name}.raw`) },
    });
  for (const name of ['a', 'b', 'd']) await add(name);
  await client.execute('blockdev-add', {
    driver: 'quorum',
    'node-name': 'q',
    'vote-threshold': 1,
    children: ['a', 'b'],
  });
  await client.execute('nbd-server-start', { addr: { type: 'unix', data: { path: client.at('nbd') } } });
  const read = () => client.execute('block-export-add', { type: 'nbd', id: 'e', 'node-name': 'b' });
  const mirror = { 'job-id': 'm', device: 'q', target: 'd', sync: 'full', replaces: 'b' };
  await read();
  await expect(client.execute('blockdev-mirror', mirror)).rejects.toThrow("Cannot replace 'b'");
  await client.execute('block-export-del', { id: 'e' });
  await client.execute('blockdev-mirror', mirror);
  await client.event('BLOCK_JOB_READY');
  await read();
  await client.execute('block-job-complete', { device: 'm' });
  expect((await client.end()).data).toMatchObject({ error: 'Operation not permitted' });
  expect(client.warnings).toContainEqual(expect.stringContaining("Can no longer replace 'b' by 'd'"));
  const quorum = client.layer.graph.namedNode('q');
  expect([...quorum.childNodes()].map(({ name }) => name)).toEqual(['a', 'b']);
});

it('a mirror whose target another node excludes from the place of the source fails when it is completed', async () => {
  const client = await JobClient.withChain();
  for (const name of ['src', 'dest']) {
    await client.execute('blockdev-add', { driver: 'null-co', 'node-name': name, size: 1 << 20 });
  }
  const debug = { driver: 'blkdebug', image: 'dest', 'node-name': 'd', 'unshare-child-perms': ['consistent-read'] };
  await client.execute('blockdev-add', debug);
  await client.execute('blockdev-mirror', { 'job-id': 'm', device: 'src', target: 'dest', sync: 'full' });
  await client.execute('blockdev-add', {
    driver: 'blkdebug',
    image: 'src',
    'node-name': 's',
    'take-child-perms': ['consistent-read'],
  });
  await client.event('BLOCK_JOB_READY');
  await client.execute('block-job-complete', { device: 'm' });
  expect((await client.end()).data).toHaveProperty('error');
  const names = [...client.layer.graph.nodes].map(({ name }) => name);
  for (const name of ['src', 's', 'dest', 'd']) expect(names).toContain(name);
});

it.each([
  ['zero', 'ignore', 65_536],
  ['written', 'ignore', 4 << 20],
  ['written', 'unmap', 65_536],
])('a mirror to a target that is %s, with discard=%s, copies %i bytes', async (state, discard, length) => {
  const client = await JobClient.withChain();
  await client.create('source.qcow2', 4 << 20);
  await client.fill('source.qcow2', 65_536, 0x33, 65_536);
  await client.create('target.qcow2', 4 << 20);
  if (state === 'written') await client.fill('target.qcow2', 1 << 20, 0x44, 1 << 20);
  for (const name of ['source', 'target']) {
    const file = { driver: 'file', filename: client.at(`${name}.qcow2`), discard };
    await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': name, file, discard });
  }
  await client.execute('blockdev-mirror', { 'job-id': 'm', device: 'source', target: 'target', sync: 'full' });
  expect((await client.event('BLOCK_JOB_READY')).data).toMatchObject({ len: length, offset: length });
  await client.execute('block-job-cancel', { device: 'm' });
  await client.end();
  for (const name of ['source', 'target']) await client.execute('blockdev-del', { 'node-name': name });
  expect((await client.contentOf('source.qcow2')).equals(await client.contentOf('target.qcow2'))).toBe(true);
});

it.each([
  ['blockdev-backup', { sync: 'full' }],
  ['blockdev-mirror', { sync: 'full' }],
])('a %s that is cancelled does not wait for a server that has gone', async (command, args) => {
  const client = await JobClient.withChain();
  await using server = new LayerClient();
  await server.execute('blockdev-add', { driver: 'null-co', 'node-name': 'n', size: 4 << 20 });
  const path = client.at('nbd');
  await server.execute('nbd-server-start', { addr: { type: 'unix', data: { path } } });
  await server.execute('block-export-add', { type: 'nbd', id: 'e', 'node-name': 'n', name: '', writable: true });
  const target = { driver: 'nbd', 'node-name': 'far', server: { type: 'unix', path }, export: '' };
  await client.execute('blockdev-add', { ...target, 'reconnect-delay': 3600 });
  await client.execute(command, { ...args, 'job-id': 'j', device: 'd0', target: 'far', speed: 1 });
  await expect.poll(async () => (await client.jobs())[0]?.offset, { timeout: 20_000 }).toBeGreaterThan(0);
  await server.execute('nbd-server-stop');
  await expect.poll(() => client.warnings.join(), { timeout: 20_000 }).toContain('connection is lost');
  await client.execute('block-job-set-speed', { device: 'j', speed: 0 });
  await client.execute('block-job-cancel', { device: 'j', force: true });
  expect((await client.end()).name).toBe('BLOCK_JOB_CANCELLED');
});

it('a mirror copies no more at once than its buffer holds', async () => {
  const client = await JobClient.withChain();
  await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'src', size: 4 << 20 });
  await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'dest', size: 4 << 20 });
  const limits = { speed: 65_536, 'buf-size': 65_536 };
  await client.execute('blockdev-mirror', { 'job-id': 'm', device: 'src', target: 'dest', sync: 'full', ...limits });
  await expect.poll(async () => (await client.jobs())[0]?.offset, { timeout: 20_000 }).toBe(65_536);
});

it('a snapshot gives the target of a mirror a backing file while it is written', async () => {
  const client = await JobClient.withChain();
  await client.create('copy.qcow2', 4 << 20);
  const file = { driver: 'file', filename: client.at('copy.qcow2') };
  await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'copy', file });
  await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'below', size: 4 << 20 });
  await client.execute('blockdev-mirror', { 'job-id': 'm', device: 'd0', target: 'copy', sync: 'none' });
  await client.event('BLOCK_JOB_READY');
  await client.execute('blockdev-snapshot', { node: 'below', overlay: 'copy' });
  await client.execute('block-job-complete', { device: 'm' });
  expect((await client.end()).data.error).toBeUndefined();
  expect(client.layer.graph.namedNode('copy').below?.name).toBe('below');
});

it('a layer ends jobs at once that are limited to a few bytes each second', async () => {
  const client = await JobClient.withChain();
  await client.execute('object-add', { 'qom-type': 'throttle-group', id: 'slow', 'x-bps-total': 1024 });
  await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'dest', size: 4 << 20 });
  const file = { driver: 'qcow2', file: { driver: 'file', filename: client.at('base.qcow2') } };
  await client.execute('eject', { device: 'd0', force: true });
  await client.execute('blockdev-add', { driver: 'throttle', 'node-name': 'src', 'throttle-group': 'slow', file });
  await client.execute('blockdev-backup', { 'job-id': 'b', device: 'src', target: 'dest', sync: 'full' });
  await expect.poll(async () => (await client.jobs())[0]?.status, { timeout: 20_000 }).toBe('running');
  await client.layer.close();
  expect((await client.end()).name).toBe('BLOCK_JOB_CANCELLED');
});

it('a mirror that blocks writes copies them before they are answered, also when it is changed to do so', async () => {
  for (const mode of ['write-blocking', 'background']) {
    const client = await JobClient.withChain();
    await client.create('copy.qcow2', 4 << 20);
    const file = { driver: 'file', filename: client.at('copy.qcow2') };
    await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'copy', file });
    const mirror = { 'job-id': 'm', device: 'd0', target: 'copy', sync: 'full', 'copy-mode': mode };
    await client.execute('blockdev-mirror', mirror);
    await client.event('BLOCK_JOB_READY');
    const change = (wanted: string) =>
      client.execute('block-job-change', { id: 'm', type: 'mirror', 'copy-mode': wanted });
    await change('write-blocking');
    await expect(change('background')).rejects.toThrow('copy mode');
    await client.execute('job-pause', { id: 'm' });
    await client.backend('d0').write(3 << 20, Buffer.alloc(70_000, 0x55));
    await client.backend('d0').writeZeroes(65_536, 65_536);
    const copied = Buffer.alloc(4 << 20);
    const node = client.layer.graph.namedNode('copy');
    await node.requests.read(0, copied);
    expect(copied.equals(await client.content('d0'))).toBe(true);
    await client.execute('job-resume', { id: 'm' });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await client.jobs()).toMatchObject([{ 'actively-synced': true, ready: true }]);
    await client.execute('job-cancel', { id: 'm' });
    expect((await client.end()).name).toBe('BLOCK_JOB_CANCELLED');
  }
});

it('copies all of a granule, of which a guest has written a part before the rest was copied', async () => {
  const client = await JobClient.withChain();
  const d0 = client.backend('d0');
  await d0.write(0, Buffer.alloc(4 << 20, 0x33));
  const file = { driver: 'file', filename: client.at('small.qcow2') };
  for (const [id, options] of [
    ['file', { ...file, size: 0 }],
    ['qcow2', { driver: 'qcow2', file, size: 4 << 20, 'cluster-size': 4096 }],
  ] as const) {
    await client.execute('blockdev-create', { 'job-id': id, options });
    while ((await client.event('JOB_STATUS_CHANGE')).data.status !== 'concluded');
  }
  await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'target', file });
  const job = { 'job-id': 'm', device: 'd0', target: 'target', sync: 'full', 'copy-mode': 'write-blocking' };
  await client.execute('blockdev-mirror', { ...job, granularity: 65_536, speed: 65_536 });
  // The last granules are not copied yet, and the target has smaller clusters than that.
  await d0.write((4 << 20) - 60_000, Buffer.alloc(3000, 0x44));
  const before = await client.content('d0');
  await client.execute('block-job-set-speed', { device: 'm', speed: 0 });
  await client.event('BLOCK_JOB_READY');
  await client.execute('block-job-complete', { device: 'm' });
  await client.end();
  expect((await client.content('d0')).equals(before)).toBe(true);
});
