import type { BlockNode, NodeEdge } from './node.js';

/** The edge to the image below filters of which a node is the uppermost. Absent: it is no filter. */
export function edgeBelowFilters(node: BlockNode): NodeEdge | undefined {
  let found: NodeEdge | undefined;
  for (let { driver, file } = node; driver.filter && file !== undefined; { driver, file } = file.node) found = file;
  return found;
}
