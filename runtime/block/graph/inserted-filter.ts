import type { BlockDriver, Child, DriverInstance } from '../driver.js';
import { blockErrorOf } from '../error.js';
import { BlockOptions } from '../options.js';
import { Edge } from './edge.js';
import { rootDefaults } from './flags.js';
import type { BlockGraph } from './graph.js';
import { BlockNode, type NodeEdge } from './node.js';
import { follows, nodesBelow } from './walk.js';

/** A filter that a job puts over a node for as long as it runs. */
export interface InsertedFilter {
  readonly driver: BlockDriver;
  /** Absent: one is made. */
  readonly name: string | undefined;
  /** Queries of drives pass over it if no user has named it. Default: `true`. */
  readonly implicit?: boolean;
  /** What the edge to the node is called. */
  readonly edge: 'file' | 'backing';
  /** What is written goes to this node, too, by an edge called `target`. Absent: there is none. */
  readonly target?: BlockNode;
  readonly readOnly?: boolean;
  open(filtered: Child): DriverInstance | Promise<DriverInstance>;
}

/**
 * Puts a new filter over a node, in the place of which it is for all that is above, but for jobs. The caller has drained the node.
 *
 * @throws BlockError when the name is malformed or taken, or users exclude each other then; nothing has changed then
 */
export async function insertFilter(graph: BlockGraph, below: BlockNode, wanted: InsertedFilter): Promise<BlockNode> {
  const { driver, target, edge: edgeName, readOnly = false, implicit = true } = wanted;
  const name = graph.names.takeNode(wanted.name);
  const { edgeChanges } = below;
  const flags = { ...rootDefaults, readOnly, unmap: true };
  const filter = new BlockNode({ name, driver, flags, given: new BlockOptions(), edgeChanges });
  filter.holds++;
  filter.ofJob = wanted.name === undefined && implicit ? 'implicit' : 'explicit';
  const inside = nodesBelow(below);
  if (target !== undefined) for (const node of nodesBelow(target)) inside.add(node);
  const moving = [...below.parents].filter((edge) => follows(edge, inside));
  const edge = new Edge<BlockNode>(edgeName, 'format', { node: filter }, below);
  filter.children.set(edgeName, edge);
  if (target !== undefined)
    filter.children.set('target', new Edge<BlockNode>('target', 'format', { node: filter }, target));
  graph.register(filter);
  try {
    filter.instance = await wanted.open(edge);
    filter.describe();
    await graph.usage.update([filter]);
    filter.usable = true;
    for (const parent of moving) lead(graph, parent, filter);
    try {
      await graph.usage.update([filter]);
    } catch (error) {
      throw blockErrorOf(error, 'Could not replace node');
    }
  } catch (error) {
    for (const parent of moving) if (parent.node === filter) lead(graph, parent, below);
    await discard(graph, filter);
    await graph.letGo(below);
    throw error;
  }
  graph.describeAbove(filter);
  return filter;
}

/** Takes a filter out: what was above it is above the node below. Never fails. */
export async function removeFilter(graph: BlockGraph, filter: BlockNode): Promise<void> {
  await graph.drained(filter, async () => {
    const below = filter.under?.node;
    if (below === undefined) return;
    for (const parent of [...filter.parents]) lead(graph, parent, below);
    await discard(graph, filter);
    graph.describeAbove(below);
  });
}

/** Has an edge lead to a filter, or from there to what is below. */
function lead(graph: BlockGraph, edge: NodeEdge, to: BlockNode): void {
  const overlay = 'node' in edge.owner ? edge.owner.node : undefined;
  if (overlay === undefined || edge.role !== 'backing') edge.point(to);
  else graph.link(overlay, to);
}

async function discard(graph: BlockGraph, filter: BlockNode): Promise<void> {
  const children = Array.from(filter.children.values(), ({ node }) => node);
  filter.usable = false;
  filter.instance = undefined;
  for (const edge of filter.children.values()) edge.cut();
  filter.children.clear();
  graph.forget(filter);
  for (const child of children) await graph.letGo(child);
}
