import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { BlockNode } from '../../../../runtime/block/graph/node.js';
import { JobClient } from './job-client.js';

const MiB = 1 << 20;

/** A chain, without the drive over it. */
async function withImages(): Promise<JobClient> {
  const client = await JobClient.withChain();
  await client.layer.deleteDrive('d0');
  return client;
}

async function addRaw(
  client: JobClient,
  name: string,
  size: number,
  byte: number,
  more: object = {},
): Promise<BlockNode> {
  writeFileSync(client.at(name), Buffer.alloc(size, byte));
  await client.execute('blockdev-add', { driver: 'file', 'node-name': name, filename: client.at(name), ...more });
  return client.layer.graph.namedNode(name);
}

async function contents(node: BlockNode): Promise<Buffer> {
  const buffer = Buffer.alloc(node.length);
  await node.requests.read(0, buffer);
  return buffer;
}

it.each([true, false])(
  'a backup with discard-source %s leaves the source without what was copied, or as it was',
  async (discards) => {
    const client = await withImages();
    const source = await addRaw(client, 'source', MiB, 0x41, { discard: 'unmap' });
    const target = await addRaw(client, 'target', MiB, 0);
    const args = { 'job-id': 'j', device: 'source', target: 'target', sync: 'full', 'discard-source': discards };
    await client.execute('blockdev-backup', args);
    expect((await client.end()).data).not.toHaveProperty('error');
    expect((await contents(target)).every((byte) => byte === 0x41)).toBe(true);
    expect((await contents(source)).every((byte) => byte === (discards ? 0 : 0x41))).toBe(true);
  },
);

it.each([true, false])('a mirror with target-is-zero %s writes no zeroes to the target, or all', async (isZero) => {
  const client = await withImages();
  const file = { driver: 'file', filename: client.at('source.qcow2') };
  await client.create('source.qcow2', MiB);
  await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'source', file });
  await client.layer.graph.namedNode('source').requests.write(0, Buffer.alloc(65_536, 0x42));
  // It is a lie, by which is seen what is not written.
  const target = await addRaw(client, 'target', MiB, 0xff);
  const args = { 'job-id': 'j', device: 'source', target: 'target', sync: 'full', 'target-is-zero': isZero };
  await client.execute('blockdev-mirror', args);
  await client.event('BLOCK_JOB_READY');
  await client.execute('block-job-cancel', { device: 'j' });
  await client.end();
  const copied = await contents(target);
  expect(copied.subarray(0, 65_536).every((byte) => byte === 0x42)).toBe(true);
  expect(copied.subarray(65_536).every((byte) => byte === (isZero ? 0xff : 0))).toBe(true);
});

it.each([
  ['is zero', undefined, {}, 65_536],
  ['can give its space back', 0xff, { discard: 'unmap' }, 65_536],
  ['is not zero', 0xff, {}, MiB],
] as const)(
  'a full mirror to a target that %s copies what the source has, or else all',
  async (_, byte, more, length) => {
    const client = await withImages();
    const addNew = async (name: string): Promise<BlockNode> => {
      await client.create(`${name}.qcow2`, MiB);
      const file = { driver: 'file', filename: client.at(`${name}.qcow2`) };
      await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': name, file });
      return client.layer.graph.namedNode(name);
    };
    const source = await addNew('source');
    await source.requests.write(0, Buffer.alloc(65_536, 0x42));
    const target = byte === undefined ? await addNew('target') : await addRaw(client, 'target', MiB, byte, more);
    const args = { 'job-id': 'j', device: 'source', target: 'target', sync: 'full', 'copy-mode': 'write-blocking' };
    await client.execute('blockdev-mirror', args);
    // A guest that writes while the target is made zero.
    await source.requests.write(4096, Buffer.alloc(4096, 0x43));
    await client.event('BLOCK_JOB_READY');
    // What is written once more counts once more.
    const [job] = await client.jobs();
    expect([length, length + 65_536]).toContain(job?.len);
    await client.execute('block-job-cancel', { device: 'j' });
    await client.end();
    expect((await contents(target)).equals(await contents(source))).toBe(true);
  },
);

it.each([
  ['block-stream', { device: 'top', 'base-node': 'base' }],
  ['block-commit', { device: 'top', 'top-node': 'mid', 'base-node': 'base' }],
] as const)(
  '%s writes raw for a backing file without a format when backing-mask-protocol is on',
  async (command, args) => {
    for (const masked of [true, false]) {
      const client = await withImages();
      await addRaw(client, 'base', MiB, 0x43);
      let below = 'base';
      for (const name of ['mid', 'top']) {
        await client.create(`${name}.qcow2`, MiB);
        const file = { driver: 'file', filename: client.at(`${name}.qcow2`) };
        await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': name, file, backing: below });
        below = name;
      }
      await client.execute(command, { 'job-id': 'j', ...args, 'backing-mask-protocol': masked });
      expect((await client.end()).data).not.toHaveProperty('error');
      const { instance } = client.layer.graph.namedNode('top');
      expect(instance?.backingFile).toEqual({ name: client.at('base'), format: masked ? 'raw' : 'file' });
    }
  },
);

const disk = 4 * MiB;
const late = disk - 65_536;

/** A source that is backed up so slowly that what is `late` is not copied, to a target that fails to take that, once. */
async function withFullTarget(more: object): Promise<{ readonly client: JobClient; readonly source: BlockNode }> {
  const client = await withImages();
  const source = await addRaw(client, 'source', disk, 0x44);
  writeFileSync(client.at('target'), Buffer.alloc(disk));
  const rule = { event: 'write_aio', sector: late / 512, errno: 28, once: true };
  const image = { driver: 'file', filename: client.at('target') };
  const file = { driver: 'blkdebug', image, 'inject-error': [rule] };
  await client.execute('blockdev-add', { driver: 'raw', 'node-name': 'target', file });
  const args = { 'job-id': 'j', device: 'source', target: 'target', sync: 'full', speed: 65_536 };
  await client.execute('blockdev-backup', { ...args, ...more });
  return { client, source };
}

it.each([{}, { 'on-cbw-error': 'break-guest-write' }])(
  'a write fails before which a backup cannot save what was there, and the backup does not: %j',
  async (more) => {
    const { client, source } = await withFullTarget(more);
    await expect(source.requests.write(late, Buffer.alloc(512, 1))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect((await contents(source)).every((byte) => byte === 0x44)).toBe(true);
    await client.execute('block-job-set-speed', { device: 'j', speed: 0 });
    expect((await client.end()).data).not.toHaveProperty('error');
    expect((await contents(client.layer.graph.namedNode('target'))).every((byte) => byte === 0x44)).toBe(true);
  },
);

it('the write succeeds and the backup fails that cannot save what was there with on-cbw-error break-snapshot', async () => {
  const { client, source } = await withFullTarget({ 'on-cbw-error': 'break-snapshot' });
  await source.requests.write(late, Buffer.alloc(512, 1));
  expect((await contents(source))[late]).toBe(1);
  await client.execute('block-job-set-speed', { device: 'j', speed: 0 });
  expect((await client.end()).data).toHaveProperty('error');
});
