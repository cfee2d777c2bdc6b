import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { BlockDeviceInfo, BlockStats } from '../../../../generated/index.js';
import { nbdAddresses } from '../../../../runtime/block/commands/nbd-server.js';
import { BlockError } from '../../../../runtime/block/error.js';
import { createImage } from '../../../../runtime/block/graph/create.js';
import { createChain, LayerClient } from '../layer-client.js';

const folder = mkdtempSync(join(tmpdir(), 'graph-commands-'));
const at = (name: string): string => join(folder, name);
let client: LayerClient;

beforeEach(async () => {
  writeFileSync(at('disk.img'), Buffer.alloc(1 << 20, 5));
  client = new LayerClient();
  await createChain(client.layer, folder);
});
afterEach(() => client.layer.close());
afterAll(() => rmSync(folder, { recursive: true }));

const add = (options: object) => client.execute('blockdev-add', { options });
const file = (name: string, more: object = {}) => ({ driver: 'file', filename: at(name), ...more });
const raw = (name = 'd') => add({ driver: 'raw', 'node-name': name, file: file('disk.img') });
const nodes = async () => (await client.execute('query-named-block-nodes')) as BlockDeviceInfo[];
const node = async (name: string) => (await nodes()).find((info) => info['node-name'] === name) as BlockDeviceInfo;

/** The events of a name, with their data. */
const events = (name: string) => client.events.filter((event) => event.name === name).map(({ data }) => data);

async function write(name: string, offset: number, length: number): Promise<void> {
  await client.layer.graph.node(name)?.requests.write(offset, Buffer.alloc(length, 1));
}

describe('blockdev-add', () => {
  it('makes a node that the monitor holds', async () => {
    await raw();
    expect((await nodes()).map((info) => info.drv)).toEqual(['raw', 'file']);
  });

  it('requires a node-name before it checks anything else', async () => {
    await expect(add({ driver: 'raw', file: file('absent') })).rejects.toThrow("'node-name' must be specified");
  });

  it('reports the error of the system for a file', async () => {
    await expect(add(file('absent', { 'node-name': 'n' }))).rejects.toThrow(/absent': No such file or directory/);
    expect(await nodes()).toEqual([]);
  });

  it('reports drivers that are not built in', async () => {
    await expect(
      add({ driver: 'iscsi', 'node-name': 'n', transport: 'tcp', portal: '127.0.0.1', target: 'iqn' }),
    ).rejects.toThrow(/not built in/);
  });
});

describe.each(['blockdev-del', 'x-blockdev-del'])('%s', (command) => {
  const del = (name: string) => client.execute(command, { 'node-name': name });

  it('closes a node and the children that only it uses', async () => {
    await raw();
    await del('d');
    expect(await nodes()).toEqual([]);
  });

  it('refuses names that are no nodes', async () => {
    await expect(del('nope')).rejects.toMatchObject({ class: 'GenericError' });
  });

  it('refuses to delete a node that is exported, defined inside another one, or used by another one', async () => {
    await raw();
    await add({ driver: 'raw', 'node-name': 'above', file: 'd' });
    await add({ driver: 'raw', 'node-name': 'own', file: file('disk.img', { 'node-name': 'inner' }) });
    await expect(del('d')).rejects.toThrow(/in use/);
    await expect(del('inner')).rejects.toThrow(/not owned/);
    await client.execute('nbd-server-start', { addr: { type: 'unix', data: { path: at('nbd') } } });
    await client.execute('nbd-server-add', { device: 'above' });
    await expect(del('above')).rejects.toThrow(/in use/);
    await client.execute('nbd-server-stop');
    await del('above');
    await del('d');
    await del('own');
    expect(await nodes()).toEqual([]);
  });
});

describe('x-blockdev-change', () => {
  const change = (args: object) => client.execute('x-blockdev-change', args);

  beforeEach(async () => {
    const children = [0, 1, 2].map(() => ({ driver: 'null-co' }));
    await add({ driver: 'quorum', 'node-name': 'Q', 'vote-threshold': 2, children });
    await add({ driver: 'null-co', 'node-name': 'fresh' });
  });

  it('removes children and adds others under new names', async () => {
    await change({ parent: 'Q', child: 'children.1' });
    await expect(change({ parent: 'Q', child: 'children.0' })).rejects.toThrow(/vote threshold/);
    await change({ parent: 'Q', node: 'fresh' });
    await expect(change({ parent: 'Q', node: 'fresh' })).rejects.toThrow(/has a parent/);
    expect([...(client.layer.graph.node('Q')?.children.keys() ?? [])]).toEqual([
      'children.0',
      'children.2',
      'children.3',
    ]);
    expect((await node('Q')).file).toContain('"children": [');
  });

  it.each([
    [{ parent: 'nope', child: 'x', node: 'y' }, /Cannot find/],
    [{ parent: 'Q', child: 'x', node: 'y' }, /conflict/],
    [{ parent: 'Q' }, /Either child or node/],
    [{ parent: 'Q', child: 'children.9' }, /does not have child/],
    [{ parent: 'Q', node: 'nope' }, /not found/],
    [{ parent: 'fresh', node: 'Q' }, /does not support/],
  ])('refuses %j', async (args, message) => {
    await expect(change(args)).rejects.toThrow(message);
  });
});

describe('block_resize', () => {
  const resize = (args: object) => client.execute('block_resize', args);

  it('grows and shrinks nodes that can change their size', async () => {
    await raw();
    await resize({ 'node-name': 'd', size: 2 << 20 });
    expect((await node('d')).image['virtual-size']).toBe(2 << 20);
    await resize({ 'node-name': 'd', size: 0 });
    expect((await node('d')).image['virtual-size']).toBe(0);
  });

  it.each([
    [{ size: 1 }, /Cannot find device='' nor node-name=''/],
    [{ 'node-name': 'd', size: -1 }, /size/],
    [{ 'node-name': 'n', size: 512 }, /does not support resizing/],
    [{ 'node-name': 'ro', size: 512 }, /read only/],
    [{ 'node-name': 'b', size: 1 << 21 }, "Node 'b' is busy: node is used as backing hd of 'top'"],
    [{ 'node-name': 'top', size: 1000 }, /512/],
  ])('refuses %j', async (args, message) => {
    await raw();
    await add({ driver: 'null-co', 'node-name': 'n' });
    await add({ driver: 'raw', 'node-name': 'ro', 'read-only': true, file: file('disk.img') });
    await add({ driver: 'qcow2', 'node-name': 'b', file: file('base.qcow2') });
    await add({ driver: 'qcow2', 'node-name': 'top', file: file('top.qcow2'), backing: 'b' });
    await expect(resize(args)).rejects.toThrow(message);
  });
});

describe('change-backing-file', () => {
  const change = (args: object) =>
    client.execute('change-backing-file', { 'backing-file': 'new', device: 'top', ...args });

  beforeEach(async () => {
    await add({ driver: 'qcow2', 'node-name': 'top', file: file('top.qcow2') });
  });

  it('rewrites the header, with the format of the actual backing file', async () => {
    await change({ 'image-node-name': 'top', 'backing-file': './base.qcow2' });
    expect(await node('top')).toMatchObject({
      backing_file: at('base.qcow2'),
      image: { 'backing-filename': './base.qcow2', 'backing-filename-format': 'qcow2' },
    });
    await client.execute('x-blockdev-del', { 'node-name': 'top' });
    await add({ driver: 'qcow2', 'node-name': 'again', file: file('top.qcow2') });
    expect((await node('again')).backing_file).toBe(`${folder}/./base.qcow2`);
  });

  it('rewrites an image that is a backing file, and leaves it read-only', async () => {
    const { graph } = client.layer;
    await client.execute('x-blockdev-del', { 'node-name': 'top' });
    await createImage(graph, { format: 'qcow2', filename: at('third.qcow2'), backing: { name: 'top.qcow2' } });
    const backing = { driver: 'qcow2', 'node-name': 'mid', file: file('top.qcow2') };
    await add({ driver: 'qcow2', 'node-name': 'third', file: file('third.qcow2'), backing });
    await change({ device: 'third', 'image-node-name': 'mid', 'backing-file': '' });
    expect((await node('mid')).ro).toBe(true);
    await client.execute('x-blockdev-del', { 'node-name': 'third' });
    await add({ driver: 'qcow2', 'node-name': 'again', file: file('top.qcow2') });
    expect((await node('again')).backing_file).toBeUndefined();
  });

  it('opens an image that is read-only for writing as long as it takes to rewrite it', async () => {
    await client.execute('x-blockdev-del', { 'node-name': 'top' });
    await add({ driver: 'qcow2', 'node-name': 'ro', 'read-only': true, file: file('top.qcow2') });
    await change({ device: 'ro', 'image-node-name': 'ro' });
    expect(client.layer.graph.node('ro')).toMatchObject({
      instance: { backingFile: { name: 'new' } },
      flags: { readOnly: true },
    });
  });

  it.each([
    [{ device: 'nope', 'image-node-name': 'top' }, /Cannot find/],
    [{ 'image-node-name': 'nope' }, /Cannot find node/],
    [{ 'image-node-name': 'd' }, /does not have a backing file/],
    [{ 'image-node-name': 'other' }, /not in the same chain/],
    [{ 'image-node-name': 'top', 'backing-file': 'x'.repeat(2000) }, /backing file/],
  ])('refuses %j', async (args, message) => {
    await raw();
    await createImage(client.layer.graph, {
      format: 'qcow2',
      filename: at('o.qcow2'),
      backing: { name: 'base.qcow2' },
    });
    await add({ driver: 'qcow2', 'node-name': 'other', file: file('o.qcow2') });
    await expect(change(args)).rejects.toThrow(message);
  });
});

describe('block_passwd', () => {
  it('refuses every image, since none takes its key this way', async () => {
    await raw();
    await expect(client.execute('block_passwd', { 'node-name': 'd', password: 'x' })).rejects.toThrow(/not encrypted/);
    await expect(client.execute('block_passwd', { password: 'x' })).rejects.toThrow(/Cannot find/);
  });
});

describe('block-set-write-threshold', () => {
  const set = (threshold: number | bigint) =>
    client.execute('block-set-write-threshold', { 'node-name': 'd', 'write-threshold': threshold });

  it('reports the first write beyond it, once', async () => {
    await raw();
    await set(8192);
    expect((await node('d')).write_threshold).toBe(8192);
    await write('d', 4096, 4096);
    expect(events('BLOCK_WRITE_THRESHOLD')).toEqual([]);
    await write('d', 6144, 4096);
    await write('d', 65536, 512);
    expect(events('BLOCK_WRITE_THRESHOLD')).toEqual([
      { 'node-name': 'd', 'amount-exceeded': 2048, 'write-threshold': 8192 },
    ]);
    expect((await node('d')).write_threshold).toBe(0);
  });

  it('counts a write that begins beyond it with its distance', async () => {
    await raw();
    await set(1024);
    await write('d', 4096, 512);
    expect(events('BLOCK_WRITE_THRESHOLD')).toMatchObject([{ 'amount-exceeded': 3072 + 512 }]);
  });

  it('replaces and removes a write threshold', async () => {
    await raw();
    await set(1024);
    await set(0);
    await write('d', 4096, 512);
    await set(1n << 63n);
    await write('d', 8192, 512);
    expect(events('BLOCK_WRITE_THRESHOLD')).toEqual([]);
    await expect(
      client.execute('block-set-write-threshold', { 'node-name': 'nope', 'write-threshold': 1 }),
    ).rejects.toThrow(/nope/);
  });
});

describe('query-blockstats', () => {
  it('reports how far nodes were written, in the order in which they got their names', async () => {
    await raw();
    await write('d', 4096, 512);
    const stats = (await client.execute('query-blockstats', { 'query-nodes': true })) as BlockStats[];
    expect(stats.map((entry) => entry.stats.wr_highest_offset)).toEqual([4608, 4608]);
    expect(stats[1]).toMatchObject({ 'node-name': 'd', parent: { 'node-name': expect.stringMatching(/^#block/) } });
    expect(await client.execute('query-blockstats')).toEqual([]);
  });
});

describe('the NBD server by command', () => {
  const start = (addr: object) => client.execute('nbd-server-start', { addr });

  it('starts once, adds an export once, and stops once', async () => {
    await raw();
    const addNode = () => client.execute('nbd-server-add', { device: 'd' });
    await expect(addNode()).rejects.toThrow('NBD server not running');
    const stop = () => client.execute('nbd-server-stop');
    await expect(stop()).rejects.toThrow('NBD server not running');
    await start({ type: 'unix', data: { path: at('nbd') } });
    await expect(start({ type: 'unix', data: { path: at('nbd2') } })).rejects.toThrow('NBD server already running');
    await addNode();
    await expect(addNode()).rejects.toThrow(/export named 'd'/);
    await expect(client.execute('nbd-server-add', { device: 'nope' })).rejects.toThrow(/Cannot find/);
    await stop();
    await expect(stop()).rejects.toThrow('NBD server not running');
    await start({ type: 'inet', data: { host: '127.0.0.1', port: '0' } });
  });

  it('makes a socket only where one may be made', async () => {
    const asked: string[] = [];
    let allowed = 0;
    const limited = new LayerClient({
      authorize: async (path) => {
        asked.push(path);
        if (asked.length > allowed) throw new BlockError('not there', { code: 'EACCES' });
      },
    });
    onTestFinished(() => limited.layer.close());
    const path = at('nbd');
    const unix = () => limited.execute('nbd-server-start', { addr: { type: 'unix', data: { path } } });
    await expect(unix()).rejects.toThrow('not there');
    expect([asked, existsSync(path)]).toEqual([[path], false]);
    // The folder has become another one when the socket is there.
    allowed = 2;
    await expect(unix()).rejects.toThrow('not there');
    expect([asked, existsSync(path)]).toEqual([[path, path, path], false]);
    allowed = 5;
    await unix();
    expect(existsSync(path)).toBe(true);
  });

  it('listens on the loopback interface unless an address is given', async () => {
    const places = (data: object) => nbdAddresses({ type: 'inet', host: '', port: '10809', ...data });
    expect(await places({})).toEqual([{ host: '127.0.0.1', port: 10809 }]);
    expect(await places({ ipv4: false, to: 10810 })).toEqual([
      { host: '::1', port: 10809 },
      { host: '::1', port: 10810 },
    ]);
    expect(await places({ host: '0.0.0.0' })).toEqual([{ host: '0.0.0.0', port: 10809 }]);
    expect(await places({ host: 'localhost', ipv4: true })).toEqual([{ host: '127.0.0.1', port: 10809 }]);
    expect(await places({ 'keep-alive': true, 'keep-alive-idle': 9 })).toMatchObject([{ keepAlive: 9 }]);
  });

  it.each([
    [{ type: 'inet', data: { host: 'localhost', port: 'http' } }, /not a TCP port/],
    [{ type: 'inet', data: { host: 'localhost', port: '9', to: 5 } }, /below the first/],
    [
      { type: 'inet', data: { host: 'localhost', port: '9', ipv4: false, ipv6: false } },
      /Cannot disable IPv4 and IPv6/,
    ],
    [{ type: 'inet', data: { host: '::1', port: '9', ipv4: true } }, /resolution failed for ::1:9: .* IPv4/],
    [{ type: 'inet', data: { host: 'localhost', port: '9', numeric: true } }, /resolution failed for localhost:9/],
    [{ type: 'inet', data: { host: '127.0.0.1', port: '9', mptcp: true } }, /mptcp/],
    [{ type: 'unix', data: { path: '', abstract: true } }, /Cannot listen on 'abstract:'/],
    [{ type: 'unix', data: { path: 'x'.repeat(108), abstract: true } }, /1 to 107 bytes/],
    [{ type: 'fd', data: { str: 'fd' } }, /file descriptor/],
    [
      { type: 'unix', data: { path: '/nonexistent/nbd' } },
      /bind socket to .nonexistent.nbd: No such file or directory/,
    ],
    [{ type: 'unix', data: { path: `/${'x'.repeat(108)}` } }, /Cannot listen.*107 bytes/],
    [{ type: 'unix', data: { path: '' } }, /an empty path/],
    [{ type: 'unix', data: { path: 'nbd\0here' } }, /Cannot listen.*NUL/],
  ])('refuses %j', async (addr, message) => {
    await expect(start(addr)).rejects.toThrow(message);
  });
});
