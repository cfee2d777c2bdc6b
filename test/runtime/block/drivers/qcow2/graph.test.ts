import { describe, expect, it } from 'vitest';
import { blkdebug } from '../../../../../runtime/block/drivers/blkdebug/driver.js';
import { check } from '../../../../../runtime/block/drivers/qcow2/check/check.js';
import { qcow2 } from '../../../../../runtime/block/drivers/qcow2/index.js';
import { RequestFlag } from '../../../../../runtime/block/request-flag.js';
import { outcomeOf, readAt, SmallGraph } from '../small-graph.js';
import { createImage } from './images.js';
import { filled } from './opened.js';

const MiB = 2 ** 20;
const small = { cluster_size: 4096 };

async function graphWith(...images: readonly (readonly [name: string, backing?: string])[]): Promise<SmallGraph> {
  const graph = new SmallGraph(qcow2, blkdebug);
  for (const [name, backing] of images) {
    graph.disks.set(name, await createImage(MiB, small, backing === undefined ? undefined : { name: backing }));
  }
  return graph;
}

describe('qcow2 in a graph', () => {
  it('opens the chain that the headers name, and reads through it', async () => {
    const graph = await graphWith(['base'], ['middle', 'base'], ['top', 'middle']);
    for (const [name, byte] of [
      ['base', 1],
      ['middle', 2],
      ['top', 3],
    ] as const) {
      const node = await graph.add({ driver: 'qcow2', file: { driver: 'file', filename: name } });
      await node.requests.write((3 - byte) * 1000, filled(1000, byte));
      node.monitorOwned = false;
      await graph.graph.release(node);
      expect(await check(graph.disks.get(name) ?? expect.fail())).toMatchObject({ corruptions: 0, leaks: 0 });
    }
    const top = await graph.add({ driver: 'qcow2', file: { driver: 'file', filename: 'top' } });
    const found = await readAt(top, 0, 4000);
    expect([0, 999, 1000, 1999, 2000, 2999, 3000].map((at) => found[at])).toEqual([3, 3, 2, 2, 1, 1, 0]);
  });

  it('writes zeroes and discards of any alignment', async () => {
    const graph = await graphWith(['disk']);
    const node = await graph.add({ driver: 'qcow2', discard: 'unmap', file: { driver: 'file', filename: 'disk' } });
    await node.requests.write(0, filled(100_000, 1));
    await node.requests.writeZeroes(5, 50_000, RequestFlag.mayUnmap);
    await node.requests.discard(60_001, 20_000);
    await node.requests.flush();
    const found = await readAt(node, 0, 100_000);
    const [from, to] = [61_440, 77_824];
    const expected = Buffer.alloc(100_000, 1).fill(0, 5, 50_005).fill(0, from, to);
    expect(found.findIndex((byte, at) => byte !== expected[at])).toBe(-1);
    expect(await check(graph.disks.get('disk') ?? expect.fail())).toMatchObject({ corruptions: 0, leaks: 0 });
  });

  it.each([
    ['cow_read', 'write'],
    ['write_aio', 'write'],
    ['l1_update', 'write'],
    ['l2_update', 'flush'],
    ['refblock_update_part', 'write'],
  ] as const)('tells blkdebug of what it does: %s makes a %s fail, and the next one goes well', async (event, what) => {
    const graph = await graphWith(['base'], ['disk', 'base']);
    const file = { driver: 'blkdebug', image: { driver: 'file', filename: 'disk' } };
    const node = await graph.add({
      driver: 'qcow2',
      backing: { driver: 'qcow2', file: { driver: 'file', filename: 'base' } },
      file: {
        ...file,
        'inject-error': [{ event, errno: 5, once: true }],
      },
    });
    const write = () => node.requests.write(100, filled(200, 2));
    const flush = () => node.requests.flush();
    expect(await outcomeOf(write())).toBe(what === 'write' ? 'EIO' : 'ok');
    expect(await outcomeOf(flush())).toBe(what === 'flush' ? 'EIO' : 'ok');
    expect(await outcomeOf(write())).toBe('ok');
    expect(await outcomeOf(flush())).toBe('ok');
    expect((await readAt(node, 100, 200)).every((byte) => byte === 2)).toBe(true);
    expect(await check(graph.disks.get('disk') ?? expect.fail())).toMatchObject({ corruptions: 0 });
  });
});
