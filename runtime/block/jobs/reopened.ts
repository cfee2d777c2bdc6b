import { blockErrorOf } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import { reopen } from '../graph/reopen.js';

/** A node that was read-only, and is writable as long as a job needs it. */
export type Reopened = BlockNode;

/** Opens a read-only node for writing, and notes that. @throws BlockError when it cannot be written */
export async function openForWriting(graph: BlockGraph, node: BlockNode, reopened: Reopened[]): Promise<void> {
  if (!node.flags.readOnly) return;
  await graph.drained(node, () => reopen(graph, node, false));
  reopened.push(node);
}

/** Makes nodes read-only again, those that still exist. */
export async function restore(graph: BlockGraph, reopened: readonly Reopened[]): Promise<void> {
  for (const node of reopened) {
    if (!node.usable) continue;
    try {
      await graph.drained(node, () => reopen(graph, node, true));
    } catch (error) {
      graph.host.warn(`Node '${node.name}' stays writable: ${blockErrorOf(error).message}`);
    }
  }
}
