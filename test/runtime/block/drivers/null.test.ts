import { describe, expect, it } from 'vitest';
import { nullAio, nullCo } from '../../../../runtime/block/drivers/null.js';
import { readAt, SmallGraph } from './small-graph.js';

describe('null drivers', () => {
  it('a null node has a size of 1 GiB, or the one that is given', async () => {
    const graph = new SmallGraph(nullCo, nullAio);
    expect((await graph.add({ driver: 'null-co', 'node-name': 'a' })).length).toBe(2 ** 30);
    expect((await graph.add({ driver: 'null-aio', 'node-name': 'b', size: 1000 })).length).toBe(1000);
    expect((await graph.add({ driver: 'null-co', 'node-name': 'c', size: '1M' })).length).toBe(1 << 20);
    await expect(graph.add({ driver: 'null-co', 'node-name': 'd', size: -1 })).rejects.toThrow(/size/);
    await expect(graph.add({ driver: 'null-co', 'node-name': 'd', 'latency-ns': -1 })).rejects.toThrow(/latency-ns/);
  });

  it('a null node reads zeroes, and reports them as zeroes only with read-zeroes', async () => {
    const graph = new SmallGraph(nullCo);
    const plain = await graph.add({ driver: 'null-co', 'node-name': 'a' });
    const zeroes = await graph.add({ driver: 'null-co', 'node-name': 'b', 'read-zeroes': 'on' });
    expect(await readAt(plain, 5, 3)).toEqual(Buffer.alloc(3));
    expect(await readAt(zeroes, 5, 3)).toEqual(Buffer.alloc(3));
    expect(await plain.statusHere(512, 1024)).toEqual({
      length: 1024,
      allocated: true,
      data: true,
      zero: false,
      offset: 512,
    });
    expect((await zeroes.statusHere(512, 1024)).zero).toBe(true);
  });

  it('a null node drops what is written, and flushes', async () => {
    const graph = new SmallGraph(nullCo);
    const node = await graph.add({ driver: 'null-co', 'node-name': 'a', size: 8192 });
    await node.requests.write(8000, Buffer.alloc(100));
    await node.requests.writeZeroes(0, 8192);
    await node.requests.flush();
    await expect(node.requests.truncate(1)).rejects.toThrow(/resize/);
  });

  it('a null node delays requests by latency-ns', async () => {
    const graph = new SmallGraph(nullAio);
    const node = await graph.add({ driver: 'null-aio', 'node-name': 'a', 'latency-ns': 1000 });
    const done: string[] = [];
    void node.requests.write(0, Buffer.alloc(512)).then(() => done.push('write'));
    await graph.clock.advance(400);
    void readAt(node, 0, 512).then(() => done.push('read'));
    await graph.clock.advance(599);
    expect(done).toEqual([]);
    await graph.clock.advance(1);
    expect(done).toEqual(['write']);
    await graph.clock.advance(400);
    expect(done).toEqual(['write', 'read']);
  });

  it('a null node shows a file name only without options', async () => {
    const graph = new SmallGraph(nullCo, nullAio);
    expect((await graph.graph.open({ filename: 'null-co://', role: 'protocol' })).filename).toBe('null-co://');
    expect((await graph.add({ driver: 'null-aio', 'node-name': 'a' })).filename).toBe('null-aio://');
    const sized = await graph.add({ driver: 'null-co', 'node-name': 'b', size: 512, 'read-zeroes': true });
    expect(JSON.parse(sized.filename.replace(/^json:/, ''))).toEqual({
      driver: 'null-co',
      size: 512,
      'read-zeroes': true,
    });
    expect((await graph.graph.open({ filename: sized.filename, role: 'protocol' })).length).toBe(512);
    await expect(graph.graph.open({ filename: 'null-co://x', role: 'protocol' })).rejects.toThrow(/null-co:\/\//);
    await expect(graph.add({ driver: 'null-co', 'node-name': 'c', filename: 'x' })).rejects.toThrow(/'x'/);
  });
});
