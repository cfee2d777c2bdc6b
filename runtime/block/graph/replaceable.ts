import type { BlockNode } from './node.js';
import { permissionsOf } from './usage.js';

/**
 * Whether a copy of what a node reads as can take the place of another node without anything above that one seeing other data all
 * at once: it is the node itself, or what filters lead to from there. A child of several, which need not be equal to its siblings
 * (those of a quorum), must have no other user.
 */
export function isReplaceable(source: BlockNode, wanted: BlockNode): boolean {
  if (source === wanted) return true;
  if (!source.driver.filter) return false;
  for (const child of source.childNodes()) {
    if (!isReplaceable(child, wanted)) continue;
    return source.children.size === 1 || !hasOtherUsers(child, source);
  }
  return false;
}

function hasOtherUsers(node: BlockNode, known: BlockNode): boolean {
  return [...node.parents].some(
    (edge) => permissionsOf(edge).uses !== 0 && !('node' in edge.owner && edge.owner.node === known),
  );
}
