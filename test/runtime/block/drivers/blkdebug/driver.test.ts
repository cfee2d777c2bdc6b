import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blkdebug } from '../../../../../runtime/block/drivers/blkdebug/driver.js';
import { RequestFlag } from '../../../../../runtime/block/request-flag.js';
import type { MemoryChild } from '../../memory-child.js';
import { outcomeOf, readAt, SmallGraph } from '../small-graph.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blkdebug-'));
});
afterAll(() => rm(folder, { recursive: true }));

const image = { driver: 'file', filename: 'disk' };

function setUp() {
  const small = new SmallGraph(blkdebug);
  const disk = small.disk('disk', 8192, 7);
  const open = (options: object) => small.add({ driver: 'blkdebug', 'node-name': 'n', image, ...options });
  /** A format node over blkdebug, so that there is a parent that announces what it does. */
  const openBelow = (options: object) =>
    small.add({ driver: 'raw', 'node-name': 'n', file: { driver: 'blkdebug', image, ...options } });
  return { small, disk, open, openBelow };
}

const sectors = (count: number) => Buffer.alloc(count * 512, 1);

describe('blkdebug', () => {
  it('passes on all requests when there are no rules', async () => {
    const { disk, open } = setUp();
    const node = await open({ discard: 'unmap' });
    await node.requests.write(512, sectors(1));
    await node.requests.writeZeroes(1024, 512);
    await node.requests.discard(2048, 512);
    await node.requests.truncate(9000);
    await node.requests.flush();
    expect(disk.steps.map((step) => step.kind)).toEqual(['write', 'write', 'discard', 'truncate', 'flush']);
    expect([...(await readAt(node, 1023, 2))]).toEqual([1, 0]);
    expect(node.length).toBe(9000);
    expect((await node.statusHere(512, 512)).data).toBe(true);
  });

  it('injects errors at the steps that it announces itself, in every way', async () => {
    const { disk, open } = setUp();
    const node = await open({
      discard: 'unmap',
      'inject-error': [
        { event: 'pwritev_done', errno: 28 },
        { event: 'pwritev_zero', errno: 1 },
      ],
    });
    expect(await outcomeOf(node.requests.write(0, sectors(1)))).toBe('ok');
    expect(await outcomeOf(node.requests.write(0, sectors(1)))).toBe('ENOSPC');
    expect(await outcomeOf(readAt(node, 0, 512))).toBe('ENOSPC');
    expect(await outcomeOf(node.requests.discard(0, 512))).toBe('ENOSPC');
    expect(await outcomeOf(node.requests.flush())).toBe('ENOSPC');
    expect(await outcomeOf(node.requests.writeZeroes(0, 512))).toBe('EPERM');
    expect(disk.steps.map((step) => step.kind)).toEqual(['write']);
    expect(await outcomeOf(node.requests.truncate(512))).toBe('ok');
  });

  it('injects errors at the steps that its parent announces', async () => {
    const { openBelow } = setUp();
    const node = await openBelow({ 'inject-error': [{ event: 'read_aio', errno: 5, sector: 3, once: true }] });
    expect(await outcomeOf(readAt(node, 0, 1536))).toBe('ok');
    expect(await outcomeOf(readAt(node, 0, 2048))).toBe('EIO');
    expect(await outcomeOf(readAt(node, 0, 2048))).toBe('ok');
  });

  it('fails flushes by rules for any sector only', async () => {
    const { openBelow } = setUp();
    const node = await openBelow({
      'inject-error': [
        { event: 'flush_to_disk', errno: 1, sector: 0 },
        { event: 'flush_to_disk', errno: 28, sector: -1 },
      ],
    });
    await node.requests.write(0, sectors(1));
    expect(await outcomeOf(node.requests.flush())).toBe('ENOSPC');
  });

  it('passes cached data on to the system even when flushes are off', async () => {
    const { small, disk } = setUp();
    await small.add({ driver: 'file', 'node-name': 'below', filename: 'disk' });
    const node = await small.add({ driver: 'blkdebug', 'node-name': 'n', image: 'below', cache: { 'no-flush': true } });
    await node.requests.write(0, sectors(1));
    await node.requests.flush();
    expect(disk.steps.map((step) => step.kind)).toEqual(['write', 'flush']);
  });

  it('reports an immediate injection with its errno', async () => {
    const { open } = setUp();
    const node = await open({ 'inject-error': [{ event: 'pwritev', errno: 28, immediately: true }] });
    expect(await outcomeOf(node.requests.write(0, sectors(1)))).toBe('ENOSPC');
  });

  it('injects errors from the beginning by the event none, and none later', async () => {
    const { open } = setUp();
    const node = await open({ 'inject-error': [{ event: 'none', errno: 28, once: true }] });
    expect(await outcomeOf(readAt(node, 0, 512))).toBe('ENOSPC');
    expect(await outcomeOf(readAt(node, 0, 512))).toBe('ok');
  });

  it('changes its state by the event none before anything else happens', async () => {
    const { open } = setUp();
    const node = await open({
      'set-state': [{ event: 'none', new_state: 7 }],
      'inject-error': [
        { event: 'none', state: 7, errno: 1 },
        { event: 'pwritev', state: 7, errno: 28 },
      ],
    });
    expect(await outcomeOf(readAt(node, 0, 512))).toBe('ok');
    expect(await outcomeOf(node.requests.write(0, sectors(1)))).toBe('ENOSPC');
  });

  it.each([
    ['read', 'ENOSPC ok ok ok ok'],
    ['write', 'ok ENOSPC ok ok ok'],
    ['write-zeroes', 'ok ok ENOSPC ok ok'],
    ['discard', 'ok ok ok ENOSPC ok'],
    ['flush', 'ok ok ok ok ENOSPC'],
    ['block-status', 'ok ok ok ok ok'],
  ])('injects errors into requests of the kind %s and into no others', async (iotype, outcomes) => {
    const { open } = setUp();
    const node = await open({ discard: 'unmap', 'inject-error': [{ event: 'none', errno: 28, iotype }] });
    const { requests } = node;
    const seen = [
      await outcomeOf(readAt(node, 0, 512)),
      await outcomeOf(requests.write(0, sectors(1))),
      await outcomeOf(requests.writeZeroes(0, 512)),
      await outcomeOf(requests.discard(0, 512)),
      await outcomeOf(requests.flush()),
    ];
    expect(seen.join(' ')).toBe(outcomes);
    expect(await outcomeOf(node.statusHere(0, 512))).toBe(iotype === 'block-status' ? 'ENOSPC' : 'ok');
  });

  it.each([
    [0, 'ok'],
    [28, 'ENOSPC'],
  ])('delays a request before it ends with errno %d', async (errno, outcome) => {
    const { small, open } = setUp();
    const node = await open({ 'inject-error': [{ event: 'none', errno, 'delay-ns': 5000 }] });
    let ended = '';
    const reading = outcomeOf(readAt(node, 0, 512)).then((seen) => {
      ended = seen;
    });
    await small.clock.advance(4999);
    expect(ended).toBe('');
    await small.clock.advance(1);
    await reading;
    expect(ended).toBe(outcome);
  });

  /** What reached the disk, in sectors: where from, and how many. */
  const reached = ({ steps }: MemoryChild) =>
    steps.map((step) => {
      if (step.kind === 'write') return ['write', step.offset / 512, step.data.length / 512];
      return step.kind === 'discard' ? ['discard', step.offset / 512, step.length / 512] : [step.kind];
    });

  it('cuts reads and writes to max-transfer', async () => {
    const { disk, open } = setUp();
    const node = await open({ 'max-transfer': 1024, 'inject-error': [{ event: 'pwritev_done', sector: 4 }] });
    disk.bytes.fill(9, 1024);
    expect([...new Set(await readAt(node, 512, 2048))]).toEqual([7, 9]);
    await node.requests.write(512, sectors(5));
    expect(reached(disk)).toEqual([
      ['write', 1, 2],
      ['write', 3, 2],
      ['write', 5, 1],
    ]);
    expect(await outcomeOf(node.requests.write(512, sectors(5)))).toBe('EIO');
    expect(reached(disk).slice(3)).toEqual([['write', 1, 2]]);
  });

  it('cuts zero-writes to max-write-zero, and writes data where they are not aligned to opt-write-zero', async () => {
    const { disk, open } = setUp();
    const node = await open({
      'opt-write-zero': 1536,
      'max-write-zero': 3072,
      'inject-error': [{ event: 'none', iotype: 'write-zeroes', errno: 28, sector: 12 }],
    });
    await node.requests.writeZeroes(512, 11 * 512);
    expect(reached(disk)).toEqual([
      ['write', 1, 2],
      ['write', 3, 6],
      ['write', 9, 3],
    ]);
    expect(await outcomeOf(node.requests.writeZeroes(512, 512, RequestFlag.noFallback))).toBe('ENOTSUP');
    expect(await outcomeOf(node.requests.writeZeroes(12 * 512, 1024))).toBe('ok');
    expect(await outcomeOf(node.requests.writeZeroes(12 * 512, 1536))).toBe('ENOSPC');
  });

  it('cuts discards to max-discard, apart from edges that are not aligned to opt-discard', async () => {
    const { disk, open } = setUp();
    const node = await open({ discard: 'unmap', 'opt-discard': 1536, 'max-discard': 3072 });
    await node.requests.discard(512, 14 * 512);
    await node.requests.discard(512, 512);
    expect(reached(disk)).toEqual([
      ['discard', 1, 2],
      ['discard', 3, 6],
      ['discard', 9, 6],
      ['discard', 1, 1],
    ]);
  });

  it.each([
    [{ align: 512, 'max-transfer': 100 }, 'max-transfer 100'],
    [{ 'max-transfer': 2 ** 31 }, 'max-transfer 2147483648'],
    [{ align: 512, 'opt-write-zero': 513 }, 'opt-write-zero 513'],
    [{ 'opt-write-zero': 1024, 'max-write-zero': 1536 }, 'max-write-zero 1536'],
    [{ align: 1024, 'opt-discard': 512 }, 'opt-discard 512'],
    [{ 'opt-discard': 1024, 'max-discard': 1536 }, 'max-discard 1536'],
    [{ 'max-discard': -512 }, "'max-discard' is -512"],
    [{ 'take-child-perms': ['write', 'wipe'] }, "take-child-perms.1: .*'wipe'"],
    [{ 'unshare-child-perms': ['graph-mod'] }, "unshare-child-perms.0: .*'graph-mod'"],
    [{ 'inject-error': [{ event: 'none', iotype: 'truncate' }] }, "inject-error.0.iotype: .*'truncate'"],
    [{ 'inject-error': [{ event: 'none', 'delay-ns': -1 }] }, 'inject-error.0.delay-ns: '],
  ])('refuses the limits, permissions or rules of %j', async (options, message) => {
    await expect(setUp().open(options)).rejects.toThrow(new RegExp(message));
  });

  it('takes permissions on its image that its users do not need', async () => {
    const { small } = setUp();
    await small.add({ driver: 'file', 'node-name': 'below', filename: 'disk' });
    const taking = { driver: 'blkdebug', image: 'below', 'take-child-perms': ['write', 'resize'] };
    const taker = await small.add({ ...taking, 'node-name': 'taker' });
    await expect(
      small.add({ driver: 'blkdebug', 'node-name': 'n', image: 'below', 'unshare-child-perms': ['resize'] }),
    ).rejects.toThrow("node 'taker' (which uses node 'below' as its 'image' child) needs 'resize'");
    expect([...small.graph.nodes].map(({ name }) => name)).toEqual(['below', 'taker']);
    taker.monitorOwned = false;
    await small.graph.release(taker);
    await small.add({ driver: 'blkdebug', 'node-name': 'n', image: 'below', 'unshare-child-perms': ['resize'] });
    await expect(small.add({ ...taking, 'node-name': 'late' })).rejects.toThrow("needs 'resize', which node 'n'");
  });

  it('changes its state by rules', async () => {
    const { open } = setUp();
    const node = await open({
      'set-state': [
        { event: 'pwritev_done', state: 1, new_state: 2 },
        { event: 'pwritev_done', state: 2, new_state: 3 },
      ],
      'inject-error': [{ event: 'pwritev', state: 3, once: true }],
    });
    const outcomes = [];
    for (let index = 0; index < 4; index++) outcomes.push(await outcomeOf(node.requests.write(0, sectors(1))));
    expect(outcomes).toEqual(['ok', 'ok', 'EIO', 'ok']);
  });

  it('aligns requests, so that there is reading before writing', async () => {
    const { disk, open } = setUp();
    const node = await open({ align: 4096, 'inject-error': [{ event: 'pwritev_rmw_tail', errno: 28 }] });
    expect(node.requestAlignment).toBe(4096);
    expect(await outcomeOf(node.requests.write(512, Buffer.alloc(3584)))).toBe('ok');
    expect(await outcomeOf(node.requests.write(512, Buffer.alloc(4000)))).toBe('ENOSPC');
    expect(disk.steps).toHaveLength(1);
  });

  it.each([3, -512, 2 ** 31, 2 ** 40, 'x'])('refuses to align to %s', async (align) => {
    await expect(setUp().open({ align })).rejects.toThrow(/align/);
  });

  it('treats an alignment of 0 as the default', async () => {
    expect((await setUp().open({ align: 0 })).requestAlignment).toBe(1);
  });

  it.each([
    [{ 'inject-error': [{ errno: 5 }] }, "inject-error.0: a rule needs the option 'event'"],
    [{ 'inject-error': [{ event: 'pwritev' }, { event: 'pwritex' }] }, "inject-error.1.event: .*'pwritex'"],
    [{ 'inject-error': [{ event: 'pwritev', errno: 'many' }] }, 'inject-error.0.errno: '],
    [{ 'inject-error': [{ event: 'pwritev', errno: -5 }] }, 'inject-error.0.errno: '],
    [{ 'inject-error': [{ event: 'pwritev', sector: -2 }] }, 'inject-error.0.sector: '],
    [{ 'inject-error': [{ event: 'pwritev', once: 'perhaps' }] }, 'inject-error.0.once: '],
    [{ 'inject-error': [{ event: 'pwritev', new_state: 2 }] }, "has no option 'new_state'"],
    [{ 'set-state': [{ event: 'pwritev' }] }, "set-state.0: .*'new_state'"],
    [{ 'set-state': [{ event: 'pwritev', new_state: 2, once: true }] }, "has no option 'once'"],
    [{ config: '/nowhere/rules.conf' }, "config file '/nowhere/rules.conf': No such file"],
    [{ rules: 1 }, "option 'rules'"],
  ])('refuses %j', async (options, message) => {
    await expect(setUp().open(options)).rejects.toThrow(new RegExp(message));
  });

  it('refuses to open without an image', async () => {
    const { small } = setUp();
    await expect(small.add({ driver: 'blkdebug', 'node-name': 'n' })).rejects.toThrow(/"image"/);
  });

  describe('with a configuration file', () => {
    const rules = (name: string) => join(folder, name);

    it('takes its rules before the others', async () => {
      const path = rules('both.conf');
      await writeFile(path, '[inject-error]\nevent = "pwritev"\nerrno = "28"\nonce = "on"\n');
      const { small, open } = setUp();
      const node = await open({ config: path, 'inject-error': [{ event: 'pwritev', errno: 1 }] });
      expect(await outcomeOf(node.requests.write(0, sectors(1)))).toBe('ENOSPC');
      expect(await outcomeOf(node.requests.write(0, sectors(1)))).toBe('EPERM');
      expect(small.authorized).toContain(path);
    });

    it.each([
      ['[inject]\nevent = "pwritev"', ':1: there is no group \\[inject\\]'],
      ['[inject-error]\nerrno = "5"', ":1: a rule needs the option 'event'"],
      ['[inject-error]\nevent = "pwritev"\nerrno = "x"', ':3: '],
      ['[inject-error]\nevent = "pwritev"\n\nevents = "x"', ":4: .*no option 'events'"],
      ['[inject-error]\n\nevent = "pwritex"', ':3: .*pwritex'],
    ])('reports the place of a mistake in %j', async (text, message) => {
      const path = rules('wrong.conf');
      await writeFile(path, text);
      await expect(setUp().open({ config: path })).rejects.toThrow(new RegExp(`wrong.conf${message}`));
    });

    it('refuses a file that is too large for a configuration', async () => {
      const path = rules('large.conf');
      await writeFile(path, '\n'.repeat(1024 * 1024 + 1));
      await expect(setUp().open({ config: path })).rejects.toThrow('it has more than 1048576 bytes');
      // A file that never ends is not read for ever.
      await expect(setUp().open({ config: '/dev/zero' })).rejects.toThrow('must be a regular file');
    });
  });

  describe('file names', () => {
    it('reads the rules and the image from a file name', async () => {
      const path = join(folder, 'name.conf');
      await writeFile(path, '[inject-error]\nevent = "pwritev"\nerrno = "28"\n');
      const { small } = setUp();
      const plain = await small.graph.open({ filename: 'blkdebug::disk', role: 'protocol' });
      expect(plain.filename).toBe('blkdebug::disk');
      expect(await outcomeOf(plain.requests.write(512, sectors(1)))).toBe('ok');
      const ruled = await small.graph.open({ filename: `blkdebug:${path}:disk`, role: 'protocol' });
      expect(ruled.filename).toBe(`blkdebug:${path}:disk`);
      expect(await outcomeOf(ruled.requests.write(512, sectors(1)))).toBe('ENOSPC');
    });

    it('leaves the contents of the image to the format above', async () => {
      const { small } = setUp();
      const node = await small.graph.open({ filename: 'blkdebug::disk' });
      expect(node.file?.node.children.get('image')?.node.driver.name).toBe('file');
    });

    it.each(['blkdebug:disk', 'blkdebug:', 'blkdebug:rules:'])('refuses the file name %s', async (filename) => {
      const { small } = setUp();
      await expect(small.graph.open({ filename, role: 'protocol' })).rejects.toThrow(/blkdebug:CONFIG:IMAGE/);
    });

    it('shows a json: name that opens the same when a plain one does not suffice', async () => {
      const { small, open } = setUp();
      const node = await open({ align: 512, 'inject-error': [{ event: 'pwritev', errno: 28 }] });
      expect(node.filename).toMatch(/^json:/);
      const again = await small.graph.open({ filename: node.filename, role: 'protocol' });
      expect(again.requestAlignment).toBe(512);
      expect(await outcomeOf(again.requests.write(0, sectors(1)))).toBe('ENOSPC');
    });

    it('reads a file name inside of a json: name', async () => {
      const { small } = setUp();
      const node = await small.graph.open({
        filename: 'json:{"driver":"raw","read-only":true,"file":{"driver":"blkdebug","filename":"blkdebug::disk"}}',
      });
      expect(node.filename).toBe('blkdebug::disk');
      const below = node.file?.node.options;
      const again = await small.graph.open({ filename: `json:${JSON.stringify(below)}` });
      expect(again.filename).toBe('blkdebug::disk');
    });
  });
});
