import type { BlockDirtyBitmap, BlockDirtyBitmapAdd } from '../../../generated/index.js';
import type { DirtyBitmap } from '../bitmaps/bitmap.js';
import type { Bitmaps } from '../bitmaps/bitmaps.js';
import type { DirtyBits } from '../bitmaps/dirty-bits.js';
import { invalid } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import { runTransaction, type TransactionStep } from '../transaction.js';
import type { BlockHandlers } from './handlers.js';

/** Commands that record what is written to nodes. */
export function bitmapCommands(graph: BlockGraph, bitmaps: Bitmaps) {
  return {
    'block-dirty-bitmap-add': (args) => runTransaction([bitmapAddStep(graph, bitmaps, args)]),
    'block-dirty-bitmap-clear': (args) => runTransaction([bitmapClearStep(graph, bitmaps, args)]),

    async 'block-dirty-bitmap-remove'(args) {
      const { node, bitmap } = find(graph, bitmaps, args);
      bitmap.checkUse('remove');
      await bitmaps.removeEverywhere(node, bitmap);
    },
  } satisfies Partial<BlockHandlers>;
}

/** Adds a bitmap as a step of a transaction. */
export function bitmapAddStep(graph: BlockGraph, bitmaps: Bitmaps, args: BlockDirtyBitmapAdd): TransactionStep {
  let added: { readonly node: BlockNode; readonly bitmap: DirtyBitmap } | undefined;
  return {
    prepare() {
      const { node: nodeName, name, granularity, persistent = false, disabled = false } = args;
      if (name === '') throw invalid('Bitmap name cannot be empty');
      const node = graph.reference(nodeName);
      const options = granularity === undefined ? {} : { granularity };
      added = { node, bitmap: bitmaps.add(node, name, { ...options, persistent, recording: !disabled }) };
    },
    abort() {
      if (added !== undefined) bitmaps.remove(added.node, added.bitmap);
    },
  };
}

/** Clears a bitmap as a step of a transaction. */
export function bitmapClearStep(graph: BlockGraph, bitmaps: Bitmaps, args: BlockDirtyBitmap): TransactionStep {
  let cleared: { readonly bitmap: DirtyBitmap; readonly before: DirtyBits } | undefined;
  return {
    async prepare() {
      const { bitmap } = find(graph, bitmaps, args);
      bitmap.checkUse('change');
      await bitmap.beforeChange();
      cleared = { bitmap, before: bitmap.clear() };
    },
    abort() {
      cleared?.bitmap.restore(cleared.before);
    },
  };
}

function find(graph: BlockGraph, bitmaps: Bitmaps, { node: nodeName, name }: BlockDirtyBitmap) {
  const node = graph.reference(nodeName);
  return { node, bitmap: bitmaps.named(node, name) };
}
