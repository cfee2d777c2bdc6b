import { type Backends, findBackend } from '../backend/lookup.js';
import { throttleConfigOfArguments } from '../backend/throttle-arguments.js';
import type { ThrottleGroups } from '../backend/throttle-group.js';
import { noMedium } from '../error.js';
import type { BlockHandlers } from './handlers.js';

/** What limiting needs of the layer. */
export interface ThrottleContext extends Backends {
  readonly throttleGroups: ThrottleGroups;
}

/** The command that limits a device. */
export function throttleCommands(context: ThrottleContext) {
  return {
    block_set_io_throttle(args) {
      const backend = findBackend(context, args);
      const name = args.device ?? args.id ?? '';
      if (backend.root === undefined) throw noMedium(name);
      backend.limit(context.throttleGroups, throttleConfigOfArguments(args), name, args.group);
    },
  } satisfies Partial<BlockHandlers>;
}
