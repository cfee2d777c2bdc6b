import type { BlockdevOptions } from '../../../generated/index.js';
import { BlockError } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import { reopenNodes } from '../graph/reopen-nodes.js';
import { BlockOptions } from '../options.js';
import { findNode } from './find-node.js';

/** Reopens nodes by the names that their options have. @throws BlockError when a node is not there, or cannot be as asked */
export async function reopenNamed(graph: BlockGraph, all: readonly BlockdevOptions[]): Promise<void> {
  const requests = all.map((tree) => {
    const options = BlockOptions.flatten(tree);
    const name = options.get('node-name');
    if (typeof name !== 'string') throw new BlockError('node-name not specified');
    return { node: findNode(graph, name), options };
  });
  if (requests.length > 0) await reopenNodes(graph, requests);
}
