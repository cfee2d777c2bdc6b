import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Child } from '../../../../runtime/block/driver.js';
import { dropIntermediate } from '../../../../runtime/block/graph/drop-intermediate.js';
import type { BlockNode, NodeEdge } from '../../../../runtime/block/graph/node.js';
import { owner, type Scene, scene } from './scene.js';

/** What is done to the graph; the numbers choose among the nodes that there are at that time. */
interface Operation {
  readonly kind:
    | 'add'
    | 'add raw'
    | 'delete'
    | 'hold'
    | 'let go'
    | 'relink'
    | 'unlink'
    | 'replace'
    | 'append'
    | 'drop'
    | 'attach'
    | 'detach';
  readonly first: number;
  readonly second: number;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom(
    'add',
    'add',
    'add raw',
    'delete',
    'hold',
    'let go',
    'relink',
    'unlink',
    'replace',
    'append',
    'drop',
    'attach',
    'detach',
  ) as fc.Arbitrary<Operation['kind']>,
  first: fc.nat(1000),
  second: fc.nat(1000),
});

const select = <T>(items: readonly T[], number: number): T | undefined => items[number % items.length];

describe('property: surgery', () => {
  it('keeps parents, children, names and blockers in agreement, and nodes alive while they are held', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
        const world = new World();
        for (const step of operations) {
          await world.do(step);
          world.check();
        }
        await world.end();
      }),
      { numRuns: 400 },
    );
  });
});

class World {
  readonly scene: Scene = scene();
  /** All nodes there ever were. */
  readonly ever = new Set<BlockNode>();
  readonly roots: Child[] = [];
  #count = 0;

  async do({ kind, first, second }: Operation): Promise<void> {
    const { graph, add, addImage } = this.scene;
    const formats = [...graph.nodes].filter(({ driver }) => driver.kind === 'format');
    const [a, b] = [select(formats, first), select(formats, second)];
    const name = `n${this.#count++}`;
    if (kind === 'add') await addImage(name, b && first % 3 > 0 ? nameable(b) : '');
    if (a === undefined || b === undefined) return;
    switch (kind) {
      case 'add raw':
        // Only nodes that a user has named can be referred to.
        if (nameable(a) !== '') await add({ driver: 'raw', 'node-name': name, file: nameable(a) });
        break;
      case 'delete':
        a.monitorOwned = false;
        await graph.release(a);
        break;
      case 'hold':
        a.holds++;
        break;
      case 'let go':
        if (a.holds > 0) a.holds--;
        await graph.release(a);
        break;
      case 'relink':
        if (a.driver.supportsBacking) await graph.relink(a, b).catch(expectCircle);
        break;
      case 'unlink':
        await graph.unlink(a);
        break;
      case 'replace':
        await graph.replace(a, b);
        break;
      case 'append': {
        const overlay = await addImage(name);
        await graph.append(overlay, a);
        break;
      }
      case 'drop': {
        const top = a.below;
        const base = top?.below;
        if (top && base) await dropIntermediate(graph, { overlay: a, top, base });
        break;
      }
      case 'attach':
        this.roots.push(await graph.attachRoot(a, owner(second % 2 === 0 ? '' : `d${second}`)));
        break;
      case 'detach': {
        const [root] = this.roots.splice(first % Math.max(1, this.roots.length), 1);
        if (root) await graph.detachRoot(root);
        break;
      }
      case 'add':
        break;
    }
  }

  check(): void {
    const { graph, disk } = this.scene;
    const nodes = new Set(graph.nodes);
    for (const node of nodes) this.ever.add(node);
    for (const node of this.ever) {
      expect([node.name, node.usable, nodes.has(node)]).toEqual([node.name, node.held, node.held]);
      expect(graph.names.kind(node.name)).toBe(node.held ? 'node' : undefined);
      for (const [name, edge] of node.children) {
        expect([edge.name, edge.owner]).toEqual([name, { node }]);
        expect(edge.node.parents.has(edge)).toBe(true);
      }
      for (const edge of node.parents) {
        expect(edge.node).toBe(node);
        expect('backend' in edge.owner ? this.roots.includes(edge) : belongs(edge)).toBe(true);
      }
      const overlays = [...node.parents].filter(({ role }) => role === 'backing');
      expect(node.blockers.reason('resize') !== undefined).toBe(overlays.length > 0);
      expect(above(node).has(node)).toBe(false);
      if (!node.usable) continue;
      const shown = [node.filename, node.options];
      node.describe();
      expect(shown).toEqual([node.filename, node.options]);
    }
    expect(disk.open).toBe(nodes.size);
  }

  /** All users let go: nothing is left, and nothing is blocked. */
  async end(): Promise<void> {
    const { graph, disk } = this.scene;
    for (const root of this.roots.splice(0)) await graph.detachRoot(root);
    await graph.close();
    expect([[...graph.nodes], disk.open, disk.warnings]).toEqual([[], 0, []]);
    for (const node of this.ever) expect([node.parents.size, node.blockers.reason('resize')]).toEqual([0, undefined]);
  }
}

/** Its name, if a user has given it one. */
function nameable({ name }: BlockNode): string {
  return name.startsWith('#') ? '' : name;
}

function belongs(edge: NodeEdge): boolean {
  if (!('node' in edge.owner)) return false;
  return edge.owner.node?.children.get(edge.name) === edge;
}

/** All nodes that have one below them. */
function above(node: BlockNode): Set<BlockNode> {
  const found = new Set<BlockNode>();
  const pending = [node];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const { owner: of } of next.parents) {
      if (!('node' in of) || of.node === undefined || found.has(of.node)) continue;
      found.add(of.node);
      pending.push(of.node);
    }
  }
  return found;
}

function expectCircle(error: Error): void {
  expect(error).toMatchObject({ code: 'ELOOP' });
}
