import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createImage } from '../../runtime/block/graph/create.js';
import type { BlockNode } from '../../runtime/block/graph/node.js';
import { BlockOptions } from '../../runtime/block/options.js';
import { RequestFlag } from '../../runtime/block/request-flag.js';
import { JobClient } from '../runtime/block/jobs/job-client.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms, seed } from './programs.js';

const exec = promisify(execFile);
const KiB = 1024;
/** Neither whole clusters nor one table. */
const size = 3 * KiB * KiB + 3 * 512;
const larger = 5 * KiB * KiB + 512;

const variants = [
  { cluster_size: '4096', data_file_raw: 'off' },
  { cluster_size: '4096', data_file_raw: 'on' },
  { cluster_size: '16384', data_file_raw: 'off', extended_l2: 'on' },
  { cluster_size: '16384', data_file_raw: 'on', extended_l2: 'on' },
];

const changes = fc.array(
  fc.record({
    kind: fc.constantFrom('write' as const, 'write' as const, 'zeroes' as const, 'unmap' as const, 'discard' as const),
    at: fc.nat({ max: size / 512 - 1 }).map((sector) => sector * 512),
    sectors: fc.integer({ min: 1, max: 400 }),
    mark: fc.integer({ min: 1, max: 255 }),
  }),
  { minLength: 5, maxLength: 20 },
);

type Change = typeof changes extends fc.Arbitrary<(infer One)[]> ? One : never;

/** Only what is discarded in whole clusters is known afterwards, so that is what is discarded. */
function placeOf({ kind, at, sectors }: Change, cluster: number): [offset: number, length: number] {
  if (kind !== 'discard') return [at, Math.min(sectors * 512, size - at)];
  const offset = at - (at % cluster);
  return [offset, Math.min(Math.ceil((sectors * 512) / cluster) * cluster, size - offset)];
}

async function apply(node: BlockNode, change: Change, cluster: number, model: Buffer): Promise<void> {
  const [offset, length] = placeOf(change, cluster);
  model.fill(change.kind === 'write' ? change.mark : 0, offset, offset + length);
  if (change.kind === 'write') await node.requests.write(offset, model.subarray(offset, offset + length));
  else if (change.kind === 'discard') await node.requests.discard(offset, length);
  else await node.requests.writeZeroes(offset, length, change.kind === 'unmap' ? RequestFlag.mayUnmap : 0);
}

function commandOf(change: Change, cluster: number): string {
  const [offset, length] = placeOf(change, cluster);
  const verb = { write: `write -P ${change.mark}`, zeroes: 'write -z', unmap: 'write -z -u', discard: 'discard' };
  return `${verb[change.kind]} ${offset} ${length}`;
}

describeWithPrograms('qcow2 images with a data file', ['qemu-img', 'qemu-io'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-qcow2-data-file-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const path = (name: string) => join(folder, name);
  // The real programs look for a relative data file where they run.
  const run = (program: string, ...args: string[]) => exec(program, args, { cwd: folder });

  async function open(client: LayerClient, more: object = {}): Promise<BlockNode> {
    const file = { driver: 'file', filename: path('image') };
    await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'top', discard: 'unmap', file, ...more });
    return client.layer.graph.namedNode('top');
  }

  async function contents(node: BlockNode): Promise<Buffer> {
    const all = Buffer.alloc(node.length);
    await node.requests.read(0, all);
    return all;
  }

  /** The real program finds the image sound, reads it as the model, and so does a raw reader of a raw data file. */
  async function judge(model: Buffer, raw: boolean): Promise<void> {
    await run('qemu-img', 'check', '-f', 'qcow2', 'image');
    writeFileSync(path('model'), model);
    await run('qemu-img', 'compare', '-f', 'qcow2', '-F', 'raw', 'image', 'model');
    if (raw) expect(readFileSync(path('data')).subarray(0, model.length).equals(model)).toBe(true);
  }

  /** Runs a job of creation, which succeeds. */
  async function make(client: JobClient, options: object): Promise<void> {
    await client.execute('blockdev-create', { 'job-id': 'create', options });
    while ((await client.event('JOB_STATUS_CHANGE')).data.status !== 'concluded');
    const [job] = (await client.execute('query-jobs')) as object[];
    expect(job).not.toHaveProperty('error');
  }

  describe.each(variants)('%j', (variant) => {
    const cluster = Number(variant.cluster_size);
    const raw = variant.data_file_raw === 'on';
    const options = { ...variant, data_file: 'data' };

    it('qemu-img finds what is made, written, grown and shrunk here sound, and reads it equal', async () => {
      const property = fc.asyncProperty(changes, changes, async (script, more) => {
        const model = Buffer.alloc(larger);
        {
          await using client = new LayerClient();
          await createImage(client.layer.graph, {
            format: 'qcow2',
            filename: path('image'),
            size,
            options: new BlockOptions(Object.entries(options)),
          });
          const node = await open(client);
          for (const change of script) await apply(node, change, cluster, model);
          expect((await contents(node)).equals(model.subarray(0, size))).toBe(true);
        }
        await judge(model.subarray(0, size), raw);
        expect(readFileSync(path('data')).length).toBe(size);
        {
          await using client = new LayerClient();
          const node = await open(client);
          await client.execute('block_resize', { 'node-name': 'top', size: larger });
          for (const change of more) await apply(node, change, cluster, model);
          expect((await contents(node)).equals(model)).toBe(true);
        }
        await judge(model, raw);
        {
          await using client = new LayerClient();
          await open(client);
          await client.execute('block_resize', { 'node-name': 'top', size: KiB * KiB });
        }
        await judge(model.subarray(0, KiB * KiB), raw);
        expect(readFileSync(path('data')).length).toBe(KiB * KiB);
      });
      await fc.assert(property, { seed, numRuns: 2, endOnFailure: true });
    }, 60_000);

    it('what qemu-img and qemu-io make is read equal, and written on', async () => {
      const property = fc.asyncProperty(changes, changes, async (script, more) => {
        const given = Object.entries(options).map(([name, value]) => `${name}=${value}`);
        await run('qemu-img', 'create', '-f', 'qcow2', '-o', given.join(), 'image', `${size}`);
        const commands = script.flatMap((change) => ['-c', commandOf(change, cluster)]);
        await run('qemu-io', '-f', 'qcow2', '-d', 'unmap', ...commands, 'image');
        await run('qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', 'image', 'model');
        const model = readFileSync(path('model'));
        {
          await using client = new LayerClient();
          const node = await open(client);
          expect((await contents(node)).equals(model)).toBe(true);
          for (const change of more) await apply(node, change, cluster, model);
          expect((await contents(node)).equals(model)).toBe(true);
        }
        await judge(model, raw);
      });
      await fc.assert(property, { seed, numRuns: 2, endOnFailure: true });
    }, 60_000);

    it('queries tell of the data file what qemu-img tells', async () => {
      const given = Object.entries(options).map(([name, value]) => `${name}=${value}`);
      await run('qemu-img', 'create', '-f', 'qcow2', '-o', given.join(), 'image', `${size}`);
      const real = JSON.parse((await run('qemu-img', 'info', '--output=json', 'image')).stdout);
      await using client = new LayerClient();
      await open(client, { 'read-only': true });
      const nodes = (await client.execute('query-named-block-nodes', {})) as { 'node-name': string; image: object }[];
      expect(nodes.find((node) => node['node-name'] === 'top')?.image).toMatchObject({
        'format-specific': real['format-specific'],
      });
    });
  });

  it('blockdev-create makes an image with nodes that are opened for it, and qemu-img finds it sound', async () => {
    await using client = await JobClient.withChain();
    const [file, dataFile] = ['image', 'data'].map((name) => {
      writeFileSync(path(name), '');
      return { driver: 'file', filename: path(name) };
    });
    const create = { driver: 'qcow2', file, 'data-file': dataFile, size: KiB * KiB };
    await make(client, create);
    await judge(Buffer.alloc(KiB * KiB), true);
  });

  it('blockdev-create makes an image with a node for its data that qemu-img finds sound', async () => {
    await using client = await JobClient.withChain();
    for (const name of ['image', 'data']) {
      writeFileSync(path(name), '');
      await client.execute('blockdev-add', { driver: 'file', 'node-name': name, filename: path(name) });
    }
    const create = { driver: 'qcow2', file: 'image', 'data-file': 'data', 'data-file-raw': true, size: KiB * KiB };
    await make(client, create);
    const node = await open(client, { file: 'image', 'data-file': 'data' });
    const model = Buffer.alloc(KiB * KiB, 7);
    await node.requests.write(0, model);
    for (const name of ['top', 'image', 'data']) await client.execute('blockdev-del', { 'node-name': name });
    await judge(model, true);
  });
});
