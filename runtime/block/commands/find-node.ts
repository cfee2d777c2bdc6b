import { BlockError } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';

/** The node that a command is about. @throws BlockError when no node has this name, in the words of QEMU's commands for nodes */
export function findNode(graph: BlockGraph, name: string): BlockNode {
  const node = graph.node(name);
  if (node === undefined) throw new BlockError(`Failed to find node with node-name='${name}'`, { code: 'ENODEV' });
  return node;
}
