import type { Bitmaps } from '../bitmaps/bitmaps.js';
import { BlockError } from '../error.js';
import { type ActivationHooks, activate, inactivate } from '../graph/activation.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockHandlers } from './handlers.js';

/** The command that hands images from one program to another. */
export function activationCommand(graph: BlockGraph, bitmaps: Bitmaps) {
  return {
    async 'blockdev-set-active'({ 'node-name': name, active }) {
      const nodes = name === undefined ? [...graph.nodes] : [graph.deviceOrNode(undefined, name)];
      await (active ? activate : inactivate)(graph, nodes, bitmapsFollow(bitmaps));
    },
  } satisfies Partial<BlockHandlers>;
}

/** The bitmaps that an image keeps are stored in it when it is handed over, and read again when it is taken back. */
export function bitmapsFollow(bitmaps: Bitmaps): ActivationHooks {
  return {
    check(node) {
      const busy = bitmaps.of(node).find(({ persistent, busy }) => persistent && busy);
      if (busy !== undefined) {
        throw new BlockError(
          `Bitmap '${busy.name ?? ''}' is currently in use by another operation and cannot be used`,
          {
            code: 'EBUSY',
          },
        );
      }
    },
    inactivated: (node) => bitmaps.forgetKept(node),
    activated: (node) => bitmaps.load(node),
  };
}
