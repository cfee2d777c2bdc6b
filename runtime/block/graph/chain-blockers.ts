import type { Operation } from './blockers.js';
import type { BlockNode } from './node.js';

/**
 * Checks an operation that concerns part of a chain of backing files.
 *
 * @param top its uppermost node
 * @param lowest its lowest one; absent: that of the chain
 * @throws BlockError when the operation is forbidden on one of the nodes
 */
export function checkChain(operation: Operation, top: BlockNode, lowest?: BlockNode): void {
  for (const node of top.chain()) {
    node.checkAllowed(operation);
    if (node === lowest) return;
  }
}
