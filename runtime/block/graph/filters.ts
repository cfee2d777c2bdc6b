import type { Child } from '../driver.js';
import type { BlockNode } from './node.js';

/** A node, and what is below it as long as that is a filter's file: the last one is the image that they all show. */
export function withFilters(node: BlockNode): readonly BlockNode[] {
  const nodes = [node];
  for (let edge = fileOfFilter(node); edge !== undefined; edge = fileOfFilter(edge.node)) nodes.push(edge.node);
  return nodes;
}

/** The image that a node is, or that the filters show which it is the uppermost of. */
export function imageOf(node: BlockNode): BlockNode {
  return withFilters(node).at(-1) ?? node;
}

/** The edge to the image below filters of which a node is the uppermost. Absent: it is no filter. */
export function edgeBelowFilters(node: BlockNode): Child | undefined {
  return withFilters(node)
    .map(fileOfFilter)
    .findLast((edge) => edge !== undefined);
}

function fileOfFilter({ driver, file }: BlockNode) {
  return driver.filter === true ? file : undefined;
}
