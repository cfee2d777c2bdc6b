import { events } from '../../../generated/index.js';
import type { RunState } from '../backend/run-state.js';
import type { BlockHandlers } from './handlers.js';

/**
 * What tells of the program.
 *
 * @param name what it is called, if anything
 */
export function programCommands(name: string | undefined, runState: RunState) {
  return {
    'query-events': () => [...events.keys()].map((event) => ({ name: event })),

    'query-name': () => (name === undefined ? {} : { name }),

    'query-status': () => ({
      running: runState.running,
      singlestep: false,
      status: runState.running ? 'running' : 'paused',
    }),
  } satisfies Partial<BlockHandlers>;
}
