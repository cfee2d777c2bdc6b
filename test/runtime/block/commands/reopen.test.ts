import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BlockDeviceInfo } from '../../../../generated/index.js';
import { createImage } from '../../../../runtime/block/graph/create.js';
import type { BlockNode } from '../../../../runtime/block/graph/node.js';
import { BlockOptions } from '../../../../runtime/block/options.js';
import { LayerClient } from '../layer-client.js';

const folder = mkdtempSync(join(tmpdir(), 'reopen-command-'));
const at = (name: string): string => join(folder, name);
const size = 1 << 20;
let client: LayerClient;

beforeEach(async () => {
  client = new LayerClient();
  for (const name of ['a', 'b', 'c']) writeFileSync(at(`${name}.img`), Buffer.alloc(size, name));
  const { graph } = client.layer;
  for (const name of ['over', 'other'])
    await createImage(graph, { filename: at(`${name}.qcow2`), format: 'qcow2', size });
  for (const name of ['a', 'b', 'c']) await add({ driver: 'file', 'node-name': name, filename: at(`${name}.img`) });
  await add({ driver: 'file', 'node-name': 'overfile', filename: at('over.qcow2') });
  await add(over({ backing: 'a' }));
});
afterEach(() => client.layer.close());
afterAll(() => rmSync(folder, { recursive: true }));

const add = (options: object) => client.execute('blockdev-add', options);
const reopen = (...options: object[]) => client.execute('blockdev-reopen', { options });
const over = (more: object) => ({ driver: 'qcow2', 'node-name': 'over', file: 'overfile', ...more });
const overFile = (more: object) => ({ driver: 'file', 'node-name': 'overfile', filename: at('over.qcow2'), ...more });

function node(name: string): BlockNode {
  const found = client.layer.graph.node(name);
  if (found === undefined) throw new Error(`no node ${name}`);
  return found;
}

async function first(name: string): Promise<string> {
  const buffer = Buffer.alloc(1);
  await node(name).requests.read(0, buffer);
  return buffer.toString();
}

const infos = async () => (await client.execute('query-named-block-nodes', { flat: true })) as BlockDeviceInfo[];

describe('blockdev-reopen and children', () => {
  it('puts another backing file under an overlay, and takes it away, without a word to the header', async () => {
    expect(await first('over')).toBe('a');
    await reopen(over({ backing: 'b' }));
    expect(await first('over')).toBe('b');
    await reopen(over({ backing: null }));
    expect(await first('over')).toBe('\0');
    expect(node('over').instance?.backingFile).toBeUndefined();
    await reopen(over({ backing: 'a' }));
    expect(await first('over')).toBe('a');
  });

  it('leaves the node that was exchanged with the monitor, which can delete it', async () => {
    await reopen(over({ backing: 'b' }));
    await client.execute('blockdev-del', { 'node-name': 'a' });
    await expect(client.execute('blockdev-del', { 'node-name': 'b' })).rejects.toThrow(/is busy/);
  });

  it('closes a child that was defined inside the node when another one takes its place', async () => {
    const file = { driver: 'file', filename: at('other.qcow2') };
    await add({ driver: 'raw', 'node-name': 'r', file });
    const inner = node('r').file?.node.name;
    await reopen({ driver: 'raw', 'node-name': 'r', file: 'c' });
    expect(await first('r')).toBe('c');
    expect((await infos()).some((info) => info['node-name'] === inner)).toBe(false);
  });

  it('inserts a filter between an overlay and its backing file, and under a raw node that is exported, and takes it out', async () => {
    await client.execute('object-add', { 'qom-type': 'throttle-group', id: 'g' });
    await add({ driver: 'throttle', 'node-name': 't', 'throttle-group': 'g', file: 'b' });
    await reopen(over({ backing: 't' }));
    expect(await first('over')).toBe('b');
    await add({ driver: 'raw', 'node-name': 'top', file: 'c' });
    await client.execute('nbd-server-start', { addr: { type: 'unix', data: { path: at('nbd') } } });
    await client.execute('block-export-add', { type: 'nbd', id: 'e', 'node-name': 'top', writable: true });
    await add({ driver: 'throttle', 'node-name': 'u', 'throttle-group': 'g', file: 'c' });
    await reopen({ driver: 'raw', 'node-name': 'top', file: 'u' });
    await node('top').requests.write(0, Buffer.from('x'));
    expect(await first('c')).toBe('x');
    await reopen({ driver: 'raw', 'node-name': 'top', file: 'c' });
    await client.execute('blockdev-del', { 'node-name': 'u' });
    expect(await first('top')).toBe('x');
  });

  it('shows the file name of the new child, also in the nodes above', async () => {
    await add({ driver: 'raw', 'node-name': 'r', file: 'b' });
    await add({ driver: 'raw', 'node-name': 'rr', file: 'r' });
    await reopen({ driver: 'raw', 'node-name': 'r', file: 'c' });
    expect([node('r').filename, node('rr').filename]).toEqual([at('c.img'), at('c.img')]);
  });

  it.each([
    ['no node of the name', { backing: 'zz' }, "Cannot find device='' nor node-name='zz'"],
    ['the node itself', { backing: 'over' }, "Making 'over' a backing child of 'over' would create a cycle"],
    ['an overlay of the node', { backing: 'above' }, "Making 'above' a backing child of 'over' would create a cycle"],
    ['nothing, where there is a backing file', {}, "backing is missing for 'over'"],
    [
      'a definition of a node that has a name',
      { backing: 'a', file: { driver: 'file', filename: at('over.qcow2') } },
      "Cannot change the option 'file.driver'",
    ],
  ])('refuses %s as a child', async (_, more, message) => {
    await add({ driver: 'raw', 'node-name': 'above', file: 'over' });
    await expect(reopen(over(more))).rejects.toThrow(message);
    expect(await first('over')).toBe('a');
  });

  it.each(['block-stream', 'block-commit'])(
    'refuses to exchange what %s works on, and does it when the job is gone',
    async (job) => {
      await client.execute(job, { device: 'over', 'job-id': 'j', speed: 1 });
      await expect(reopen(over({ backing: 'b' }))).rejects.toThrow(
        "Cannot change frozen 'backing' link from 'over' to 'a'",
      );
      await client.execute('job-cancel', { id: 'j' });
      await vi.waitFor(async () => expect(await client.execute('query-jobs')).toEqual([]));
      await reopen(over({ backing: 'b' }));
      expect(await first('over')).toBe('b');
    },
  );
});

describe('blockdev-reopen and options', () => {
  it('opens an image and its file for reading only and for writing again, when both are asked for at once', async () => {
    await reopen(overFile({ 'read-only': true }), over({ backing: 'a', 'read-only': true }));
    await expect(node('over').requests.write(0, Buffer.from('x'))).rejects.toThrow();
    await expect(reopen(over({ backing: 'a' }))).rejects.toThrow('Block node is read-only');
    await reopen(over({ backing: 'a' }), overFile({}));
    await node('over').requests.write(0, Buffer.from('x'));
    expect(await first('over')).toBe('x');
  });

  it('takes a file that was defined inside a node along when that becomes read-only', async () => {
    const options = { driver: 'qcow2', 'node-name': 'q', file: { driver: 'file', filename: at('other.qcow2') } };
    await add(options);
    await reopen({ ...options, 'read-only': true });
    expect(node('q').file?.node.flags.readOnly).toBe(true);
    await reopen(options);
    expect(node('q').file?.node.flags.readOnly).toBe(false);
    await node('q').requests.write(0, Buffer.from('x'));
    expect(await first('q')).toBe('x');
  });

  it('takes the data file along that the header names', async () => {
    const options = new BlockOptions([['data_file', at('data.raw')]]);
    await createImage(client.layer.graph, { filename: at('split.qcow2'), format: 'qcow2', size, options });
    const image = { driver: 'qcow2', 'node-name': 's', file: { driver: 'file', filename: at('split.qcow2') } };
    await add(image);
    await node('s').requests.write(0, Buffer.from('x'));
    const data = () => node('s').children.get('data-file')?.node.flags.readOnly;
    expect(data()).toBe(false);
    await reopen({ ...image, 'read-only': true });
    expect([data(), await first('s')]).toEqual([true, 'x']);
    await reopen(image);
    expect(data()).toBe(false);
    await expect(reopen({ ...image, 'data-file': 'c' })).rejects.toThrow("Cannot change the option 'data-file'");
  });

  it('refuses a read-only file below an image that is written to', async () => {
    await expect(reopen(overFile({ 'read-only': true }))).rejects.toThrow(
      "Read-only block node 'overfile' cannot support read-write users",
    );
    expect(node('overfile').flags.readOnly).toBe(false);
  });

  it('changes nothing at all when the last of several nodes cannot be changed', async () => {
    const before = await infos();
    await expect(
      reopen(
        over({ backing: 'b', 'read-only': true, 'detect-zeroes': 'on' }),
        { driver: 'file', 'node-name': 'c', filename: at('c.img'), 'read-only': true },
        overFile({ 'read-only': true, locking: 'off' }),
      ),
    ).rejects.toThrow("Cannot change the option 'locking'");
    await expect(
      reopen(over({ backing: 'b', 'detect-zeroes': 'on' }), overFile({ 'read-only': true })),
    ).rejects.toThrow('cannot support read-write users');
    expect(await infos()).toEqual(before);
    expect(await first('over')).toBe('a');
  });

  it('resets what is not given, apart from discard', async () => {
    await reopen(over({ backing: 'a', discard: 'unmap', 'detect-zeroes': 'unmap', cache: { 'no-flush': true } }));
    expect(node('over').flags).toMatchObject({ unmap: true, noFlush: true });
    await reopen(over({ backing: 'a', 'detect-zeroes': 'unmap' }));
    expect(node('over').flags).toMatchObject({ unmap: true, noFlush: false });
    await reopen(over({ backing: 'a' }));
    expect(node('over').detectZeroes).toBe('off');
    await reopen(over({ backing: 'a', discard: 'ignore' }));
    await expect(reopen(over({ backing: 'a', 'detect-zeroes': 'unmap' }))).rejects.toThrow(/without setting discard/);
  });

  it('gives an image other caches, with the checks of opening', async () => {
    await reopen(over({ backing: 'a', 'l2-cache-size': 1 << 20, 'lazy-refcounts': true }));
    await node('over').requests.write(0, Buffer.from('x'));
    await expect(reopen(over({ backing: 'a', 'cache-size': 1, 'l2-cache-size': 2 }))).rejects.toThrow(
      'l2-cache-size may not exceed cache-size',
    );
    expect(await first('over')).toBe('x');
  });

  it('shows another part of a file as a raw disk at once, if the file has it', async () => {
    writeFileSync(at('parts.img'), Buffer.concat([Buffer.alloc(512, 'p'), Buffer.alloc(1024, 'q')]));
    await add({ driver: 'file', 'node-name': 'parts', filename: at('parts.img') });
    const part = (more: object) => ({ driver: 'raw', 'node-name': 'r', file: 'parts', ...more });
    await add(part({ size: 512 }));
    expect([node('r').length, await first('r')]).toEqual([512, 'p']);
    await reopen(part({ offset: 512 }));
    expect([node('r').length, await first('r')]).toEqual([1024, 'q']);
    await node('r').requests.write(512, Buffer.from('x'));
    await expect(reopen(part({ size: 100 }))).rejects.toThrow('Specified size is not multiple of 512');
    await expect(reopen(part({ offset: 2048 }))).rejects.toThrow(
      'Offset (2048) cannot be greater than size of the containing file (1536)',
    );
    await expect(reopen(part({ offset: 512, size: 1536 }))).rejects.toThrow('The sum of offset (512) and size (1536)');
    expect([node('r').length, await first('r')]).toEqual([1024, 'q']);
    await reopen(part({}));
    const all = Buffer.alloc(1536);
    await node('r').requests.read(0, all);
    expect([all[0], all[512], all[1024]].map((byte) => String.fromCharCode(byte ?? 0))).toEqual(['p', 'q', 'x']);
  });

  it('moves a throttle filter to another group, and leaves it where it is when there is none', async () => {
    for (const id of ['g', 'h']) await client.execute('object-add', { 'qom-type': 'throttle-group', id });
    const filter = (group: string) => ({ driver: 'throttle', 'node-name': 't', 'throttle-group': group, file: 'b' });
    await add(filter('g'));
    await reopen(filter('h'));
    await expect(client.execute('object-del', { id: 'h' })).rejects.toThrow(/in use/);
    await client.execute('object-del', { id: 'g' });
    await expect(reopen(filter('zz'))).rejects.toThrow("Throttle group 'zz' does not exist");
    expect(await first('t')).toBe('b');
    await client.execute('blockdev-del', { 'node-name': 't' });
    await client.execute('object-del', { id: 'h' });
  });

  it.each([
    ['a file name', 'c', { driver: 'file', filename: '/other' }, "Cannot change the option 'filename'"],
    ['another driver', 'c', { driver: 'null-co' }, /'filename' cannot be reset|'driver'/],
    ['force-share', 'c', { driver: 'file', filename: at('c.img'), 'force-share': true }, /option 'force-share'/],
    ['a size of null-co', 'n', { driver: 'null-co', size: 1024 }, "Cannot change the option 'size'"],
    ['a size of null-co to its default', 'n', { driver: 'null-co' }, "Option 'size' cannot be reset"],
    ['a filter that cannot', 'cor', { driver: 'copy-on-read', file: 'b' }, "'cor' does not support reopening files"],
    ['a node that is not there', 'zz', { driver: 'null-co' }, "Failed to find node with node-name='zz'"],
  ])('refuses to change %s', async (_, name, options, message) => {
    await add({ driver: 'null-co', 'node-name': 'n', size: 512 });
    await add({ driver: 'copy-on-read', 'node-name': 'cor', file: 'b' });
    await expect(reopen({ 'node-name': name, ...options })).rejects.toThrow(message);
  });

  it('requires a node-name, takes the last of two for one node, and answers an empty list', async () => {
    await expect(reopen({ driver: 'null-co' })).rejects.toThrow('node-name not specified');
    await reopen(over({ backing: 'b' }), over({ backing: 'a' }));
    expect(await first('over')).toBe('a');
    await reopen();
  });
});

it('changes the hints of files, of which one that was given must be given again', async () => {
  await reopen(overFile({ 'drop-cache': false, 'x-check-cache-dropped': true }));
  await reopen(overFile({ 'drop-cache': true }));
  await expect(reopen(overFile({}))).rejects.toThrow("Option 'drop-cache' cannot be reset to its default value");
  const batched = reopen(overFile({ 'drop-cache': true, 'aio-max-batch': 16 }));
  await expect(batched).rejects.toThrow("Cannot change the option 'aio-max-batch'");
  const file = { driver: 'file', 'node-name': 'hinted', filename: at('b.img'), 'read-only': true };
  await add({ ...file, 'aio-max-batch': 16, 'drop-cache': false });
  await reopen({ ...file, 'aio-max-batch': 16, 'drop-cache': true });
});

it('wants to hear of the backing file that the header names, also where the image is open without it', async () => {
  const backing = { name: at('a.img'), format: 'raw' };
  await createImage(client.layer.graph, { filename: at('named.qcow2'), format: 'qcow2', size, backing });
  const named = { driver: 'qcow2', 'node-name': 'named', file: { driver: 'file', filename: at('named.qcow2') } };
  await add({ ...named, backing: null });
  await expect(reopen(named)).rejects.toThrow("backing is missing for 'named'");
  await reopen({ ...named, backing: null });
});

it('leaves a filter writable that cannot be reopened, and the rest below an image that is put over it', async () => {
  const group = { 'qom-type': 'throttle-group', id: 'g' };
  await client.execute('object-add', group);
  await add({ driver: 'copy-on-read', 'node-name': 'copying', file: 'b' });
  await add({ driver: 'throttle', 'node-name': 'limited', 'throttle-group': 'g', file: 'c' });
  const file = (name: string) => ({ driver: 'file', filename: at(`${name}.qcow2`) });
  for (const [name, node] of [
    ['other', 'copying'],
    ['third', 'limited'],
  ] as const) {
    if (name === 'third') await createImage(client.layer.graph, { filename: at('third.qcow2'), format: 'qcow2', size });
    await add({ driver: 'qcow2', 'node-name': name, file: file(name), backing: null });
    await client.execute('blockdev-snapshot', { node, overlay: name });
  }
  expect([node('copying').flags.readOnly, node('limited').flags.readOnly]).toEqual([false, true]);
});
