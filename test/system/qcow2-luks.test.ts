import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createImage } from '../../runtime/block/graph/create.js';
import type { BlockNode } from '../../runtime/block/graph/node.js';
import { BlockOptions } from '../../runtime/block/options.js';
import { LayerClient } from '../runtime/block/layer-client.js';
import { describeWithPrograms, seed } from './programs.js';

const exec = promisify(execFile);
const KiB = 1024;
/** Neither whole clusters nor one table. */
const size = 3 * KiB * KiB + 3 * 512;
const larger = 5 * KiB * KiB + 512;

const luks = { 'encrypt.format': 'luks', 'encrypt.key-secret': 's', 'encrypt.iter-time': '10' };
const variants = [
  { cluster_size: '4096' },
  { cluster_size: '65536', preallocation: 'metadata' },
  { cluster_size: '16384', extended_l2: 'on', 'encrypt.cipher-alg': 'aes-128' },
  { cluster_size: '4096', data_file: 'data' },
  { cluster_size: '512', compat: '0.10', 'encrypt.cipher-mode': 'cbc', 'encrypt.ivgen-alg': 'essiv' },
];

const changes = fc.array(
  fc.record({
    verb: fc.constantFrom('write', 'write', 'zeroes' as const),
    at: fc.nat({ max: size / 512 - 1 }).map((sector) => sector * 512),
    sectors: fc.integer({ min: 1, max: 400 }),
    mark: fc.integer({ min: 1, max: 255 }),
  }),
  { minLength: 5, maxLength: 15 },
);

type Change = typeof changes extends fc.Arbitrary<(infer One)[]> ? One : never;

async function apply(node: BlockNode, { verb, at, sectors, mark }: Change, model: Buffer): Promise<void> {
  const length = Math.min(sectors * 512, size - at);
  model.fill(verb === 'write' ? mark : 0, at, at + length);
  if (verb === 'write') await node.requests.write(at, model.subarray(at, at + length));
  else await node.requests.writeZeroes(at, length, 0);
}

function commandOf({ verb, at, sectors, mark }: Change): string {
  return `${verb === 'write' ? `write -P ${mark}` : 'write -z'} ${at} ${Math.min(sectors * 512, size - at)}`;
}

async function contents(node: BlockNode): Promise<Buffer> {
  const all = Buffer.alloc(node.length);
  await node.requests.read(0, all);
  return all;
}

describeWithPrograms('LUKS inside qcow2', ['qemu-img', 'qemu-io'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-qcow2-luks-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const secrets = ['--object', 'secret,id=s,data=correct horse', '--object', 'secret,id=w,data=battery staple'];
  const image = 'driver=qcow2,file.filename=image,encrypt.key-secret=s';
  const run = (program: string, ...args: string[]) => exec(program, args, { cwd: folder });
  const img = (verb: string, ...args: string[]) => run('qemu-img', verb, ...secrets, ...args);
  const io = (commands: readonly string[], options = image) =>
    run('qemu-io', ...secrets, '--image-opts', options, ...commands.flatMap((command) => ['-c', command]));

  async function newClient(): Promise<LayerClient> {
    const client = new LayerClient();
    await client.execute('object-add', { 'qom-type': 'secret', id: 's', data: 'correct horse' });
    await client.execute('object-add', { 'qom-type': 'secret', id: 'w', data: 'battery staple' });
    return client;
  }

  async function open(client: LayerClient, more: object = {}): Promise<BlockNode> {
    await client.execute('blockdev-add', {
      ...{ driver: 'qcow2', 'node-name': 'top', file: { driver: 'file', filename: join(folder, 'image') } },
      encrypt: { format: 'luks', 'key-secret': 's' },
      ...more,
    });
    return client.layer.graph.namedNode('top');
  }

  async function create(client: LayerClient, options: object): Promise<void> {
    await createImage(client.layer.graph, {
      ...{ format: 'qcow2', filename: join(folder, 'image'), size },
      options: new BlockOptions(Object.entries({ ...luks, ...options })),
    });
  }

  /** At times it cannot measure the processor. */
  async function createReal(options: object): Promise<void> {
    const given = Object.entries({ ...luks, ...options }).map(([name, value]) => `${name}=${value}`);
    for (let attempt = 0; ; attempt++) {
      try {
        await img('create', '-f', 'qcow2', '-o', given.join(), 'image', `${size}`);
        return;
      } catch (error) {
        if (attempt === 20 || !String(error).includes('CPU usage')) throw error;
      }
    }
  }

  /** The real program finds the image sound, and reads it as the model. */
  async function judge(model: Buffer): Promise<void> {
    await img('check', '--image-opts', image);
    writeFileSync(join(folder, 'model'), model);
    await img('compare', '--image-opts', image, 'driver=raw,file.filename=model');
  }

  describe.each(variants)('%j', (variant) => {
    it('qemu-img finds sound what is made, written, grown and snapshot here, and reads it equal', async () => {
      const property = fc.asyncProperty(changes, changes, async (script, more) => {
        const model = Buffer.alloc(larger);
        {
          await using client = await newClient();
          await create(client, variant);
          const node = await open(client);
          // Clusters that are preallocated, of version 2, read as whatever is there decrypts to.
          for (const change of script) await apply(node, change, model);
          expect((await contents(node)).equals(model.subarray(0, size))).toBe(true);
        }
        await judge(model.subarray(0, size));
        await using client = await newClient();
        const node = await open(client);
        const snapshot = { device: 'top', name: 'before' };
        if (!('data_file' in variant)) await client.execute('blockdev-snapshot-internal-sync', snapshot);
        for (const change of more) await apply(node, change, model);
        if ('data_file' in variant) await client.execute('block_resize', { 'node-name': 'top', size: larger });
        const whole = model.subarray(0, node.length);
        expect((await contents(node)).equals(whole)).toBe(true);
        await client[Symbol.asyncDispose]();
        await judge(whole);
      });
      await fc.assert(property, { seed, numRuns: 1, endOnFailure: true });
    }, 60_000);
  });

  // It takes qemu-img seconds to make one.
  describe.each(variants.slice(2))('%j', (variant) => {
    it('what qemu-img and qemu-io make is read equal, and written on', async () => {
      const property = fc.asyncProperty(changes, changes, async (script, more) => {
        await createReal(variant);
        // Preallocated clusters that were not written read as anything.
        await io([`write -P 1 0 ${size}`, ...script.map(commandOf)]);
        await img('convert', '--image-opts', image, '-O', 'raw', 'model');
        await using client = await newClient();
        const node = await open(client);
        const model = await contents(node);
        writeFileSync(join(folder, 'ours'), model);
        await img('compare', '-f', 'raw', '-F', 'raw', 'model', 'ours');
        for (const change of more) await apply(node, change, model);
        await client[Symbol.asyncDispose]();
        await judge(model);
      });
      await fc.assert(property, { seed, numRuns: 1, endOnFailure: true });
    }, 60_000);
  });

  describe('of qemu-img', () => {
    beforeAll(() => createReal({}));

    it('queries show the encryption as qemu-img does, without the key', async () => {
      const real = JSON.parse((await img('info', '--output=json', 'image')).stdout);
      await using client = await newClient();
      await open(client, { 'read-only': true });
      const nodes = (await client.execute('query-named-block-nodes', {})) as { 'node-name': string; image: object }[];
      const shown = nodes.find((node) => node['node-name'] === 'top');
      expect(shown?.image).toMatchObject({ encrypted: true, 'format-specific': real['format-specific'] });
    });

    it('refuses a wrong passphrase, none, and options that do not suit the image, as QEMU does', async () => {
      await using client = await newClient();
      for (const encrypt of [
        { format: 'luks', 'key-secret': 'w' },
        { format: 'luks' },
        { format: 'aes', 'key-secret': 's' },
      ] as const) {
        const options = Object.entries(encrypt).map(([name, value]) => `,encrypt.${name}=${value}`);
        const real = io(['read 0 512'], `driver=qcow2,file.filename=image${options.join('')}`);
        const [, text = ''] = /can't open[^:]*: (.*)/.exec(String(await real.catch((error) => error))) ?? [];
        expect(text).not.toBe('');
        await expect(open(client, { encrypt })).rejects.toThrow(text);
      }
      const file = { driver: 'file', filename: join(folder, 'other') };
      await img('create', '-f', 'qcow2', 'other', '1M');
      await expect(open(client, { file })).rejects.toThrow(
        /No encryption in image header, but options specified format 'luks'/,
      );
      await img('create', '-f', 'qcow2', '-o', 'encrypt.format=aes,encrypt.key-secret=s', 'other', '1M');
      await expect(open(client, { file })).rejects.toThrow(
        "Header reported 'aes' encryption format but options specify 'luks'",
      );
      const encrypt = { format: 'aes', 'key-secret': 's' };
      await expect(open(client, { file, encrypt })).rejects.toThrow(/AES encryption are not opened any more/);
    });

    it('reads what qemu-io wrote compressed, and writes nothing compressed', async () => {
      await io(['write -c -P 5 64k 64k']);
      await using client = await newClient();
      const node = await open(client);
      expect((await contents(node)).subarray(65536, 131072).every((byte) => byte === 5)).toBe(true);
      await client.execute('blockdev-add', { driver: 'compress', 'node-name': 'c', file: 'top' });
      const compress = client.layer.graph.namedNode('c');
      await expect(compress.requests.write(0, Buffer.alloc(65536, 7))).rejects.toThrow(
        'Compression and encryption not supported at the same time',
      );
    });
  });
});
