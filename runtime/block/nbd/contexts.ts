import type { NbdContext, NbdExport, NbdState } from './export.js';
import { allocationContext, dirtyBitmapPrefix, ExtentState } from './protocol.js';

/** A context that a client has chosen. */
export interface ChosenContext {
  /** What it is called in replies. */
  readonly id: number;
  readonly context: NbdContext;
}

/** The contexts of an export, `base:allocation` first. */
function contextsOf(exported: NbdExport): ChosenContext[] {
  return [allocationOf(exported), ...(exported.contexts ?? [])].map((context, index) => ({ id: index + 1, context }));
}

/**
 * The contexts that the queries of a client match: their names, and in a listing also those of a name space, with `base:`, `qemu:`
 * or `qemu:dirty-bitmap:`. A listing without queries is of all.
 */
export function matching(exported: NbdExport, queries: readonly string[], listing: boolean): ChosenContext[] {
  const matches = ({ context: { name } }: ChosenContext): boolean =>
    queries.includes(name) || (listing && (queries.length === 0 || queries.some((query) => isSpaceOf(query, name))));
  return contextsOf(exported).filter(matches);
}

function isSpaceOf(query: string, name: string): boolean {
  return name.startsWith(query) && ['base:', 'qemu:', dirtyBitmapPrefix].includes(query);
}

function allocationOf(exported: NbdExport): NbdContext {
  return {
    name: allocationContext,
    async status(offset, length, options): Promise<NbdState[]> {
      const extents = await exported.blockStatus(offset, length, options);
      return extents.map((extent) => ({
        length: extent.length,
        state: (extent.hole ? ExtentState.hole : 0) | (extent.zero ? ExtentState.zero : 0),
      }));
    },
  };
}
