import type { DirtyBitmap } from '../bitmaps/bitmap.js';
import type { DirtyBits } from '../bitmaps/dirty-bits.js';
import type { Child, NodeView } from '../driver.js';
import { belowFilters } from '../io/status.js';
import type { NbdContext, NbdState } from '../nbd/export.js';
import { DirtyState, depthContext, dirtyBitmapPrefix } from '../nbd/protocol.js';
import type { Backend } from './backend.js';

/** The most states that one request is answered with. A client asks again for what is left. */
const mostStates = 1024;

/**
 * The states of a stretch, of which neighbours that are alike are one.
 *
 * @param next the state at an offset, and how far it reaches, at most so many bytes
 */
export async function statesOf<State extends { length: number }>(
  offset: number,
  length: number,
  { one }: { readonly one: boolean },
  next: (offset: number, length: number) => Promise<State>,
  areAlike: (before: State, found: State) => boolean,
): Promise<State[]> {
  const most = one ? 1 : mostStates;
  const states: State[] = [];
  const end = offset + length;
  for (let position = offset; position < end; ) {
    const found = await next(position, end - position);
    const last = states.at(-1);
    if (last !== undefined && areAlike(last, found)) {
      last.length += found.length;
    } else {
      if (states.length === most) break;
      states.push({ ...found });
    }
    position += found.length;
  }
  return states;
}

const sameState = (before: NbdState, found: NbdState): boolean => before.state === found.state;

/** How deep in the chain of backing files data lies: 1 is the uppermost layer, 0 means that no layer has it. */
export function allocationDepthOf(backend: Backend): NbdContext {
  return {
    name: depthContext,
    status(offset, length, options) {
      const next = async (at: number, most: number): Promise<NbdState> => {
        const { status, depth } = await backend.chainStatus(at, most);
        if (status.allocated) return { length: status.length, state: depth + 1 };
        // What a shorter backing file does not reach are zeroes of its own, as QEMU counts.
        const below = status.zero && layerAt(backend.root, depth)?.backing !== undefined;
        return { length: status.length, state: below ? depth + 2 : 0 };
      };
      return statesOf(offset, length, options, next, sameState);
    },
  };
}

/** The node that some backing links lead to. */
function layerAt(root: Child | undefined, depth: number): NodeView | undefined {
  let edge = root;
  for (let link = 0; edge !== undefined; link++) {
    edge = belowFilters(edge);
    if (link === depth) break;
    edge = edge.node.backing;
  }
  return edge?.node;
}

/** What a bitmap has recorded. */
export function contextOf(bitmap: DirtyBitmap): NbdContext {
  return {
    name: `${dirtyBitmapPrefix}${bitmap.name ?? ''}`,
    status(offset, length, options) {
      const next = async (at: number, most: number): Promise<NbdState> => dirtyState(bitmap.bits, at, most);
      return statesOf(offset, length, options, next, sameState);
    },
  };
}

function dirtyState(bits: DirtyBits, offset: number, most: number): NbdState {
  const found = bits.run(offset, Number.MAX_SAFE_INTEGER);
  if (found === undefined || found.offset >= offset + most) return { length: most, state: 0 };
  if (found.offset > offset) return { length: found.offset - offset, state: 0 };
  return { length: Math.min(most, found.offset + found.length - offset), state: DirtyState.dirty };
}
