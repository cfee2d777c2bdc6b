import { expect, it } from 'vitest';
import type { BlockNode } from '../../../../runtime/block/graph/node.js';
import { JobClient } from './job-client.js';

const size = 4 << 20;

/** Nodes `base`, `mid` and `top` with a MiB of data each, and filters on the last. */
async function withFilters(...filters: string[]): Promise<JobClient> {
  const client = await JobClient.withChain();
  const add = (options: object) => client.execute('blockdev-add', { options });
  await client.execute('object-add', { 'qom-type': 'throttle-group', id: 'g' });
  let below: string | undefined;
  for (const [index, name] of ['base', 'mid', 'top'].entries()) {
    const filename = client.at(`${name}-node.qcow2`);
    await client.create(`${name}-node.qcow2`, size);
    const file = { driver: 'file', filename };
    await add({ driver: 'qcow2', 'node-name': name, file, ...(below && { backing: below }) });
    await nodeOf(client, name).requests.write(index << 20, Buffer.alloc(1 << 20, index + 1));
    below = name;
  }
  for (const driver of filters) {
    const group = driver === 'throttle' ? { 'throttle-group': 'g' } : {};
    await add({ driver, 'node-name': driver, file: below, ...group });
    below = driver;
  }
  return client;
}

function nodeOf(client: JobClient, name: string): BlockNode {
  const node = client.layer.graph.node(name);
  if (node === undefined) throw new Error(`There is no node '${name}'`);
  return node;
}

async function contentOf(client: JobClient, name: string): Promise<Buffer> {
  const content = Buffer.alloc(size);
  await nodeOf(client, name).requests.read(0, content);
  return content;
}

async function begun(client: JobClient, args: object): Promise<unknown> {
  try {
    return await client.execute('block-commit', { 'job-id': 'j', ...args });
  } catch (error) {
    return (error as Error).message;
  }
}

// All as qemu-storage-daemon 7.2 does it.
it.each([
  { filters: ['throttle'], args: {}, len: 2 << 20, target: 'base', pivots: false },
  { filters: ['throttle'], args: { 'top-node': 'throttle' }, len: 2 << 20, target: 'base', pivots: false },
  { filters: ['throttle'], args: { 'top-node': 'top' }, len: 2 << 20, target: 'base', pivots: true },
  { filters: ['throttle'], args: { 'base-node': 'mid' }, len: 1 << 20, target: 'mid', pivots: false },
  {
    filters: ['throttle'],
    args: { 'top-node': 'top', 'base-node': 'mid' },
    len: 1 << 20,
    target: 'mid',
    pivots: true,
  },
  { filters: ['copy-on-read'], args: {}, len: 2 << 20, target: 'base', pivots: false },
  { filters: ['throttle', 'copy-on-read'], args: {}, len: 2 << 20, target: 'base', pivots: false },
  {
    filters: ['throttle', 'copy-on-read'],
    args: { 'top-node': 'top' },
    len: 2 << 20,
    target: 'base',
    pivots: true,
  },
])('commits the active image below the filters $filters with $args', async ({ filters, args, len, target, pivots }) => {
  const client = await withFilters(...filters);
  const device = filters.at(-1) ?? '';
  expect(await begun(client, { device, ...args })).toBeUndefined();
  expect((await client.event('BLOCK_JOB_READY')).data).toMatchObject({ type: 'commit', len, offset: len });
  await nodeOf(client, device).requests.write(3 << 20, Buffer.alloc(70_000, 9));
  const before = await contentOf(client, device);
  await client.execute('job-complete', { id: 'j' });
  expect((await client.end()).data.error).toBeUndefined();
  expect((await contentOf(client, target)).equals(before)).toBe(true);
  // A filter that is committed goes with its image; one above what is committed is on the base then.
  expect(nodeOf(client, filters[0] ?? '').file?.node.name).toBe(pivots ? target : 'top');
});

it('refuses to commit an image into itself by the name of a filter on it', async () => {
  const client = await withFilters('throttle');
  const device = 'throttle';
  const itself = "Can't mirror node into itself";
  const same = 'cannot commit an image into itself';
  expect(await begun(client, { device, 'base-node': 'top' })).toBe(itself);
  expect(await begun(client, { device, 'base-node': 'throttle' })).toBe(same);
  expect(await begun(client, { device, 'top-node': 'base' })).toBe(same);
  expect(await begun(client, { device, 'top-node': 'mid', 'base-node': 'throttle' })).toContain('not in this backing');
  expect(await begun(client, { device, 'top-node': 'top', 'backing-file': 'x' })).toContain(
    "'top' is the active layer",
  );
  expect(await client.jobs()).toEqual([]);
});
