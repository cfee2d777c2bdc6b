import { createHash } from 'node:crypto';
import type { BlockDirtyBitmap, BlockDirtyBitmapAdd, BlockDirtyBitmapMerge } from '../../../generated/index.js';
import type { DirtyBitmap } from '../bitmaps/bitmap.js';
import type { Bitmaps } from '../bitmaps/bitmaps.js';
import type { DirtyBits } from '../bitmaps/dirty-bits.js';
import { BlockError, invalid } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import { runTransaction, type TransactionStep } from '../transaction.js';
import type { BlockHandlers } from './handlers.js';

/** Commands that record what is written to nodes. */
export function bitmapCommands(graph: BlockGraph, bitmaps: Bitmaps) {
  const steps = bitmapSteps(graph, bitmaps);
  return {
    'block-dirty-bitmap-add': (args) => runTransaction([steps.add(args)]),
    'block-dirty-bitmap-remove': (args) => runTransaction([steps.remove(args)]),
    'block-dirty-bitmap-clear': (args) => runTransaction([steps.clear(args)]),
    'block-dirty-bitmap-enable': (args) => runTransaction([steps.record(args, true)]),
    'block-dirty-bitmap-disable': (args) => runTransaction([steps.record(args, false)]),
    'block-dirty-bitmap-merge': (args) => runTransaction([steps.merge(args)]),

    'x-debug-block-dirty-bitmap-sha256'(args) {
      return { sha256: digestOf(find(graph, bitmaps, args).bitmap.bits) };
    },
  } satisfies Partial<BlockHandlers>;
}

/** What is done to bitmaps, as steps of a transaction. */
export function bitmapSteps(graph: BlockGraph, bitmaps: Bitmaps) {
  return {
    add(args: BlockDirtyBitmapAdd): TransactionStep {
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
    },

    /** Until all steps are done the bitmap is there, and in use. */
    remove(args: BlockDirtyBitmap): TransactionStep {
      let found: { readonly node: BlockNode; readonly bitmap: DirtyBitmap } | undefined;
      let letGo = (): void => {};
      return {
        prepare() {
          found = find(graph, bitmaps, args);
          found.bitmap.checkUse('remove');
          letGo = found.bitmap.hold();
        },
        async commit() {
          if (found !== undefined) await bitmaps.removeEverywhere(found.node, found.bitmap);
        },
        clean: () => letGo(),
      };
    },

    clear(args: BlockDirtyBitmap): TransactionStep {
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
    },

    record(args: BlockDirtyBitmap, recording: boolean): TransactionStep {
      let changed: { readonly bitmap: DirtyBitmap; readonly before: boolean } | undefined;
      return {
        async prepare() {
          const { bitmap } = find(graph, bitmaps, args);
          bitmap.checkUse('change');
          await bitmap.beforeChange();
          changed = { bitmap, before: bitmap.recording };
          bitmap.record(recording);
        },
        abort() {
          changed?.bitmap.record(changed.before);
        },
      };
    },

    merge({ node, target: name, bitmaps: sources }: BlockDirtyBitmapMerge): TransactionStep {
      let merged: { readonly bitmap: DirtyBitmap; readonly before: DirtyBits } | undefined;
      return {
        async prepare() {
          const { bitmap } = find(graph, bitmaps, { node, name });
          bitmap.checkUse('change');
          const others = sources.map((source) => {
            const other = find(graph, bitmaps, typeof source === 'string' ? { node, name: source } : source).bitmap;
            other.checkUse('read');
            return other.bits;
          });
          await bitmap.beforeChange();
          merged = { bitmap, before: bitmap.merge(others) };
        },
        abort() {
          merged?.bitmap.unmerge(merged.before);
        },
      };
    },
  };
}

/** Granules whose bits are hashed at a time. */
const hashed = 8 * 1024 * 1024;

/** SHA-256 of a bit for each granule, the first one lowest, in words of 64 bits. */
function digestOf(bits: DirtyBits): string {
  const { granularity, size } = bits;
  const granules = Math.ceil(size / granularity);
  const hash = createHash('sha256');
  for (let first = 0; first === 0 || first < granules; first += hashed) {
    const count = Math.min(hashed, granules - first);
    const bytes = new Uint8Array(Math.max(1, Math.ceil(count / 64)) * 8);
    for (let at = first; at < first + count; ) {
      const run = bits.run(at * granularity, (first + count - at) * granularity);
      if (run === undefined) break;
      at = Math.max(at, run.offset / granularity);
      const end = Math.min(first + count, Math.ceil((run.offset + run.length) / granularity));
      for (; at < end; at++) bytes[(at - first) >>> 3] = (bytes[(at - first) >>> 3] ?? 0) | (1 << ((at - first) & 7));
    }
    hash.update(bytes);
  }
  return hash.digest('hex');
}

function find(graph: BlockGraph, bitmaps: Bitmaps, { node: nodeName, name }: BlockDirtyBitmap) {
  if (graph.node(nodeName) === undefined && graph.names.kind(nodeName) === undefined) {
    throw new BlockError(`Node '${nodeName}' not found`, { code: 'ENODEV' });
  }
  const node = graph.reference(nodeName);
  return { node, bitmap: bitmaps.named(node, name) };
}
