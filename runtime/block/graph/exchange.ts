import { BlockError, invalid } from '../error.js';
import type { BlockGraph } from './graph.js';
import type { BlockNode } from './node.js';
import { backendsAbove, nodesBelow } from './walk.js';

/** A child that has been exchanged, as long as that can be taken back. */
export interface Exchange {
  readonly node: BlockNode;
  /** What was there before. Absent: nothing. */
  readonly before: BlockNode | undefined;
  /** Puts back what was there before. */
  undo(): void;
}

/**
 * Puts another node in the place of a child, or none in that of the backing file. What was there before stays open until the caller lets
 * go of it. Neither usage nor file names are looked at.
 *
 * @throws BlockError when the node would come to be below itself, or a job needs the child where it is
 */
export function exchangeChild(graph: BlockGraph, node: BlockNode, name: string, next: BlockNode | null): Exchange {
  const edge = node.children.get(name);
  const before = edge?.node;
  if (next !== null && nodesBelow(next).has(node)) {
    throw new BlockError(`Making '${next.name}' a ${name} child of '${node.name}' would create a cycle`, {
      code: 'EINVAL',
    });
  }
  // The filter of a job stays over a child that is named again.
  if (before !== undefined && before.belowImplicit === next) return { node, before: undefined, undo() {} };
  refuseFrozen(node, name);
  if (before?.ofJob === 'implicit') {
    throw new BlockError(`Cannot replace implicit ${name} child of ${node.name}`, { code: 'EPERM' });
  }
  if (name !== 'backing') {
    if (edge === undefined || before === undefined || next === null) {
      throw invalid(`Cannot change the option '${name}'`);
    }
    edge.point(next);
    return { node, before, undo: () => edge.point(before) };
  }
  putBacking(graph, node, next);
  return {
    node,
    before,
    undo: () => putBacking(graph, node, before ?? null),
  };
}

function putBacking(graph: BlockGraph, node: BlockNode, next: BlockNode | null): void {
  if (next !== null) graph.link(node, next);
  else graph.cutBacking(node);
}

/** @throws BlockError when a job works on the chain from above a node to below its child */
function refuseFrozen(node: BlockNode, name: string): void {
  const child = node.children.get(name)?.node;
  if (child === undefined) return;
  for (const { roots = [] } of backendsAbove(new Set([child]))) {
    const worked = [...roots].map((root) => nodesBelow(root.node));
    const above = worked.some((nodes) => nodes.has(node));
    const below = [...roots].some((root) => nodesBelow(child).has(root.node));
    if (above && below) {
      throw new BlockError(`Cannot change frozen '${name}' link from '${node.name}' to '${child.name}'`, {
        code: 'EPERM',
      });
    }
  }
}
