import { blockErrorOf } from '../error.js';
import { placeOf, resolveBackingName } from './filename.js';
import { inherited, rootDefaults } from './flags.js';
import type { BlockGraph } from './graph.js';
import type { BlockNode } from './node.js';

/**
 * Opens the backing file that an image's header names, for a node that was opened without one.
 *
 * @throws BlockError when it cannot be opened; nothing has changed then
 */
export async function openBacking(graph: BlockGraph, node: BlockNode): Promise<void> {
  const header = node.instance?.backingFile;
  if (header === undefined || node.below !== undefined) return;
  try {
    const backing = await graph.open({
      filename: resolveBackingName(placeOf(node), header.name),
      format: header.format,
      role: 'backing',
      flags: inherited({ ...rootDefaults, ...node.flags }, 'backing'),
    });
    backing.opener = node;
    node.openedFromHeader = backing.filename;
    await graph.relink(node, backing);
  } catch (error) {
    throw blockErrorOf(error, 'Could not open backing file');
  }
}
