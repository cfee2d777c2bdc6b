import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { check } from '../../../../../runtime/block/drivers/qcow2/check/check.js';
import { repair } from '../../../../../runtime/block/drivers/qcow2/check/repair.js';
import { BlockError } from '../../../../../runtime/block/error.js';
import { createImage } from '../../../../../runtime/block/graph/create.js';
import type { BlockNode } from '../../../../../runtime/block/graph/node.js';
import { BlockOptions, type OptionValue } from '../../../../../runtime/block/options.js';
import { RequestFlag } from '../../../../../runtime/block/request-flag.js';
import { LayerClient } from '../../layer-client.js';
import { MemoryChild } from '../../memory-child.js';
import { holdsWhatIsWritten } from '../format-suite/power-cuts.js';
import { snapshotInfo } from './images.js';

const size = 1 << 20;
const cluster = 4096;

const onDisk = { format: 'qcow2', sectors: 1500, opening: { discard: 'unmap' } };
const raw = { data_file: 'data', data_file_raw: true };

holdsWhatIsWritten([
  { ...onDisk, backing: 900, options: { data_file: 'data', cluster_size: 4096 } },
  { ...onDisk, backing: 900, options: { data_file: 'data', cluster_size: 16_384, extended_l2: true } },
  { ...onDisk, options: { ...raw, cluster_size: 512 } },
]);

describe('A qcow2 image with a data file', () => {
  let folder: string;
  let client: LayerClient;
  const path = (name: string): string => join(folder, name);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qapi-ts-data-file-'));
    client = new LayerClient();
  });
  afterEach(async () => {
    await client[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  function create(options: { readonly [name: string]: OptionValue } = {}, backing?: { name: string; format: string }) {
    return createImage(client.layer.graph, {
      format: 'qcow2',
      filename: path('image'),
      size,
      options: new BlockOptions(Object.entries({ cluster_size: cluster, data_file: 'data', ...options })),
      ...(backing === undefined ? {} : { backing }),
    });
  }

  async function open(more: object = {}): Promise<BlockNode> {
    const file = { driver: 'file', filename: path('image') };
    await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'top', file, discard: 'unmap', ...more });
    return client.layer.graph.namedNode('top');
  }

  const close = () => client.execute('blockdev-del', { 'node-name': 'top' });
  const written = (byte: number, length = cluster): Buffer => Buffer.alloc(length, byte);

  /** Changes the first entries of the image's first L2 table. */
  function patchEntries(change: (entries: DataView) => void): Buffer {
    const bytes = readFileSync(path('image'));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const table = Number(view.getBigUint64(Number(view.getBigUint64(40))) & 0xff_ffff_ffff_fe00n);
    change(new DataView(bytes.buffer, bytes.byteOffset + table, cluster));
    writeFileSync(path('image'), bytes);
    return bytes;
  }

  it('puts each cluster at its own place in the data file, the first at 0', async () => {
    await create();
    const node = await open();
    await node.requests.write(5 * cluster, written(5));
    await node.requests.write(0, written(1));
    const status = { allocated: true, data: true, zero: false };
    expect(await node.instance?.blockStatus?.(0, cluster)).toMatchObject({ ...status, offset: 0 });
    await close();
    const data = readFileSync(path('data'));
    expect(data.length).toBe(size);
    expect([data[0], data[cluster], data[5 * cluster]]).toEqual([1, 0, 5]);
    patchEntries((entries) => {
      expect(entries.getBigUint64(0)).toBe(0x8000_0000_0000_0000n);
      expect(entries.getBigUint64(40)).toBe(0x8000_0000_0000_5000n);
    });
  });

  it('does not show what was in the data file before', async () => {
    await create();
    writeFileSync(path('data'), written(9, size));
    const node = await open();
    await node.requests.write(512, written(1, 512));
    const all = written(7, size);
    await node.requests.read(0, all);
    expect(all.equals(Buffer.concat([Buffer.alloc(512), written(1, 512), Buffer.alloc(size - 1024)]))).toBe(true);
  });

  it('keeps a raw data file equal to the disk where it is zeroed and discarded', async () => {
    await create({ data_file_raw: true });
    const node = await open();
    await node.requests.write(0, written(1, 8 * cluster));
    await node.requests.writeZeroes(0, 2 * cluster);
    await node.requests.discard(4 * cluster, cluster);
    await close();
    const data = readFileSync(path('data'));
    const bytes = Array.from({ length: 6 }, (_, index) => data[index * cluster]);
    expect(bytes).toEqual([0, 0, 1, 1, 0, 1]);
  });

  it('opens the data file that options name, a node or a new one', async () => {
    await create();
    writeFileSync(path('other'), written(0, size));
    const other = { driver: 'file', filename: path('other') };
    await (await open({ 'data-file': other })).requests.write(0, written(3));
    await close();
    await client.execute('blockdev-add', { ...other, 'node-name': 'data' });
    await (await open({ 'data-file': 'data' })).requests.write(cluster, written(4));
    await close();
    const bytes = readFileSync(path('other'));
    expect([bytes[0], bytes[cluster]]).toEqual([3, 4]);
    expect(readFileSync(path('data')).every((byte) => byte === 0)).toBe(true);
  });

  it('refuses a data file for an image that has none', async () => {
    await createImage(client.layer.graph, { format: 'qcow2', filename: path('image'), size });
    writeFileSync(path('data'), '');
    await expect(open({ 'data-file': { driver: 'file', filename: path('data') } })).rejects.toThrow(
      "'data-file' can only be set for images with an external data file",
    );
  });

  it('refuses to open when the data file is missing, and leaves nothing open', async () => {
    await create();
    rmSync(path('data'));
    await expect(open()).rejects.toThrow(`Could not open '${path('data')}'`);
    expect(await client.execute('query-named-block-nodes')).toEqual([]);
  });

  it('says that it needs a data file when its header names none', async () => {
    await create();
    const bytes = readFileSync(path('image'));
    // The extension's length: an empty name.
    bytes.writeUInt32BE(0, bytes.indexOf('DATA', 104, 'latin1') + 4);
    writeFileSync(path('image'), bytes);
    await expect(open()).rejects.toThrow("'data-file' is required for this image");
  });

  it('does not reach a file outside of what is allowed by the name in its header', async () => {
    await create();
    await using strict = new LayerClient({
      authorize: async (name) => {
        if (!name.endsWith('image')) throw new BlockError(`'${name}' is not allowed`, { code: 'EACCES' });
      },
    });
    const file = { driver: 'file', filename: path('image') };
    await expect(strict.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'top', file })).rejects.toThrow(
      `'${path('data')}' is not allowed`,
    );
  });

  it('refuses internal snapshots and compressed clusters', async () => {
    await create();
    const node = await open();
    await expect(node.instance?.snapshots?.create?.(snapshotInfo)).rejects.toMatchObject({ code: 'ENOTSUP' });
    await expect(node.instance?.writeCompressed?.(0, written(1))).rejects.toMatchObject({ code: 'ENOTSUP' });
  });

  it('does not follow an entry that leads elsewhere in the data file, or to compressed data', async () => {
    await create();
    for (const entry of [0x8000_0000_0000_2000n, 0x4000_0000_0000_0000n]) {
      await (await open()).requests.write(0, written(1, 2 * cluster));
      await close();
      const bytes = patchEntries((entries) => entries.setBigUint64(8, entry));
      expect(await check(new MemoryChild(bytes))).toMatchObject({ corruptions: 1, leaks: 0 });
      const node = await open({ 'read-only': true });
      await expect(node.requests.read(cluster, written(0))).rejects.toThrow(BlockError);
      await close();
      patchEntries((entries) => entries.setBigUint64(8, 0x8000_0000_0000_1000n));
    }
  });

  it('a check finds subclusters at the beginning of a data file sound', async () => {
    await create({ cluster_size: 16_384, extended_l2: true });
    await (await open()).requests.write(512, written(1, 512));
    await close();
    const image = new MemoryChild(readFileSync(path('image')));
    expect(await check(image)).toMatchObject({ corruptions: 0, leaks: 0, allocatedClusters: 1 });
  });

  it('keeps a raw data file equal to the disk when many requests run at once', async () => {
    await create({ data_file_raw: true });
    const node = await open();
    const model = Buffer.alloc(size);
    for (let round = 1; round <= 3; round++) {
      const requests = Array.from({ length: size / 2048 }, (_, index) => {
        const offset = index * 2048;
        const kind = (index * 7 + round) % 5;
        model.fill(kind < 3 ? index % 251 : 0, offset, offset + 2048);
        if (kind < 3) return node.requests.write(offset, written(index % 251, 2048));
        return node.requests.writeZeroes(offset, 2048, kind === 3 ? RequestFlag.mayUnmap : 0);
      });
      await Promise.all(requests);
    }
    const all = Buffer.alloc(size);
    await node.requests.read(0, all);
    expect(all.equals(model)).toBe(true);
    await close();
    expect(readFileSync(path('data')).equals(model)).toBe(true);
    const image = new MemoryChild(readFileSync(path('image')));
    expect(await check(image)).toMatchObject({ corruptions: 0, leaks: 0 });
  });

  it('shows what is below again, and gives up its data, when it is made empty', async () => {
    await createImage(client.layer.graph, { format: 'raw', filename: path('base'), size });
    writeFileSync(path('base'), written(6, size));
    await create({}, { name: 'base', format: 'raw' });
    const node = await open();
    await node.requests.write(0, written(1, 2 * cluster));
    await node.instance?.makeEmpty?.();
    const first = written(0);
    await node.requests.read(0, first);
    expect(first.equals(written(6))).toBe(true);
    await close();
    const data = readFileSync(path('data'));
    expect([data.length, data[0]]).toEqual([size, 0]);
  });

  it('a repair puts marks of single use right', async () => {
    await create();
    await (await open()).requests.write(0, written(1, 2 * cluster));
    await close();
    const image = new MemoryChild(patchEntries((entries) => entries.setBigUint64(8, 0x1000n)));
    expect(await check(image)).toMatchObject({ corruptions: 1 });
    expect(await repair(image, 'all')).toMatchObject({ corruptions: 0, corruptionsFixed: 1 });
  });

  it.each([
    [{ data_file: undefined, data_file_raw: true }, 'data-file-raw requires data-file'],
    [{ compat: '0.10' }, 'External data files are only supported with compatibility level 1.1'],
    [{ data_file: '' }, 'The name of the data file is empty'],
    [{ data_file: 'image' }, 'The data file cannot be the image itself'],
  ])('refuses to make an image with %j', async (options, message) => {
    const given = Object.entries({ cluster_size: cluster, data_file: 'data', ...options });
    const creation = createImage(client.layer.graph, {
      format: 'qcow2',
      filename: path('image'),
      size,
      options: new BlockOptions(
        given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
      ),
    });
    await expect(creation).rejects.toThrow(message);
    expect(existsSync(path('data'))).toBe(false);
  });

  it('refuses a backing file behind raw data, from the beginning and later', async () => {
    const backing = { name: 'base', format: 'raw' };
    const message = 'Backing file and data-file-raw cannot be used at the same time';
    await expect(create({ data_file_raw: true }, backing)).rejects.toThrow(message);
    await create({ data_file_raw: true });
    const node = await open();
    await expect(node.instance?.changeBackingFile?.(backing)).rejects.toThrow(message);
  });
});
