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
  const names = wanted.map((asked) => (typeof asked === 'string' ? asked : asked.name));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(`Two bitmaps are named '${twice}', and clients could not tell them apart`);
  return wanted.map((asked) => {
    const name = typeof asked === 'string' ? asked : asked.name;
    const nodes = typeof asked === 'string' ? fromTop(node) : [graph.deviceOrNode(undefined, asked.node)];
    for (const place of nodes) {
      const found = bitmaps.of(place).find((bitmap) => bitmap.name === name);
      if (found === undefined) continue;
      found.checkUse('read');
      if (!writable && !place.flags.readOnly && found.recording) {
        throw invalid(`Enabled bitmap '${name}' incompatible with readonly export`);
      }
      return found;
    }
    throw new BlockError(`Bitmap '${name}' is not found`, { code: 'ENOENT' });
  });
}

/** A node and those below it that its data comes from. */
function* fromTop(top: BlockNode): Iterable<BlockNode> {
  for (let node: BlockNode | undefined = top; node !== undefined; node = belowOf(node)) yield node;
}

/** What a node's data comes from: the backing file, or what a filter is on. */
function belowOf(node: BlockNode): BlockNode | undefined {
  if (node.below !== undefined) return node.below;
  return node.driver.filter ? [...node.childNodes()][0] : undefined;
}
