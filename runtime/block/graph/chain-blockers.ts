import type { Operation } from './blockers.js';
import type { BlockNode } from './node.js';

/**
 * Checks an operation that concerns part of a chain of backing files.
 *
 * @param top its uppermost node
 * @param base the node below it that stays as it is; absent: all of the chain is concerned
 * @throws BlockError when the operation is forbidden on one of the nodes, or on what is between two of them
 */
export function checkChain(operation: Operation, top: BlockNode, base: BlockNode | undefined): void {
  for (const node of top.chain()) {
    if (node !== top) node.blockersAbove.check(operation, node.name);
    if (node === base) return;
    node.blockers.check(operation, node.name);
  }
}
