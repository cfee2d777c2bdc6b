import type { DirtyBitmap } from '../bitmaps/bitmap.js';
import type { Bitmaps } from '../bitmaps/bitmaps.js';
import { BlockError, invalid } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import type { Backend } from './backend.js';
import type { ExportedBitmap } from './export-server.js';

/**
 * The bitmaps that the clients of a backend are to see: of its node, or by their names alone also of those below.
 *
 * @param writable whether clients may write, which enabled bitmaps record
 * @throws BlockError when there is none of that name, or it is used otherwise, or would not show what others see
 */
export function exportedBitmaps(
  graph: BlockGraph,
  bitmaps: Bitmaps,
  backend: Backend,
  wanted: readonly ExportedBitmap[],
  writable: boolean,
): readonly DirtyBitmap[] {
  const node = graph.mediumOf(backend);
  if (node === undefined) return [];
  return wanted.map((asked) => {
    const name = typeof asked === 'string' ? asked : asked.name;
    const found =
      typeof asked === 'string'
        ? foundBelow(bitmaps, node, name)
        : bitmaps.of(graph.deviceOrNode(undefined, asked.node)).find((bitmap) => bitmap.name === name);
    if (found === undefined) throw new BlockError(`Bitmap '${name}' is not found`, { code: 'ENOENT' });
    found.checkUse('read');
    if (!writable && !node.flags.readOnly && found.recording) {
      throw invalid(`Enabled bitmap '${name}' incompatible with readonly export`);
    }
    return found;
  });
}

function foundBelow(bitmaps: Bitmaps, top: BlockNode, name: string): DirtyBitmap | undefined {
  for (let node: BlockNode | undefined = top; node !== undefined; node = belowOf(node)) {
    const found = bitmaps.of(node).find((bitmap) => bitmap.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What a node's data comes from: the backing file, or what a filter is on. */
function belowOf(node: BlockNode): BlockNode | undefined {
  if (node.below !== undefined) return node.below;
  return node.driver.filter ? [...node.childNodes()][0] : undefined;
}
