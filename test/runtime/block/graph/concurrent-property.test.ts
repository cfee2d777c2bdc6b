import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlockNode } from '../../../../runtime/block/graph/node.js';
import { randomPauses } from '../io/test-disk.js';
import { scene } from './scene.js';

const name = fc.constantFrom('a', 'b', 'c', 'd');

/** What several clients do at once. */
const command = fc.oneof(
  fc.record({ do: fc.constant('image' as const), name, below: fc.option(name, { nil: '' }) }),
  fc.record({ do: fc.constant('raw' as const), name, below: name }),
  fc.record({ do: fc.constant('probe' as const), name, below: name }),
  fc.record({ do: fc.constant('delete' as const), name }),
);

describe('property: commands of several clients at once', () => {
  it('commands of several clients at once leave whole nodes, and nothing of those that failed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(command, { maxLength: 6 }), { minLength: 2, maxLength: 4 }),
        fc.nat(),
        fc.nat(40),
        async (clients, seed, failAt) => {
          const { disk, graph, add, addImage } = scene();
          const pause = randomPauses(seed);
          let requests = 0;
          disk.onRequest = async () => {
            await pause();
            if (++requests === failAt) throw Object.assign(new Error('injected'), { code: 'EIO' });
          };
          const held = new Set<BlockNode>();
          await Promise.all(
            clients.map(async (commands) => {
              for (const each of commands) {
                await pause();
                try {
                  if (each.do === 'image') held.add(await addImage(each.name, each.below));
                  else if (each.do === 'raw') {
                    held.add(await add({ driver: 'raw', 'node-name': each.name, file: each.below }));
                  } else if (each.do === 'probe') {
                    held.add(await add({ 'node-name': each.name, file: each.below }));
                  } else {
                    const node = graph.namedNode(each.name);
                    if (node.parents.size > 0) continue;
                    node.monitorOwned = false;
                    held.delete(node);
                    await graph.release(node);
                  }
                } catch (error) {
                  // A failure of the graph's own, not a mistake.
                  expect(error).toMatchObject({ name: 'BlockError' });
                }
              }
            }),
          );
          const nodes = [...graph.nodes];
          expect(nodes).toEqual(expect.arrayContaining([...held]));
          for (const node of nodes) {
            expect([node.held, node.usable, node.monitorOwned]).toEqual([true, true, held.has(node)]);
            for (const edge of node.children.values()) expect(edge.node.parents.has(edge)).toBe(true);
            for (const { owner } of node.parents)
              expect('node' in owner && nodes.some((above) => above === owner.node)).toBe(true);
          }
          expect(disk.open).toBe(nodes.length);
          disk.onRequest = () => {};
          await graph.close();
          expect([disk.open, [...graph.nodes], graph.names.kind('a')]).toEqual([0, [], undefined]);
        },
      ),
      { numRuns: 400 },
    );
  });
});
