import type { BlockNode, NodeEdge, RootOwner } from './node.js';

/** A node with all that is below it. */
export function nodesBelow(node: BlockNode): Set<BlockNode> {
  const found = new Set([node]);
  for (const upper of found) for (const lower of upper.childNodes()) found.add(lower);
  return found;
}

/** Fails what waits for servers below a node to come back: what asked for it has been cancelled. */
export function giveUpWaiting(node: BlockNode): void {
  for (const { instance } of nodesBelow(node)) instance?.giveUpWaiting?.();
}

/** Some nodes with all that is above them. */
export function nodesAbove(nodes: ReadonlySet<BlockNode>): Set<BlockNode> {
  const found = new Set(nodes);
  for (const { parents } of found) {
    for (const { owner } of parents) if ('node' in owner && owner.node !== undefined) found.add(owner.node);
  }
  return found;
}

/** Some nodes with all that is below them, each after its children. */
export function childrenFirst(nodes: Iterable<BlockNode>): BlockNode[] {
  const found = new Set<BlockNode>();
  const seen = new Set<BlockNode>();
  const visit = (node: BlockNode): void => {
    if (seen.has(node)) return;
    seen.add(node);
    for (const child of node.childNodes()) visit(child);
    found.add(node);
  };
  for (const node of nodes) visit(node);
  return [...found];
}

/** Nodes with all that jobs above them work on. */
export function tiedNodes(nodes: Set<BlockNode>): Set<BlockNode> {
  const seen = new Set<RootOwner>();
  for (let grown = true; grown; ) {
    grown = false;
    for (const owner of backendsAbove(nodes)) {
      if (seen.has(owner)) continue;
      seen.add(owner);
      for (const { node } of owner.roots ?? []) {
        for (const below of nodesBelow(node)) nodes.add(below);
        grown = true;
      }
    }
  }
  return nodes;
}

/** The backends that reach any of some nodes through any number of edges. */
export function backendsAbove(nodes: ReadonlySet<BlockNode>): RootOwner[] {
  const backends = new Set<RootOwner>();
  for (const { parents } of nodesAbove(nodes)) {
    for (const { owner } of parents) if ('backend' in owner) backends.add(owner.backend);
  }
  return [...backends];
}

export function isBusy(nodes: ReadonlySet<BlockNode>): boolean {
  for (const { requests } of nodes) if (requests.tracker.size > 0) return true;
  return false;
}

/**
 * Whether a user of a node is one of another that takes its place. Jobs know the nodes that they work on, and what is below the other stays
 * there.
 *
 * @param inside the other node with all that is below it
 */
export function follows({ owner }: NodeEdge, inside: ReadonlySet<BlockNode>): boolean {
  if ('backend' in owner) return owner.backend.roots === undefined;
  return owner.node === undefined || !inside.has(owner.node);
}
