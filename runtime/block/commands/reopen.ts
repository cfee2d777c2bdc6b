import type { BlockdevOptions } from '../../../generated/index.js';
import { BlockError } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import { reopenNodes } from '../graph/reopen-nodes.js';
import { BlockOptions } from '../options.js';

/** Reopens nodes by the names that their options have. @throws BlockError when a node is not there, or cannot be as asked */
export async function reopenNamed(graph: BlockGraph, all: readonly BlockdevOptions[]): Promise<void> {
  const requests = all.map((tree) => {
    const options = BlockOptions.flatten(tree);
    const name = options.get('node-name');
    if (typeof name !== 'string') throw new BlockError('node-name not specified');
    const node = graph.node(name);
    if (node === undefined) throw new BlockError(`Failed to find node with node-name='${name}'`, { code: 'ENODEV' });
    return { node, options };
  });
  if (requests.length > 0) await reopenNodes(graph, requests);
}
