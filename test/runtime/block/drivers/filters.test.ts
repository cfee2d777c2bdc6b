import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createImage } from '../../../../runtime/block/graph/create.js';
import type { BlockNode } from '../../../../runtime/block/graph/node.js';
import { BlockOptions, type OptionValue } from '../../../../runtime/block/options.js';
import { LayerClient } from '../layer-client.js';
import { SimulatedClock } from '../simulated-clock.js';

const folder = mkdtempSync(join(tmpdir(), 'filters-'));
const MiB = 2 ** 20;
const size = 2 * MiB;
let client: LayerClient;
let clock: SimulatedClock;
let tests = 0;

afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(async () => {
  tests++;
  clock = new SimulatedClock();
  client = new LayerClient({ clock });
  onTestFinished(() => client.layer.close());
});

const at = (name: string) => join(folder, `${tests}-${name}`);
const node = (name: string): BlockNode => client.layer.graph.namedNode(name);
const add = (options: object) => client.execute('blockdev-add', options);
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);

async function read(name: string, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  await node(name).requests.read(offset, buffer);
  return buffer;
}

/** A new image and a node for it. */
async function addImage(name: string, options: { readonly [key: string]: OptionValue } = {}, backing?: string) {
  const filename = at(`${name}.qcow2`);
  await createImage(client.layer.graph, {
    format: 'qcow2',
    filename,
    size,
    options: BlockOptions.flatten(options),
    ...(backing === undefined ? {} : { backing: { name: at(`${backing}.qcow2`), format: 'qcow2' } }),
  });
  await add({
    driver: 'qcow2',
    'node-name': name,
    file: { driver: 'file', filename },
    ...(backing === undefined ? {} : { backing }),
  });
}

describe('copy-before-write and snapshot-access', () => {
  const cbw = (more: object = {}) =>
    add({ driver: 'copy-before-write', 'node-name': 'cbw', file: 'disk', target: 'fleece', ...more });
  const access = () => add({ driver: 'snapshot-access', 'node-name': 'past', file: 'cbw' });

  it('shows the disk as it was, whatever is written, zeroed and discarded since', async () => {
    const requests = fc.record({
      kind: fc.constantFrom('write', 'zeroes', 'discard'),
      sector: fc.nat(size / 512 - 1),
      count: fc.integer({ min: 1, max: 700 }),
    });
    await addImage('disk');
    await addImage('fleece');
    for (let sector = 0; sector < size / 512; sector += 3)
      await node('disk').requests.write(sector * 512, filled(1024, sector % 251));
    const before = await read('disk', 0, size);
    await cbw();
    await access();
    await fc.assert(
      fc.asyncProperty(fc.array(requests, { minLength: 1, maxLength: 6 }), async (some) => {
        const changes = some.map(({ kind, sector, count }) => {
          const [offset, length] = [sector * 512, Math.min(count * 512, size - sector * 512)];
          const { requests: into } = node('cbw');
          if (kind === 'write') return into.write(offset, filled(length, 0xee));
          return kind === 'zeroes' ? into.writeZeroes(offset, length) : into.discard(offset, length);
        });
        const [past] = await Promise.all([read('past', 0, size), ...changes]);
        expect(Buffer.compare(past, before)).toBe(0);
      }),
      { numRuns: 20 },
    );
    expect(Buffer.compare(await read('past', 0, size), before)).toBe(0);
    await expect(node('past').requests.write(0, filled(512, 1))).rejects.toMatchObject({ code: 'ENOTSUP' });
  });

  it('keeps only what a bitmap says is dirty, and forgets what is discarded', async () => {
    await addImage('disk');
    await addImage('fleece');
    await client.execute('block-dirty-bitmap-add', { node: 'disk', name: 'b', granularity: 65536 });
    await node('disk').requests.write(65536, filled(131_072, 1));
    await expect(cbw({ bitmap: { node: 'disk', name: 'none' } })).rejects.toThrow("Dirty bitmap 'none' not found");
    await cbw({ bitmap: { node: 'disk', name: 'b' } });
    await add({ driver: 'snapshot-access', 'node-name': 'past', file: 'cbw', discard: 'unmap' });
    await node('cbw').requests.write(0, filled(4 * 65536, 2));
    expect((await read('past', 65536, 131_072)).every((byte) => byte === 1)).toBe(true);
    await expect(read('past', 0, 512)).rejects.toMatchObject({ code: 'EACCES' });
    await expect(node('past').statusHere(0, 512)).rejects.toMatchObject({ code: 'EACCES' });
    await node('past').requests.discard(65536, 65536);
    await expect(read('past', 65536, 512)).rejects.toMatchObject({ code: 'EACCES' });
    expect((await read('past', 131_072, 65536)).every((byte) => byte === 1)).toBe(true);
  });

  it.each(['break-guest-write', 'break-snapshot'])('on a failure does what on-cbw-error says: %s', async (policy) => {
    await addImage('disk');
    await addImage('inner');
    const fault = [{ event: 'write_aio', errno: 28 }];
    await add({
      driver: 'blkdebug',
      'node-name': 'fleece',
      image: 'inner',
      'inject-error': fault.map((each) => ({ ...each, event: 'pwritev' })),
    });
    await node('disk').requests.write(0, filled(512, 1));
    await cbw({ 'on-cbw-error': policy });
    await access();
    const written = node('cbw').requests.write(0, filled(512, 2));
    if (policy === 'break-snapshot') {
      await written;
      await expect(read('past', 65536, 512)).rejects.toMatchObject({ code: 'EACCES' });
      expect(client.warnings).toContainEqual(expect.stringContaining('does not show the disk as it was any more'));
    } else {
      await expect(written).rejects.toMatchObject({ code: 'ENOSPC' });
      expect((await read('past', 0, 1))[0]).toBe(1);
    }
    expect((await read('disk', 0, 1))[0]).toBe(policy === 'break-snapshot' ? 2 : 1);
  });

  it('lets no one write beside it once something is above', async () => {
    await addImage('disk');
    await addImage('fleece');
    await add({ driver: 'raw', 'node-name': 'beside', file: 'disk' });
    await cbw();
    await access();
    const owner = { name: '', drainBegin: async () => {}, drainEnd: () => {} };
    const writes = { uses: 2, shares: 15 };
    await expect(client.layer.graph.attachRoot(node('beside'), owner, writes)).rejects.toThrow(/write/);
    await client.layer.graph.attachRoot(node('cbw'), owner, writes);
  });
});

describe('other filters', () => {
  it('throttle holds requests back as its group says, and lets them go when the graph changes', async () => {
    await addImage('disk');
    await expect(add({ driver: 'throttle', 'node-name': 't', 'throttle-group': 'none', file: 'disk' })).rejects.toThrow(
      "Throttle group 'none' does not exist",
    );
    await client.execute('object-add', { 'qom-type': 'throttle-group', id: 'g', limits: { 'bps-total': 65536 } });
    await add({ driver: 'throttle', 'node-name': 't', 'throttle-group': 'g', file: 'disk' });
    await node('t').requests.write(0, filled(65536, 1));
    let done = false;
    const waiting = node('t')
      .requests.write(0, filled(65536, 2))
      .then(() => {
        done = true;
      });
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    await client.layer.graph.drained(node('disk'), async () => {
      await waiting;
    });
    expect(done).toBe(true);
    expect((await read('disk', 0, 1))[0]).toBe(2);
    await expect(client.execute('object-del', { id: 'g' })).rejects.toThrow("object 'g' is in use, can not be deleted");
    await client.execute('qom-set', { path: 'g', property: 'limits', value: { 'bps-total': 0, 'iops-size': 0 } });
    expect(await client.execute('qom-get', { path: '/objects/g', property: 'limits' })).toMatchObject({
      'bps-total': 0,
      'iops-read-max-length': 1,
    });
    await expect(
      client.execute('qom-set', { path: 'g', property: 'limits', value: { 'bps-read-max': 1 } }),
    ).rejects.toThrow('bps-read');
    for (const wrong of ['x', { 'bps-read': 1.5 }, { bps: 1 }]) {
      await expect(client.execute('qom-set', { path: 'g', property: 'limits', value: wrong })).rejects.toThrow(
        'limits',
      );
    }
    await node('t').requests.write(0, filled(65536, 3));
    await client.execute('blockdev-del', { 'node-name': 't' });
    await client.execute('object-del', { id: 'g' });
  });

  it('copy-on-read copies up what is read, down to the bottom', async () => {
    await addImage('base');
    await addImage('mid', {}, 'base');
    await addImage('top', {}, 'mid');
    await node('base').requests.write(0, filled(65536, 1));
    await node('mid').requests.write(65536, filled(65536, 2));
    await expect(add({ driver: 'copy-on-read', 'node-name': 'x', file: 'top', bottom: 'zz' })).rejects.toThrow(
      "Bottom node 'zz' not found",
    );
    await add({ driver: 'copy-on-read', 'node-name': 'cor', file: 'top', bottom: 'mid' });
    const allocated = async (offset: number) => (await node('top').open.blockStatus?.(offset, 512))?.allocated;
    expect((await read('cor', 0, 131_072)).filter((byte) => byte === 0)).toHaveLength(0);
    expect([await allocated(0), await allocated(65536)]).toEqual([false, true]);
    await add({ driver: 'copy-on-read', 'node-name': 'all', file: 'top' });
    await read('all', 0, 512);
    expect(await allocated(0)).toBe(true);
  });

  it('compress stores compressed, whatever the size of a write', async () => {
    await addImage('disk');
    await add({ driver: 'null-co', 'node-name': 'null', size });
    await expect(add({ driver: 'compress', 'node-name': 'x', file: 'null' })).rejects.toThrow(
      'Compression is not supported for underlying format: null-co',
    );
    await add({ driver: 'compress', 'node-name': 'c', file: 'disk' });
    await node('c').requests.write(1000, filled(100_000, 7));
    const found = await read('disk', 0, 131_072);
    expect([found[999], found[1000], found[100_999], found[101_000]]).toEqual([0, 7, 7, 0]);
    expect(await node('disk').open.blockStatus?.(0, 512)).not.toHaveProperty('offset');
  });

  it('compress stores compressed through copy-on-read, too', async () => {
    await addImage('disk');
    await add({ driver: 'copy-on-read', 'node-name': 'copying', file: 'disk' });
    await add({ driver: 'compress', 'node-name': 'c', file: 'copying' });
    await node('c').requests.write(0, filled(65_536, 7));
    expect((await read('disk', 0, 65_536)).every((byte) => byte === 7)).toBe(true);
    expect(await node('disk').open.blockStatus?.(0, 512)).not.toHaveProperty('offset');
  });

  it('preallocate makes the file larger in advance, and cuts it when it is closed', async () => {
    const filename = at('grown.raw');
    await client.layer.graph.drivers
      .named('file')
      .createFile?.(filename, 0, new BlockOptions(), client.layer.graph.host);
    const file = { driver: 'file', 'node-name': 'f', filename };
    await add({ driver: 'preallocate', 'node-name': 'p', 'prealloc-size': 3 * MiB, file });
    await node('p').requests.write(0, filled(1000, 7));
    expect([node('p').length, node('f').length]).toEqual([1000, 4 * MiB]);
    await node('p').requests.write(5 * MiB, filled(512, 7));
    expect(node('f').length).toBe(9 * MiB);
    await client.execute('blockdev-del', { 'node-name': 'p' });
    await add({ driver: 'raw', 'node-name': 'r', file: { driver: 'file', filename } });
    expect(node('r').length).toBe(5 * MiB + 512);
  });
});
