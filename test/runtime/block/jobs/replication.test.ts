import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import type { Child } from '../../../../runtime/block/driver.js';
import { ioError } from '../../../../runtime/block/error.js';
import { createImage } from '../../../../runtime/block/graph/create.js';
import type { BlockNode, RootOwner } from '../../../../runtime/block/graph/node.js';
import { LayerClient } from '../layer-client.js';
import { randomFrom } from '../random-from.js';

const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-replication-'));
afterAll(() => rmSync(folder, { recursive: true }));
const size = 2 ** 20;
let made = 0;

/** A user of a node that makes no requests in drained sections, as users must. */
class User implements RootOwner {
  readonly name = '';
  readonly #running = new Set<Promise<void>>();
  #drained = 0;
  #waiting: (() => void)[] = [];

  async drainBegin(): Promise<void> {
    this.#drained++;
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  drainEnd(): void {
    this.#drained--;
    if (this.#drained === 0) for (const go of this.#waiting.splice(0)) go();
  }

  /** Has the requests through an edge wait for the end of drained sections. */
  guard(edge: Child): void {
    for (const name of ['read', 'write', 'writeZeroes', 'flush'] as const) {
      const request = edge[name].bind(edge) as (...args: unknown[]) => Promise<void>;
      edge[name] = (...args: unknown[]) => this.#hold(() => request(...args));
    }
  }

  async #hold(request: () => Promise<void>): Promise<void> {
    while (this.#drained > 0) await new Promise<void>((go) => this.#waiting.push(go));
    const running = request();
    this.#running.add(running);
    try {
      await running;
    } finally {
      this.#running.delete(running);
    }
  }
}

const file = (filename: string) => ({ driver: 'file', filename });

/** The secondary side with its disks, as a guest and as the primary see it. */
async function secondarySide(client: LayerClient, secondaryFormat = 'raw') {
  const { graph } = client.layer;
  const path = join(folder, `${++made}`);
  const [disk, hidden, active] = [`${path}.disk`, `${path}.hidden`, `${path}.active`];
  await createImage(graph, { format: secondaryFormat, filename: disk, size });
  for (const filename of [hidden, active]) await createImage(graph, { format: 'qcow2', filename, size });
  const add = (options: object) => client.execute('blockdev-add', { options });
  await add({ driver: secondaryFormat, 'node-name': 'secondary', file: file(disk) });
  const below = { driver: 'qcow2', 'node-name': 'hidden', file: file(hidden), backing: 'secondary' };
  const top = { driver: 'qcow2', 'node-name': 'active', file: file(active), backing: below };
  await add({ driver: 'replication', 'node-name': 'replica', mode: 'secondary', 'top-id': 'guest', file: top });
  await add({ driver: 'quorum', 'node-name': 'guest', 'vote-threshold': 1, children: ['replica'] });
  const root = async (name: string): Promise<Child> => {
    const user = new User();
    const edge = await graph.attachRoot(graph.namedNode(name), user);
    user.guard(edge);
    return edge;
  };
  return {
    disk,
    guest: await root('guest'),
    primary: await root('secondary'),
    detach: (child: Child) => graph.detachRoot(child),
  };
}

/** A read of a disk may be slow, or what is above it may be slow to look where it should read. */
function delayReads({ requests }: BlockNode, random: () => number): void {
  const { read } = requests;
  requests.read = async (...args) => {
    if (random() < 0.5) await delay(3 * random());
    await read.apply(requests, args);
  };
}

const begin = { enable: true, primary: false };
const end = { enable: false, primary: false };

async function contents(root: Child): Promise<Buffer> {
  const buffer = Buffer.alloc(size);
  await root.read(0, buffer);
  return buffer;
}

it.each(['raw', 'qcow2'])(
  'a guest on the secondary side sees the disk of the last checkpoint with its own writes, whatever the primary writes to %s meanwhile',
  async (format) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.boolean(), async (seed, failover) => {
        const random = randomFrom(seed);
        await using client = new LayerClient();
        const { guest, primary, disk } = await secondarySide(client, format);
        delayReads(client.layer.graph.namedNode('secondary'), random);
        const current = Buffer.alloc(size);
        await client.execute('xen-set-replication', begin);
        let seen = Buffer.from(current);
        const unit = random() < 0.5 ? 1 : 512;
        const stretch = (): [from: number, to: number] => {
          const from = Math.floor((random() * size) / unit) * unit;
          return [from, Math.min(size, from + unit * (1 + Math.floor((random() ** 3 * 200_000) / unit)))];
        };
        const write = async (root: Child, model: Buffer): Promise<void> => {
          const [from, to] = stretch();
          if (random() < 0.2) {
            model.fill(0, from, to);
            await root.writeZeroes(from, to - from);
          } else {
            model.fill(1 + Math.floor(random() * 255), from, to);
            await root.write(from, Buffer.from(model.subarray(from, to)));
          }
        };
        for (let round = 0; round < 6; round++) {
          // A guest reads while the primary writes; its own writes do not overlap its reads.
          const reads = Array.from({ length: 5 }, async () => {
            const [from, to] = stretch();
            const buffer = Buffer.alloc(to - from);
            await guest.read(from, buffer);
            expect(buffer.equals(seen.subarray(from, to))).toBe(true);
          });
          const writes = Array.from({ length: 3 }, () => undefined).reduce<Promise<void>>(
            (before) => before.then(() => write(primary, current)),
            Promise.resolve(),
          );
          await Promise.all([...reads, writes]);
          await write(guest, seen);
          if (random() < 0.3) {
            await client.execute('xen-colo-do-checkpoint');
            seen = Buffer.from(current);
          }
          expect((await contents(guest)).equals(seen)).toBe(true);
          expect((await contents(primary)).equals(current)).toBe(true);
        }
        expect(await client.execute('query-xen-replication-status')).toEqual({ error: false });
        expect(await client.execute('query-block-jobs')).toEqual([]);
        await client.execute('xen-set-replication', { ...end, failover });
        // While what it has is committed, a guest goes on.
        const kept = failover ? seen : current;
        await write(guest, kept);
        const replica = client.layer.graph.namedNode('replica');
        await expect.poll(() => replica.instance?.replication?.stage).toBe('done');
        expect((await contents(guest)).equals(kept)).toBe(true);
        expect(replica.file?.node.name).toBe(failover ? 'secondary' : 'active');
        await guest.flush();
        if (failover && format === 'raw') expect(readFileSync(disk).equals(kept)).toBe(true);
        expect(client.events.filter(({ name }) => name.includes('JOB'))).toEqual([]);
        expect(client.warnings).toEqual([]);
      }),
      { numRuns: Number(process.env.QAPI_REPLICATION_RUNS ?? 12), endOnFailure: true },
    );
  },
  120_000,
);

it('requests fail before replication begins, and what needs it reports that it does not run', async () => {
  await using client = new LayerClient();
  const { guest } = await secondarySide(client);
  await expect(guest.read(0, Buffer.alloc(512))).rejects.toMatchObject({ code: 'EIO' });
  await expect(guest.write(0, Buffer.alloc(512))).rejects.toMatchObject({ code: 'EIO' });
  await expect(client.execute('xen-colo-do-checkpoint')).rejects.toThrow('Block replication is not running');
  await expect(client.execute('xen-set-replication', end)).rejects.toThrow('Block replication is not running');
  await client.execute('xen-set-replication', { ...end, failover: true });
  expect(await client.execute('query-xen-replication-status')).toEqual({
    error: true,
    desc: 'Block replication is not running',
  });
  await expect(client.execute('xen-set-replication', { enable: true, primary: true })).rejects.toThrow(
    "node 'replica' is the secondary side",
  );
  await expect(client.execute('xen-set-replication', { ...begin, failover: false })).rejects.toThrow(
    "Parameter 'failover' is only for stopping replication",
  );
});

it('a disk that is replicated cannot be changed below its guest, begun with twice, or left behind when the program ends', async () => {
  await using client = new LayerClient();
  const { guest } = await secondarySide(client);
  await client.execute('xen-set-replication', begin);
  await expect(client.execute('xen-set-replication', begin)).rejects.toThrow('Block replication is running or done');
  for (const device of ['secondary', 'hidden', 'guest']) {
    await expect(
      client.execute('blockdev-backup', { 'job-id': 'j', device, target: 'active', sync: 'full' }),
    ).rejects.toThrow(/busy/);
  }
  await guest.write(0, Buffer.alloc(512, 1));
});

it('what the overlays have is kept, and nothing else, when the secondary disk cannot take it over', async () => {
  await using client = new LayerClient();
  const { guest, primary } = await secondarySide(client);
  await primary.write(0, Buffer.alloc(size, 1));
  await client.execute('xen-set-replication', begin);
  await guest.write(0, Buffer.alloc(65_536, 2));
  const { graph } = client.layer;
  const { requests } = graph.namedNode('secondary');
  const { write } = requests;
  requests.write = async () => {
    requests.write = write;
    throw ioError('ENOSPC');
  };
  await client.execute('xen-set-replication', { ...end, failover: true });
  const replica = graph.namedNode('replica');
  await expect.poll(() => replica.instance?.replication?.stage).toBe('failover-failed');
  expect(await client.execute('query-xen-replication-status')).toEqual({ error: true, desc: 'I/O error occurred' });
  await guest.write(32_768, Buffer.alloc(65_536, 3));
  const expected = Buffer.alloc(size, 1).fill(2, 0, 32_768).fill(3, 32_768, 98_304);
  expect((await contents(guest)).equals(expected)).toBe(true);
  // The overlays hold the cluster that they had.
  const below = await contents(primary);
  expect(below.subarray(0, 65_536).equals(Buffer.alloc(65_536, 1))).toBe(true);
  expect(below.subarray(65_536, 98_304).equals(Buffer.alloc(32_768, 3))).toBe(true);
});

it('the primary side hands writes on as long as replication runs, and a guest does not learn that they failed', async () => {
  await using client = new LayerClient();
  const path = join(folder, 'primary');
  await createImage(client.layer.graph, { format: 'raw', filename: path, size });
  const broken = { driver: 'blkdebug', image: file(path), 'inject-error': [{ event: 'write_aio', errno: 28 }] };
  for (const below of [file(path), broken]) {
    await client.execute('blockdev-add', {
      options: { driver: 'replication', 'node-name': 'p', mode: 'primary', file: { driver: 'raw', file: below } },
    });
    const { graph } = client.layer;
    const root = await graph.attachRoot(graph.namedNode('p'), new User());
    await expect(root.write(0, Buffer.alloc(512))).rejects.toMatchObject({ code: 'EIO' });
    await client.execute('xen-set-replication', { enable: true, primary: true });
    await root.write(0, Buffer.alloc(512, 7));
    await expect(root.read(0, Buffer.alloc(512))).rejects.toMatchObject({ code: 'EIO' });
    await client.execute('xen-colo-do-checkpoint');
    const status = below === broken ? { error: true, desc: 'I/O error occurred' } : { error: false };
    expect(await client.execute('query-xen-replication-status')).toEqual(status);
    await client.execute('xen-set-replication', { enable: false, primary: true, failover: true });
    await expect(root.write(0, Buffer.alloc(512))).rejects.toMatchObject({ code: 'EIO' });
    await graph.detachRoot(root);
    await client.execute('blockdev-del', { 'node-name': 'p' });
  }
  expect(readFileSync(path).subarray(0, 512).equals(Buffer.alloc(512, 7))).toBe(true);
});

it.each([
  ['raw', "Active disk doesn't have backing file"],
  ['one overlay', "Hidden disk doesn't have backing file"],
  ['unused', "The secondary disk doesn't have block backend"],
  ['longer', "Active disk, hidden disk, secondary disk's length are not the same"],
  ['qed', "Active disk or hidden disk doesn't support make_empty: 'active'"],
  ['no top', "No top_bs or it is invalid: 'top' is no root above 'replica'"],
])('a secondary side that is not as it must be (%s) cannot begin, and is as before then', async (what, message) => {
  await using client = new LayerClient();
  const { graph } = client.layer;
  const path = join(folder, `${++made}`);
  const activeFormat = what === 'qed' ? 'qed' : 'qcow2';
  await createImage(graph, { format: 'raw', filename: `${path}.raw`, size });
  await createImage(graph, { format: 'qcow2', filename: `${path}.hidden`, size });
  await createImage(graph, {
    format: activeFormat,
    filename: `${path}.active`,
    size: what === 'longer' ? 2 * size : size,
  });
  const add = (options: object) => client.execute('blockdev-add', { options });
  await add({ driver: 'raw', 'node-name': 'raw', file: file(`${path}.raw`) });
  const hidden = { driver: 'qcow2', file: file(`${path}.hidden`), backing: 'raw' };
  const active = { driver: activeFormat, 'node-name': 'active', file: file(`${path}.active`), backing: hidden };
  const overlay = { driver: 'qcow2', file: file(`${path}.hidden`), backing: 'raw' };
  const chain = what === 'raw' ? 'raw' : what === 'one overlay' ? overlay : active;
  await add({ driver: 'replication', 'node-name': 'replica', mode: 'secondary', 'top-id': 'top', file: chain });
  const root = what === 'unused' ? undefined : await graph.attachRoot(graph.namedNode('raw'), new User());
  await expect(client.execute('xen-set-replication', begin)).rejects.toThrow(message);
  expect(graph.namedNode('replica').instance?.replication?.stage).toBe('none');
  if (root !== undefined) await graph.detachRoot(root);
  await client.execute('blockdev-del', { 'node-name': 'replica' });
});

it.each([
  [{ mode: 'secondary' }, "Missing the option 'top-id'"],
  [{ mode: 'primary', 'top-id': 'x' }, "The primary side does not support option 'top-id'"],
])('a replication node with the options %j is refused', async (options, message) => {
  await using client = new LayerClient();
  const below = { driver: 'null-co', size: 512 };
  const node = { driver: 'replication', 'node-name': 'r', file: { driver: 'raw', file: below }, ...options };
  await expect(client.execute('blockdev-add', { options: node })).rejects.toThrow(message);
});
