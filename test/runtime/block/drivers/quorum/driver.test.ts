import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { graphCommands } from '../../../../../runtime/block/commands/graph.js';
import { quorum } from '../../../../../runtime/block/drivers/quorum/driver.js';
import { type Errno, strerror } from '../../../../../runtime/block/errno.js';
import { ioError } from '../../../../../runtime/block/error.js';
import { RequestFlag } from '../../../../../runtime/block/request-flag.js';
import type { MemoryChild, MemoryStep } from '../../memory-child.js';
import { outcomeOf, readAt, SmallGraph, unevenDelay } from '../small-graph.js';

const size = 8192;

/** A quorum over disks of which each is full of one byte, by names `c0`, `c1`, … */
async function setUp(bytes: readonly number[], options: object) {
  const small = new SmallGraph(quorum);
  const disks = bytes.map((byte, index) => small.disk(`d${index}`, size, byte));
  const children = bytes.map((_, index) => ({ driver: 'file', 'node-name': `c${index}`, filename: `d${index}` }));
  const node = await small.add({ driver: 'quorum', 'node-name': 'q', children, ...options });
  return { small, disks, node, events: small.events };
}

function failing(disk: MemoryChild | undefined, code: Errno, kind?: 'read' | MemoryStep['kind']): void {
  if (disk === undefined) throw new Error('no such disk');
  disk.onRequest = (request) => {
    if (kind === undefined || kind === request) throw ioError(code);
  };
}

const bad = (type: string, node: string, error: Errno | undefined, first: number, count: number) => ({
  name: 'QUORUM_REPORT_BAD',
  data: {
    type,
    ...(error === undefined ? {} : { error: strerror(error) }),
    'node-name': node,
    'sector-num': first,
    'sectors-count': count,
  },
});
const failure = (first: number, count: number) => ({
  name: 'QUORUM_FAILURE',
  data: { reference: 'q', 'sector-num': first, 'sectors-count': count },
});
const contents = (disks: readonly MemoryChild[], at: number) => disks.map(({ bytes }) => bytes[at]);

describe('quorum', () => {
  it('writes to all children', async () => {
    const { disks, node, events } = await setUp([0, 0, 0], { 'vote-threshold': 2 });
    await node.requests.write(512, Buffer.alloc(512, 5));
    await node.requests.writeZeroes(600, 10);
    expect(disks.map(({ bytes }) => [bytes[511], bytes[512], bytes[605], bytes[1023]])).toEqual(
      Array(3).fill([0, 5, 0, 5]),
    );
    expect(events).toEqual([]);
  });

  it('refuses to write zeroes the fast way', async () => {
    const { node, events } = await setUp([0, 0], { 'vote-threshold': 1 });
    expect(await outcomeOf(node.requests.writeZeroes(0, 512, RequestFlag.noFallback))).toBe('ENOTSUP');
    expect(events).toEqual([]);
  });

  it('reads what most children hold, and reports the others', async () => {
    const { node, events } = await setUp([9, 7, 7], { 'vote-threshold': 2 });
    expect(await readAt(node, 512, 1024)).toEqual(Buffer.alloc(1024, 7));
    expect(events).toEqual([bad('read', 'c0', undefined, 1, 2)]);
  });

  it('fails when too few agree', async () => {
    const { node, events } = await setUp([7, 8, 9], { 'vote-threshold': 2 });
    expect(await outcomeOf(readAt(node, 100, 500))).toBe('EIO');
    expect(events).toEqual([failure(0, 2)]);
  });

  it('reports children that fail, with their errors, and goes on with enough others', async () => {
    const { disks, node, events } = await setUp([7, 7, 7], { 'vote-threshold': 2 });
    failing(disks[0], 'ENOSPC');
    expect(await readAt(node, 0, 512)).toEqual(Buffer.alloc(512, 7));
    expect(await outcomeOf(node.requests.write(1024, Buffer.alloc(512)))).toBe('ok');
    expect(events).toEqual([bad('read', 'c0', 'ENOSPC', 0, 1), bad('write', 'c0', 'ENOSPC', 2, 1)]);
  });

  it('fails with the most frequent error', async () => {
    const { disks, node, events } = await setUp([7, 7, 7, 7], { 'vote-threshold': 2 });
    failing(disks[0], 'EPERM');
    failing(disks[1], 'ENOSPC');
    failing(disks[3], 'EPERM');
    expect(await outcomeOf(readAt(node, 0, 512))).toBe('EPERM');
    expect(await outcomeOf(node.requests.write(0, Buffer.alloc(512)))).toBe('EPERM');
    expect(events.slice(-4)).toEqual([
      bad('write', 'c0', 'EPERM', 0, 1),
      bad('write', 'c1', 'ENOSPC', 0, 1),
      bad('write', 'c3', 'EPERM', 0, 1),
      failure(0, 1),
    ]);
  });

  it('flushes all children, and reports those that fail with their whole length', async () => {
    const { disks, node, events } = await setUp([0, 0, 0], { 'vote-threshold': 2 });
    await node.requests.write(0, Buffer.alloc(512));
    failing(disks[1], 'EIO', 'flush');
    expect(await outcomeOf(node.requests.flush())).toBe('ok');
    expect(events).toEqual([bad('flush', 'c1', 'EIO', 0, size / 512)]);
    await node.requests.write(0, Buffer.alloc(512));
    failing(disks[2], 'ENOSPC', 'flush');
    expect(await outcomeOf(node.requests.flush())).toBe('ENOSPC');
    expect(events.map(({ name }) => name)).not.toContain('QUORUM_FAILURE');
  });

  it('mends outvoted children before the read is done, if asked', async () => {
    const { disks, node, events } = await setUp([7, 9, 7], { 'vote-threshold': 2, 'rewrite-corrupted': true });
    expect(await readAt(node, 512, 512)).toEqual(Buffer.alloc(512, 7));
    expect(contents(disks, 512)).toEqual([7, 7, 7]);
    expect(contents(disks, 1024)).toEqual([7, 9, 7]);
    events.length = 0;
    await readAt(node, 512, 512);
    expect(events).toEqual([]);
  });

  it('reads although an outvoted child cannot be mended', async () => {
    const { disks, node } = await setUp([9, 7, 7], { 'vote-threshold': 2, 'rewrite-corrupted': true });
    failing(disks[0], 'EIO', 'write');
    expect(await readAt(node, 0, 512)).toEqual(Buffer.alloc(512, 7));
  });

  it('ends the program at the first difference with blkverify', async () => {
    const { small, disks, node, events } = await setUp([7, 7], { 'vote-threshold': 2, blkverify: true });
    expect(await outcomeOf(readAt(node, 0, size))).toBe('ok');
    disks[1]?.bytes.fill(8, 1000, 1001);
    expect(await outcomeOf(readAt(node, 512, 512))).toBe('EIO');
    expect(small.fatal).toEqual(['quorum: read of 512 bytes at offset 512: contents differ at offset 1000']);
    expect(events).toEqual([]);
  });

  it('takes the first answer with the pattern fifo', async () => {
    const { disks, node, events } = await setUp([7, 8, 9], { 'vote-threshold': 2, 'read-pattern': 'fifo' });
    expect(await readAt(node, 0, 512)).toEqual(Buffer.alloc(512, 7));
    failing(disks[0], 'EIO');
    expect(await readAt(node, 0, 512)).toEqual(Buffer.alloc(512, 8));
    failing(disks[1], 'EPERM');
    failing(disks[2], 'ENOSPC');
    events.length = 0;
    expect(await outcomeOf(readAt(node, 0, 512))).toBe('ENOSPC');
    expect(events).toEqual([
      bad('read', 'c0', 'EIO', 0, 1),
      bad('read', 'c1', 'EPERM', 0, 1),
      bad('read', 'c2', 'ENOSPC', 0, 1),
    ]);
  });

  it('keeps its children alike under overlapping writes, and reads beside them', async () => {
    const options = { 'vote-threshold': 2, 'rewrite-corrupted': true };
    const { small, disks, node, events } = await setUp([0, 0, 0], options);
    small.delay = unevenDelay();
    const requests: Promise<unknown>[] = [];
    for (let index = 1; index < 40; index++) {
      requests.push(node.requests.write(index * 64, Buffer.alloc(1000, index)), readAt(node, index * 60, 900));
    }
    await Promise.all(requests);
    for (const disk of disks) expect(Buffer.compare(disk.bytes, disks[0]?.bytes ?? disk.bytes)).toBe(0);
    expect(events).toEqual([]);
  });

  describe('options', () => {
    it.each([
      [[], { 'vote-threshold': 1 }, /children\.0/],
      [[7], {}, /vote-threshold/],
      [[7], { 'vote-threshold': 0 }, /vote-threshold/],
      [[7], { 'vote-threshold': -1 }, /vote-threshold/],
      [[7, 7], { 'vote-threshold': 3 }, /only 2 children/],
      [[7, 7], { 'vote-threshold': 1, 'read-pattern': 'lifo' }, /quorum, fifo/],
      [[7, 7], { 'vote-threshold': 2, blkverify: true, 'rewrite-corrupted': true }, /'rewrite-corrupted'/],
      [[7, 7], { 'vote-threshold': 2, children: [{ driver: 'file', filename: 'd0' }, 'missing'] }, /missing/],
    ])('refuses the options %j %j', async (bytes, options, message) => {
      await expect(setUp(bytes, options)).rejects.toThrow(message);
    });

    it('ignores blkverify, with a warning, unless there are two children that must agree', async () => {
      const { small, node } = await setUp([7, 8], { 'vote-threshold': 1, blkverify: true });
      expect(small.warnings).toEqual([expect.stringMatching(/blkverify/)]);
      expect(await outcomeOf(readAt(node, 0, 512))).toBe('ok');
      expect(small.fatal).toEqual([]);
    });

    it('ignores blkverify and rewriting with the pattern fifo', async () => {
      const options = { 'vote-threshold': 2, blkverify: true, 'rewrite-corrupted': true, 'read-pattern': 'fifo' };
      const { small, node } = await setUp([7, 8], options);
      expect(await outcomeOf(readAt(node, 0, 512))).toBe('ok');
      expect([...small.warnings, ...small.fatal]).toEqual([]);
    });

    it('shows its options in the file name', async () => {
      const { small, node } = await setUp([7, 8], { 'vote-threshold': 1, 'read-pattern': 'fifo' });
      expect(JSON.parse(node.filename.replace('json:', ''))).toEqual({
        driver: 'quorum',
        blkverify: false,
        'rewrite-corrupted': false,
        'vote-threshold': 1,
        'read-pattern': 'fifo',
        children: [
          { driver: 'file', filename: 'd0' },
          { driver: 'file', filename: 'd1' },
        ],
      });
      expect([...(await readAt(await small.graph.open({ filename: node.filename }), 0, 2))]).toEqual([7, 7]);
    });
  });

  describe('children of different lengths', () => {
    it('refuses children of different lengths', async () => {
      const small = new SmallGraph(quorum);
      small.disk('a', 512);
      small.disk('b', 1024);
      const children = ['a', 'b'].map((filename) => ({ driver: 'file', filename }));
      const opening = small.add({ driver: 'quorum', 'node-name': 'q', children, 'vote-threshold': 1 });
      await expect(opening).rejects.toThrow(/same length/);
      expect([...small.graph.nodes]).toEqual([]);
    });

    it('fails requests when the lengths of children have become different', async () => {
      const { disks, node } = await setUp([7, 7], { 'vote-threshold': 1 });
      await disks[1]?.truncate(512);
      expect(await outcomeOf(readAt(node, 0, 512))).toBe('EIO');
    });
  });

  describe('x-blockdev-change', () => {
    async function three() {
      const made = await setUp([7, 7, 7], { 'vote-threshold': 2 });
      const { small } = made;
      small.disk('fresh', size, 7);
      const fresh = await small.add({ driver: 'file', 'node-name': 'fresh', filename: 'fresh' });
      const { 'x-blockdev-change': change } = graphCommands(small.graph);
      return { ...made, fresh, change: async (args: object) => change({ parent: 'q', ...args }) };
    }
    const edges = (node: { children: ReadonlyMap<string, unknown> }) => [...node.children.keys()];

    it('removes children down to the threshold, and adds them under new names', async () => {
      const { small, node, fresh, disks, change } = await three();
      await change({ child: 'children.1' });
      expect(edges(node)).toEqual(['children.0', 'children.2']);
      expect(small.graph.node('c1')).toBeUndefined();
      await expect(change({ child: 'children.0' })).rejects.toThrow(/threshold, 2/);
      await change({ node: 'fresh' });
      expect(edges(node)).toEqual(['children.0', 'children.2', 'children.3']);
      await expect(change({ node: 'fresh' })).rejects.toThrow(/parent/);
      await node.requests.write(0, Buffer.alloc(512, 1));
      expect((await readAt(fresh, 0, 1))[0]).toBe(1);
      expect(contents(disks, 0)).toEqual([1, 7, 1]);
      await change({ child: 'children.3' });
      expect(small.graph.node('fresh')).toBe(fresh);
      await change({ node: 'fresh' });
      expect(edges(node)).toEqual(['children.0', 'children.2', 'children.4']);
      expect(JSON.parse(node.filename.replace('json:', '')).children).toHaveLength(3);
    });

    it('refuses a child of another length, and the quorum itself', async () => {
      const { small, change } = await three();
      small.disk('short', 512);
      await small.add({ driver: 'file', 'node-name': 'short', filename: 'short' });
      await expect(change({ node: 'short' })).rejects.toThrow(/512 bytes/);
      await expect(change({ node: 'q' })).rejects.toThrow(/below themselves/);
      await small.add({ driver: 'raw', 'node-name': 'above', file: 'q' });
      await expect(change({ node: 'above' })).rejects.toThrow(/below themselves/);
    });

    it('refuses to change a pair that must agree', async () => {
      const { small } = await setUp([7, 7], { 'vote-threshold': 2, blkverify: true });
      small.disk('fresh', size, 7);
      await small.add({ driver: 'file', 'node-name': 'fresh', filename: 'fresh' });
      const { 'x-blockdev-change': change } = graphCommands(small.graph);
      await expect(change({ parent: 'q', node: 'fresh' })).rejects.toThrow(/blkverify/);
    });
  });
});

describe('quorum, for any children', () => {
  const child = fc.oneof(
    { arbitrary: fc.record({ byte: fc.integer({ min: 1, max: 3 }) }), weight: 3 },
    fc.record({ code: fc.constantFrom<Errno>('EIO', 'ENOSPC', 'EPERM') }),
  );
  type ChildModel = { readonly byte: number } | { readonly code: Errno };

  /** The version with the most votes, found by comparing each with each; among equals, the one first voted for last. */
  function leader<Vote>(votes: readonly Vote[]): { readonly vote: Vote | undefined; readonly count: number } {
    let best: { vote: Vote | undefined; count: number } = { vote: undefined, count: 0 };
    for (const [index, vote] of votes.entries()) {
      if (votes.indexOf(vote) !== index) continue;
      const count = votes.filter((other) => other === vote).length;
      if (count >= best.count) best = { vote, count };
    }
    return best;
  }

  function expected(children: readonly ChildModel[], threshold: number) {
    const events: unknown[] = [];
    for (const [index, model] of children.entries()) {
      if ('code' in model) events.push(bad('read', `c${index}`, model.code, 2, 1));
    }
    const codes = children.flatMap((model) => ('code' in model ? [model.code] : []));
    if (children.length - codes.length < threshold) {
      return { outcome: leader(codes).vote, events: [...events, failure(2, 1)] };
    }
    const bytes = children.flatMap((model) => ('byte' in model ? [model.byte] : []));
    const { vote, count } = leader(bytes);
    if (count < threshold) return { outcome: 'EIO', events: [...events, failure(2, 1)] };
    for (const [index, model] of children.entries()) {
      if ('byte' in model && model.byte !== vote) events.push(bad('read', `c${index}`, undefined, 2, 1));
    }
    return { outcome: vote, events };
  }

  it('reads what a simple count of the votes decides, with the events that belong to it', async () => {
    const cases = fc
      .array(child, { minLength: 1, maxLength: 6 })
      .chain((children) => fc.tuple(fc.constant(children), fc.integer({ min: 1, max: children.length })));
    await fc.assert(
      fc.asyncProperty(cases, fc.boolean(), async ([children, threshold], rewrite) => {
        const bytes = children.map((model) => ('byte' in model ? model.byte : 0));
        const { disks, node, events } = await setUp(bytes, {
          'vote-threshold': threshold,
          'rewrite-corrupted': rewrite,
        });
        for (const [index, model] of children.entries()) if ('code' in model) failing(disks[index], model.code);
        const model = expected(children, threshold);
        const buffer = Buffer.alloc(512);
        const outcome = await outcomeOf(node.requests.read(1024, buffer));
        expect(outcome === 'ok' ? buffer[0] : outcome).toBe(model.outcome);
        if (outcome === 'ok') expect(new Set(buffer).size).toBe(1);
        expect(events).toEqual(model.events);
        const mended = contents(disks, 1024).filter((_, index) => 'byte' in (children[index] ?? {}));
        if (outcome === 'ok' && rewrite) expect(new Set(mended)).toEqual(new Set([model.outcome]));
      }),
      { numRuns: 200 },
    );
  });
});
