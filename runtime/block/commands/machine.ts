import { emitDeviceDeleted, emitReset, emitResume, emitStop, type IOThreadInfo } from '../../../generated/index.js';
import type { JsonObject } from '../../json/value.js';
import { backendPath, devicePath } from '../backend/device-path.js';
import type { RunState } from '../backend/run-state.js';
import { readDeviceModel } from '../drive/device-model.js';
import type { Drives } from '../drive/drives.js';
import { BlockError } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import type { Jobs } from '../jobs/jobs.js';
import type { UserObjects } from '../objects/user-objects.js';
import { expectThread } from './exports.js';
import { findNode } from './find-node.js';
import type { BlockHandlers } from './handlers.js';

/** What the commands of a machine work on. */
export interface MachineContext {
  readonly graph: BlockGraph;
  readonly jobs: Jobs;
  readonly drives: Drives;
  readonly runState: RunState;
  readonly objects: UserObjects;
}

/** Commands that change the virtual devices, and stop them: what a program asks for that is made for a whole machine. */
export function machineCommands({ graph, jobs, drives, runState, objects }: MachineContext) {
  const { events } = graph.host;
  return {
    async stop() {
      if (!runState.stop()) return;
      // What the devices have begun is done before.
      await graph.drainedAll(async () => {});
      emitStop(events);
    },

    async cont() {
      if (runState.resume()) emitResume(events);
    },

    system_reset() {
      for (const { device } of drives.backends) device?.reset();
      emitReset(events, { guest: false, reason: 'host-qmp-system-reset' });
    },

    async device_add(args) {
      await drives.plug(readDeviceModel(args as unknown as JsonObject));
    },

    /** Requests are worked on by one event loop, whichever thread they are meant for. What cannot be meant is refused all the same. */
    'x-blockdev-set-iothread'({ 'node-name': name, iothread, force = false }) {
      const node = findNode(graph, name);
      if (node.hasBackend && !force) {
        throw new BlockError(
          `Node ${name} is associated with a BlockBackend and could be in use (use force=true to override this check)`,
          { code: 'EBUSY' },
        );
      }
      if (iothread !== null) expectThread(objects, iothread);
    },

    async device_del({ id }) {
      const gone = await drives.unplug(id, (medium) => jobs.endOn(medium));
      const part = backendPath(gone.model, gone.id);
      if (part !== undefined) emitDeviceDeleted(events, { path: part });
      emitDeviceDeleted(events, { device: gone.id, path: `${devicePath}${gone.id}` });
    },
  } satisfies Partial<BlockHandlers>;
}

/** Queries about a machine that there is not, and about the threads that objects stand for. */
export function machineQueries(objects: UserObjects) {
  return {
    'query-uuid': () => ({ UUID: '00000000-0000-0000-0000-000000000000' }),
    'query-tpm': () => [],
    'query-tpm-models': () => [],
    'query-tpm-types': () => [],
    'query-cpus-fast': () => [],

    'query-iothreads': () =>
      [...objects.all]
        .filter(([, { type }]) => type === 'iothread')
        .map(([id, { properties }]): IOThreadInfo => {
          const number = (name: string): number => Number(properties.get(name)?.value ?? 0);
          return {
            id,
            // There is one thread for all.
            'thread-id': process.pid,
            'poll-max-ns': number('poll-max-ns'),
            'poll-grow': number('poll-grow'),
            'poll-shrink': number('poll-shrink'),
            'poll-weight': number('poll-weight'),
            'aio-max-batch': number('aio-max-batch'),
          };
        }),
  } satisfies Partial<BlockHandlers>;
}
