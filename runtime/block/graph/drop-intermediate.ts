import type { BackingFile } from '../driver.js';
import { invalid } from '../error.js';
import type { BlockGraph } from './graph.js';
import type { BlockNode } from './node.js';

/** Nodes of a backing chain of which the data is in the last one by now. */
export interface Dropped {
  /** The node above `top`, with nothing but filters between them. */
  readonly overlay: BlockNode;
  /** The uppermost node that is dropped. */
  readonly top: BlockNode;
  /** The node below the last one that is dropped. */
  readonly base: BlockNode;
}

/** The nodes over a node whose header names it. */
export function overlaysOf(node: BlockNode): BlockNode[] {
  return Array.from(node.parents).flatMap(({ owner, role }) => {
    return role === 'backing' && 'node' in owner && owner.node !== undefined ? [owner.node] : [];
  });
}

/**
 * Takes nodes out of backing chains: all that was above `top`, other overlays and exports as well, is above `base` then. The headers of
 * overlays say so. The nodes from `top` to above `base` are closed when nothing else holds them. The caller has drained the overlays, and
 * opened them for writing.
 *
 * @param backingFile what the headers shall say. Default: the file name of `base`
 * @throws BlockError when the three are no such chain, or a header cannot be written; the graph has not changed then
 */
export async function dropIntermediate(
  graph: BlockGraph,
  { overlay, top, base }: Dropped,
  { name = base.image.filename, format = base.image.driver.name }: Partial<BackingFile> = {},
): Promise<void> {
  let above = overlay;
  while (above.under?.node !== top && above.under?.node.driver.filter) above = above.under.node;
  if (above.under?.node !== top || top === base || !top.chainHas(base)) {
    throw invalid(`'${base.name}' is not below '${top.name}', or that is not the backing file of '${overlay.name}'`);
  }
  // A header that is written when a later one fails does no harm: what it names has all of the data.
  for (const each of new Set([overlay, ...overlaysOf(top)])) await each.changeBackingFile({ name, format });
  await graph.replace(top, base);
}
