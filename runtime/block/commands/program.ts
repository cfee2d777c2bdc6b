import { events } from '../../../generated/index.js';
import type { BlockHandlers } from './handlers.js';

/**
 * What tells of the program.
 *
 * @param name what it is called, if anything
 */
export function programCommands(name: string | undefined) {
  return {
    'query-events': () => [...events.keys()].map((event) => ({ name: event })),

    'query-name': () => (name === undefined ? {} : { name }),

    // There is no machine that something could stop.
    'query-status': () => ({ running: true, singlestep: false, status: 'running' }),
  } satisfies Partial<BlockHandlers>;
}
