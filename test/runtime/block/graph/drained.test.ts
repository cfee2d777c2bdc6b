import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backend } from '../../../../runtime/block/backend/backend.js';
import type { BlockNode } from '../../../../runtime/block/graph/node.js';
import { randomPauses } from '../io/test-disk.js';
import { type Scene, scene } from './scene.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function backendOn({ graph, disk }: Scene, node: BlockNode): Promise<Backend> {
  const backend = new Backend('', disk.host);
  backend.root = await graph.attachRoot(node, backend);
  return backend;
}

/** Requests to the files of `disk` wait until they are let through. */
function gate({ disk }: Scene): () => void {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  disk.onRequest = () => opened;
  return () => {
    disk.onRequest = () => {};
    open();
  };
}

describe('a drained section', () => {
  it('begins when nothing is in flight, and holds back what comes meanwhile', async () => {
    const all = scene();
    const node = await all.addImage('n');
    const backend = await backendOn(all, node);
    const open = gate(all);
    const order: string[] = [];
    const before = backend.write(0, new Uint8Array(512)).then(() => order.push('before'));
    const section = all.graph.drained(node, async () => {
      order.push('begins');
      during = backend.read(0, new Uint8Array(512)).then(() => void order.push('held'));
      for (let turn = 0; turn < 5; turn++) await settled();
      expect(node.requests.tracker.size).toBe(0);
      order.push('ends');
      return 'result';
    });
    let during: Promise<void> | undefined;
    await settled();
    expect(order).toEqual([]);
    open();
    expect(await section).toBe('result');
    await Promise.all([before, during]);
    expect(order).toEqual(['before', 'begins', 'ends', 'held']);
  });

  it('covers the nodes below, and all other users of those', async () => {
    const all = scene();
    const base = await all.addImage('base');
    const [left, right] = [await all.addImage('left', 'base'), await all.addImage('right', 'base')];
    const apart = await all.addImage('apart');
    const [other, stranger] = [await backendOn(all, right), await backendOn(all, apart)];
    await all.graph.drained(left, async () => {
      const held = other.read(0, new Uint8Array(512));
      await stranger.read(0, new Uint8Array(512));
      await settled();
      expect([base.requests.tracker.size, right.requests.tracker.size]).toEqual([0, 0]);
      void held;
    });
    await all.graph.drainedAll(async () => {
      const done = [false, false];
      void other.read(0, new Uint8Array(1)).then(() => (done[0] = true));
      void stranger.read(0, new Uint8Array(1)).then(() => (done[1] = true));
      await settled();
      expect(done).toEqual([false, false]);
    });
  });

  it('waits for requests that no backend has made', async () => {
    const all = scene();
    const base = await all.addImage('base');
    const top = await all.addImage('top', 'base');
    const open = gate(all);
    const below = base.requests.write(0, new Uint8Array(512));
    let begun = false;
    const section = all.graph.drained(top, async () => {
      begun = true;
    });
    await settled();
    expect(begun).toBe(false);
    open();
    await Promise.all([below, section]);
  });

  it('ends for all backends when the work fails', async () => {
    const all = scene();
    const node = await all.addImage('n');
    const backend = await backendOn(all, node);
    await expect(
      all.graph.drained(node, async () => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    await backend.read(0, new Uint8Array(1));
  });

  it('ends for all backends when one of them cannot be held back', async () => {
    const all = scene();
    const node = await all.addImage('n');
    const backend = await backendOn(all, node);
    let ended = 0;
    await all.graph.attachRoot(node, {
      name: '',
      drainBegin: () => Promise.reject(new Error('no')),
      drainEnd: () => void ended++,
    });
    await expect(all.graph.drained(node, async () => 1)).rejects.toThrow('no');
    expect(ended).toBe(1);
    await backend.read(0, new Uint8Array(1));
  });

  it('nests inside of another drained section', async () => {
    const all = scene();
    const node = await all.addImage('n');
    const backend = await backendOn(all, node);
    let done = false;
    await all.graph.drained(node, async () => {
      await all.graph.drainedAll(() => all.graph.drained(node, async () => {}));
      void backend.read(0, new Uint8Array(1)).then(() => {
        done = true;
      });
      await settled();
      expect(done).toBe(false);
    });
    await settled();
    await settled();
    expect(done).toBe(true);
  });

  it('goes with the backend when its node is exchanged meanwhile', async () => {
    const all = scene();
    const top = await all.addImage('top');
    const overlay = await all.addImage('overlay');
    const backend = await backendOn(all, top);
    await all.graph.drained(top, async () => {
      const held = backend.write(0, new Uint8Array(512).fill(1));
      await all.graph.append(overlay, top);
      void held;
    });
    await backend.flush();
    expect([top.requests.highestOffset, overlay.requests.highestOffset]).toEqual([0, 512]);
  });

  it('holds while a node is being opened above a drained one', async () => {
    const all = scene();
    const { disk, graph } = all;
    disk.files.set('disk.img', new Uint8Array(512));
    const file = await all.add({ driver: 'file', 'node-name': 'f', filename: 'disk.img' });
    let drained = 0;
    disk.onRequest = async () => {
      // While the data is probed, the file has a parent that is no node yet.
      disk.onRequest = () => {};
      void graph.drained(file, async () => drained++);
      graph.describeAbove(file);
      await settled();
    };
    const node = await all.add({ 'node-name': 'n', file: 'f' });
    await settled();
    expect([node.driver.name, drained]).toEqual(['raw', 1]);
  });
});

describe('property: drained sections', () => {
  it('drained sections have nothing in flight, and lose no request', async () => {
    const traffic = fc.array(
      fc.record({ backend: fc.nat(3), offset: fc.nat(7), value: fc.integer({ min: 1, max: 255 }) }),
      { minLength: 1, maxLength: 40 },
    );
    const sections = fc.array(
      fc.record({ node: fc.nat(5), after: fc.nat(10), fails: fc.boolean(), nested: fc.boolean() }),
      { minLength: 1, maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(traffic, sections, fc.nat(), async (requests, drains, seed) => {
        const all = scene();
        const base = await all.addImage('base');
        const middle = await all.addImage('middle', 'base');
        const tops = [await all.addImage('left', 'middle'), await all.addImage('right', 'base')];
        const nodes = [base, middle, ...tops];
        const backends = await Promise.all([...tops, middle, base].map((node) => backendOn(all, node)));
        const pause = randomPauses(seed);
        all.disk.onRequest = pause;

        const serve = async ({ backend, offset, value }: (typeof requests)[number], index: number) => {
          for (let turn = 0; turn < index % 7; turn++) await pause();
          await backends[backend]?.write(offset * 512, new Uint8Array(512).fill(value));
          const seen = new Uint8Array(512);
          await backends[backend]?.read(offset * 512, seen);
          // Another request may have written the same block since, but never zeroes.
          expect(seen[0]).toBeGreaterThan(0);
        };
        const drain = async ({ node, after, fails, nested }: (typeof drains)[number]) => {
          for (let turn = 0; turn < after; turn++) await settled();
          const target = nodes[node];
          const work = async (): Promise<void> => {
            const covered = target ? [target, ...(target.below ? [target.below] : [])] : nodes;
            for (let turn = 0; turn < 4; turn++) {
              for (const each of covered) expect(each.requests.tracker.size).toBe(0);
              await pause();
            }
            if (fails) throw new Error('on purpose');
          };
          const section = () => (target ? all.graph.drained(target, work) : all.graph.drainedAll(work));
          const outer = nested ? all.graph.drained(base, section) : section();
          await outer.catch((error: Error) => expect(error.message).toBe('on purpose'));
        };
        await Promise.all([...requests.map(serve), ...drains.map(drain)]);
        for (const node of nodes) expect(node.requests.tracker.size).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
