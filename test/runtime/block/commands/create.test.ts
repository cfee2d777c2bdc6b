import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { JobClient } from '../jobs/job-client.js';

/** Runs a job of creation to its end. @returns its error, if there is one */
async function create(client: JobClient, options: object): Promise<string | undefined> {
  await client.execute('blockdev-create', { 'job-id': 'c', options });
  for (;;) {
    const { data } = await client.event('JOB_STATUS_CHANGE');
    if (data.status === 'concluded') break;
  }
  const [job] = (await client.execute('query-jobs')) as { error?: string }[];
  expect(job).toMatchObject({
    id: 'c',
    type: 'create',
    status: 'concluded',
    'current-progress': 1,
    'total-progress': 1,
  });
  expect(await client.jobs()).toEqual([]);
  await client.execute('job-dismiss', { id: 'c' });
  expect(await client.execute('query-jobs')).toEqual([]);
  return job?.error;
}

const megabyte = 1 << 20;

it.each([
  ['qcow2', { 'cluster-size': 4096, version: 'v2' }],
  ['qcow2', { 'refcount-bits': 1, 'lazy-refcounts': true, preallocation: 'metadata' }],
  ['vdi', {}],
  ['vpc', { 'force-size': true, subformat: 'fixed' }],
  ['vhdx', { 'log-size': megabyte }],
  ['vmdk', { subformat: 'monolithicSparse' }],
  ['qed', { 'cluster-size': 65_536, 'table-size': 2 }],
  ['parallels', { 'cluster-size': megabyte }],
  ['qcow', {}],
])('blockdev-create makes an image in format %s with %j on a node that goes on living', async (driver, more) => {
  const client = await JobClient.withChain();
  const filename = client.at('new.img');
  expect(await create(client, { driver: 'file', filename, size: 1000 })).toBeUndefined();
  expect(statSync(filename).size).toBe(1024);
  await client.execute('blockdev-add', { driver: 'file', 'node-name': 'f', filename });
  expect(await create(client, { driver, file: 'f', size: 4 * megabyte, ...more })).toBeUndefined();
  await client.execute('blockdev-add', { driver, 'node-name': 'n', file: 'f' });
  const nodes = (await client.execute('query-named-block-nodes', { flat: true })) as {
    'node-name': string;
    image: { format: string; 'virtual-size': number };
  }[];
  expect(nodes.find((node) => node['node-name'] === 'n')?.image).toMatchObject({
    format: driver,
    'virtual-size': 4 * megabyte,
  });
});

it('leaves what a file has when an image cannot be made of it with these options', async () => {
  const client = await JobClient.withChain();
  const filename = client.at('new.img');
  await create(client, { driver: 'file', filename, size: 4096 });
  await client.execute('blockdev-add', { driver: 'file', 'node-name': 'f', filename });
  const options = { driver: 'qcow2', file: 'f', size: megabyte, 'cluster-size': 100 };
  expect(await create(client, options)).toMatch(/^Cluster size must be a power of two/);
  expect(statSync(filename).size).toBe(4096);
});

it.each([
  ['qcow2', {}, 4 * megabyte],
  ['vdi', {}, 4 * megabyte],
  ['qcow', {}, 4 * megabyte],
  ['parallels', {}, 4 * megabyte],
  ['vpc', { 'force-size': true }, 4 * megabyte],
  ['vpc', { 'force-size': true, subformat: 'fixed' }, megabyte + 512],
  ['qed', {}, 327_680],
])('makes an image in format %s in a longer node, whose old data are gone', async (driver, more, length) => {
  const client = await JobClient.withChain();
  const filename = client.at('new.img');
  writeFileSync(filename, Buffer.alloc(4 * megabyte, 0x5a));
  await client.execute('blockdev-add', { driver: 'file', 'node-name': 'f', filename });
  expect(await create(client, { driver, file: 'f', size: megabyte, ...more })).toBeUndefined();
  expect(statSync(filename).size).toBe(length);
  expect(readFileSync(filename).filter((byte) => byte === 0x5a).length).toBeLessThan(9);
});

it.each(['qcow2', 'vdi', 'qcow', 'parallels', 'vpc'])(
  'makes an image in format %s in a part of a disk, which cannot be resized, and nothing beside that',
  async (driver) => {
    const client = await JobClient.withChain();
    const filename = client.at('disk.img');
    writeFileSync(filename, Buffer.alloc(6 * megabyte, 0x5a));
    const file = { driver: 'file', filename };
    const part = { driver: 'raw', 'node-name': 'part', offset: megabyte, size: 4 * megabyte, file };
    await client.execute('blockdev-add', part);
    const more = driver === 'vpc' ? { 'force-size': true } : {};
    expect(await create(client, { driver, file: 'part', size: 2 * megabyte, ...more })).toBeUndefined();
    const disk = readFileSync(filename);
    expect(disk.length).toBe(6 * megabyte);
    const beside = Buffer.concat([disk.subarray(0, megabyte), disk.subarray(5 * megabyte)]);
    expect(beside.every((byte) => byte === 0x5a)).toBe(true);
    await client.execute('blockdev-add', { driver, 'node-name': 'n', file: 'part' });
    const [node] = (await client.execute('query-named-block-nodes')) as { image: object }[];
    expect(node?.image).toMatchObject({ 'virtual-size': 2 * megabyte });
  },
);

it('refuses to make a fixed VHD in a part of a disk, which it would have to resize', async () => {
  const client = await JobClient.withChain();
  const file = { driver: 'file', filename: client.at('disk.img') };
  await create(client, { ...file, size: 4 * megabyte });
  await client.execute('blockdev-add', { driver: 'raw', 'node-name': 'part', size: 2 * megabyte, file });
  const fixed = { driver: 'vpc', subformat: 'fixed', 'force-size': true, file: 'part', size: megabyte };
  expect(await create(client, fixed)).toContain('Cannot resize fixed-size raw disks');
});

it.each(['qcow2', 'qed'])('refuses to make an image in format %s where it does not fit', async (driver) => {
  const client = await JobClient.withChain();
  const file = { driver: 'file', filename: client.at('disk.img') };
  await create(client, { ...file, size: megabyte });
  await client.execute('blockdev-add', { driver: 'raw', 'node-name': 'part', size: 65_536, file });
  expect(await create(client, { driver, file: 'part', size: megabyte })).toContain('fixed-size');
});

it.each(['qcow2', 'vdi', 'vpc', 'qed'])('makes an image in format %s that an image holds', async (driver) => {
  const client = await JobClient.withChain();
  const filename = client.at('outer.qcow2');
  await create(client, { driver: 'file', filename, size: 0 });
  const outer = { driver: 'qcow2', 'node-name': 'outer', file: { driver: 'file', filename } };
  await create(client, { driver: 'qcow2', file: outer.file, size: 0 });
  await client.execute('blockdev-add', outer);
  const more = driver === 'vpc' ? { 'force-size': true } : {};
  expect(await create(client, { driver, file: 'outer', size: megabyte, ...more })).toBeUndefined();
  await client.execute('blockdev-add', { driver, 'node-name': 'inner', file: 'outer' });
  const [node] = (await client.execute('query-named-block-nodes')) as { image: object }[];
  expect(node?.image).toMatchObject({ format: driver, 'virtual-size': megabyte });
});

it('refuses a size that no geometry has, for a VHD that should have exactly that one', async () => {
  const client = await JobClient.withChain();
  const filename = client.at('new.img');
  await create(client, { driver: 'file', filename, size: 4096 });
  const error = await create(client, { driver: 'vpc', file: { driver: 'file', filename }, size: megabyte });
  expect(error).toContain('cannot be represented in CHS geometry');
  expect(statSync(filename).size).toBe(4096);
});

it('reports each step of a job of creation, and no event of block jobs', async () => {
  const client = await JobClient.withChain();
  await client.execute('blockdev-create', {
    'job-id': 'c',
    options: { driver: 'file', filename: client.at('f'), size: 512 },
  });
  const steps = ['created', 'running', 'waiting', 'pending', 'concluded'];
  await vi.waitFor(() => {
    const seen = client.events.map(({ name, data }) => [name, (data as { status: string }).status]);
    expect(seen).toEqual(steps.map((status) => ['JOB_STATUS_CHANGE', status]));
  }, 10_000);
});

it.each([
  [{ driver: 'file', filename: '/nowhere/f', size: 1 }, 'No such file'],
  [{ driver: 'qcow2', file: 'f', size: 513 }, 'multiple of 512'],
  [{ driver: 'qcow2', file: 'f', size: 512, 'cluster-size': 3000 }, 'power of two'],
  [{ driver: 'qcow2', file: 'f', size: 512, 'backing-fmt': 'raw' }, "needs 'backing-file'"],
  [{ driver: 'qcow2', file: 'none', size: 512 }, 'Cannot find'],
  [{ driver: 'luks', file: 'f', size: 512 }, 'key-secret'],
  [{ driver: 'vmdk', file: 'f', size: 512, subformat: 'monolithicFlat' }, 'Extent [0] not specified'],
  [{ driver: 'vmdk', file: 'f', size: 512, extents: ['f'] }, 'unused extents'],
])('a job that is to create %j fails, and says why', async (options, error) => {
  const client = await JobClient.withChain();
  await create(client, { driver: 'file', filename: client.at('f'), size: 512 });
  await client.execute('blockdev-add', { driver: 'file', 'node-name': 'f', filename: client.at('f') });
  expect(await create(client, options)).toContain(error);
});

it.each(['raw', 'null-co'])('blockdev-create refuses driver %s at once', async (driver) => {
  const client = await JobClient.withChain();
  const command = client.execute('blockdev-create', { 'job-id': 'c', options: { driver } });
  await expect(command).rejects.toThrow('Driver does not support blockdev-create');
  expect(await client.execute('query-jobs')).toEqual([]);
});

it.each([
  ['off', 0],
  ['full', 4],
])('blockdev-create with preallocation %s of a luks volume sets %i MiB aside', async (preallocation, least) => {
  const client = await JobClient.withChain();
  const filename = client.at('new.img');
  await client.execute('object-add', { 'qom-type': 'secret', id: 'key', data: 'secret' });
  await create(client, { driver: 'file', filename, size: 0 });
  await client.execute('blockdev-add', { driver: 'file', 'node-name': 'f', filename });
  const luks = { driver: 'luks', file: 'f', size: 4 * megabyte, 'key-secret': 'key', 'iter-time': 1 };
  expect(await create(client, { ...luks, preallocation })).toBeUndefined();
  const { size, blocks } = statSync(filename);
  expect(size).toBeGreaterThan(4 * megabyte);
  expect(blocks * 512).toBeGreaterThanOrEqual(least * megabyte);
  expect(blocks * 512).toBeLessThan((least + 3) * megabyte);
});

it('blockdev-create makes a vdi with all of its blocks, writes which tools a vmdk is for, and rounds no vpc up', async () => {
  const client = await JobClient.withChain();
  const filename = client.at('new.img');
  await create(client, { driver: 'file', filename, size: 0 });
  await client.execute('blockdev-add', { driver: 'file', 'node-name': 'f', filename });
  const make = (driver: string, more: object) => create(client, { driver, file: 'f', size: 4 * megabyte, ...more });
  expect(await make('vdi', { preallocation: 'metadata' })).toBeUndefined();
  expect(statSync(filename).size).toBeGreaterThan(4 * megabyte);
  expect(await make('vdi', { preallocation: 'full' })).toBe('Preallocation mode not supported for vdi');
  expect(await make('vmdk', { toolsversion: '10272' })).toBeUndefined();
  expect(readFileSync(filename, 'latin1')).toContain('ddb.toolsVersion = "10272"\n');
  expect(await make('vpc', {})).toMatch(/cannot be represented in CHS geometry/);
});
