import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { placeOf, protocolOf, resolveBackingName } from './filename.js';
import type { BlockNode } from './node.js';

/**
 * The node of a backing chain that a file name means; never the uppermost one. Names with a prefix are compared as they are, others
 * as paths, each seen from the overlay whose backing file is looked at.
 *
 * @returns nothing when the chain has no such file
 */
export async function findBacking(top: BlockNode, name: string): Promise<BlockNode | undefined> {
  for (const overlay of top.chain()) {
    const below = overlay.below?.image;
    if (below === undefined) continue;
    const header = overlay.backingOverridden ? undefined : overlay.instance?.backingFile;
    const stored = header?.name ?? below.filename;
    if (name === stored || name === below.filename) return below;
    if (protocolOf(name) !== undefined || protocolOf(stored) !== undefined) continue;
    const place = placeOf(overlay);
    const [wanted, present] = await Promise.all([canonical(place, name), canonical(place, stored)]);
    if (wanted !== undefined && wanted === present) return below;
  }
  return undefined;
}

/** A path such that two names of one file are equal; nothing when the overlay has no place that it could count from. */
async function canonical(overlay: string, name: string): Promise<string | undefined> {
  try {
    const path = resolve(resolveBackingName(overlay, name));
    return await realpath(path).catch(() => path);
  } catch {
    return undefined;
  }
}
