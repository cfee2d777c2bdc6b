import { describe, expect, it } from 'vitest';
import { blkverify } from '../../../../runtime/block/drivers/blkverify.js';
import { ioError } from '../../../../runtime/block/error.js';
import { RequestFlag } from '../../../../runtime/block/request-flag.js';
import { outcomeOf, readAt, SmallGraph, unevenDelay } from './small-graph.js';

async function setUp() {
  const small = new SmallGraph(blkverify);
  const raw = small.disk('raw', 8192, 7);
  const test = small.disk('test', 8192, 7);
  const node = await small.add({
    driver: 'blkverify',
    'node-name': 'n',
    raw: { driver: 'file', filename: 'raw' },
    test: { driver: 'raw', file: { driver: 'file', filename: 'test' } },
  });
  return { small, raw, test, node };
}

describe('blkverify', () => {
  it('writes to both children, and reads what both hold', async () => {
    const { small, raw, test, node } = await setUp();
    await node.requests.write(512, Buffer.alloc(512, 1));
    await node.requests.writeZeroes(1024, 512);
    expect(Buffer.compare(raw.bytes, test.bytes)).toBe(0);
    expect([...(await readAt(node, 1023, 2))]).toEqual([1, 0]);
    expect(small.fatal).toEqual([]);
  });

  it('refuses to write zeroes the fast way', async () => {
    const { small, node } = await setUp();
    expect(await outcomeOf(node.requests.writeZeroes(0, 512, RequestFlag.noFallback))).toBe('ENOTSUP');
    expect(small.fatal).toEqual([]);
  });

  it('ends the program when the children differ, and reports where', async () => {
    const { small, raw, node } = await setUp();
    raw.bytes[1000] = 8;
    expect(await outcomeOf(readAt(node, 0, 512))).toBe('ok');
    expect(await outcomeOf(readAt(node, 512, 1024))).toBe('EIO');
    expect(small.fatal).toEqual(['blkverify: read of 1024 bytes at offset 512: contents differ at offset 1000']);
  });

  it('ends the program when only one child fails', async () => {
    const { small, raw, node } = await setUp();
    raw.onRequest = () => {
      throw ioError('ENOSPC');
    };
    expect(await outcomeOf(node.requests.write(0, Buffer.alloc(512)))).toBe('EIO');
    expect(small.fatal).toEqual(['blkverify: write of 512 bytes at offset 0: raw says ENOSPC, but test says success']);
  });

  it('fails the request when both children fail alike', async () => {
    const { small, raw, test, node } = await setUp();
    raw.onRequest = test.onRequest = () => {
      throw ioError('ENOSPC');
    };
    expect(await outcomeOf(node.requests.write(0, Buffer.alloc(512)))).toBe('ENOSPC');
    expect(small.fatal).toEqual([]);
  });

  it('takes its length from the tested node, and flushes that one only', async () => {
    const { raw, test, node } = await setUp();
    raw.bytes = new Uint8Array(16384);
    expect(node.length).toBe(8192);
    await node.requests.write(0, Buffer.alloc(512));
    await node.requests.flush();
    expect(raw.steps.map((step) => step.kind)).toEqual(['write']);
    expect(test.steps.map((step) => step.kind)).toEqual(['write', 'flush']);
  });

  it('finds no difference in overlapping requests, in whatever order they reach the two', async () => {
    const { small, raw, test, node } = await setUp();
    small.delay = unevenDelay();
    const requests: Promise<unknown>[] = [];
    for (let index = 0; index < 20; index++) {
      requests.push(node.requests.write(index * 100, Buffer.alloc(1000, index)), readAt(node, index * 90, 2000));
    }
    await Promise.all(requests);
    expect(Buffer.compare(raw.bytes, test.bytes)).toBe(0);
    expect(small.fatal).toEqual([]);
  });

  it('shows a file name that contains both files', async () => {
    const { small, node } = await setUp();
    expect(node.filename).toBe('blkverify:raw:test');
    expect((await small.graph.open({ filename: 'blkverify:raw:test', role: 'protocol' })).length).toBe(8192);
    for (const filename of ['blkverify:raw', 'blkverify::test', 'blkverify:raw:']) {
      await expect(small.graph.open({ filename, role: 'protocol' })).rejects.toThrow(/blkverify:RAW:TEST/);
    }
  });
});
