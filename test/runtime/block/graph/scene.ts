import type { BlockGraph } from '../../../../runtime/block/graph/graph.js';
import type { BlockNode } from '../../../../runtime/block/graph/node.js';
import { BlockOptions } from '../../../../runtime/block/options.js';
import { MemoryDisk } from '../memory-drivers.js';

/** A graph with a disk that it is opened on, and short ways to put nodes there. */
export interface Scene {
  readonly disk: MemoryDisk;
  readonly graph: BlockGraph;
  /** Opens a node, as `blockdev-add` does. */
  add(options: object): Promise<BlockNode>;
  /** Adds an image of the format `cow` in a file of its own. */
  addImage(name: string, backing?: string): Promise<BlockNode>;
}

/** An empty scene. */
export function scene(): Scene {
  const disk = new MemoryDisk();
  const graph = disk.graph();
  const add = async (options: object) => {
    const node = await graph.open({ options: BlockOptions.flatten(options) });
    node.monitorOwned = true;
    return node;
  };
  return {
    disk,
    graph,
    add,
    addImage(name, backing = '') {
      disk.addCow(`${name}.cow`, 4096);
      const file = { driver: 'file', filename: `${name}.cow` };
      return add({ driver: 'cow', 'node-name': name, file, backing });
    },
  };
}

/** The names of a backing chain, from the top. */
export function chainOf(top: BlockNode): string[] {
  const names: string[] = [];
  for (let node: BlockNode | undefined = top; node !== undefined; node = node.below) names.push(node.name);
  return names;
}

/** A backend that holds no request back. */
export function owner(name = '') {
  return { name, drainBegin: async () => {}, drainEnd: () => {}, root: undefined };
}
