import { join } from 'node:path';
import type { JsonObject } from '../../runtime/json/value.js';
import { QmpTimeoutError } from '../../runtime/qmp/failure.js';
import type { AnySchema } from '../../runtime/qmp/schema.js';
import { type SpawnedProgram, spawnQemu, spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { LayerClient } from '../runtime/block/layer-client.js';

/** The seeds of random scripts: a few from `usual` on, or those that `JOB_SCRIPT_SEEDS=FIRST-LAST` names. */
export function scriptSeeds(usual: number, count = 5): number[] {
  const [first = usual, last = usual + count - 1] = (process.env.JOB_SCRIPT_SEEDS ?? '')
    .split('-')
    .filter(Boolean)
    .map(Number);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

interface Event {
  readonly name: string;
  readonly data: { readonly [member: string]: unknown };
}

/** A program that is driven by the script. */
export interface Side {
  readonly folder: string;
  /** Where guests come in. */
  readonly nbd: string;
  readonly events: Event[];
  /** Executes a command. `@` at the beginning of a text in its arguments stands for the folder. */
  execute(name: string, args: object): Promise<unknown>;
  /** It has ended by itself: it crashed. */
  died(): Promise<boolean>;
  close(): Promise<void>;
}

function inFolder(folder: string, args: object): object {
  return JSON.parse(JSON.stringify(args).replaceAll('"@', `"${folder}/`));
}

/** The block layer, in this process. */
export async function ours(folder: string): Promise<Side> {
  const client = new LayerClient();
  return {
    folder,
    nbd: `nbd+unix:///top?socket=${join(folder, 'nbd')}`,
    events: client.events as Event[],
    execute(name, given) {
      const args = inFolder(folder, given);
      return client.execute(name, name === 'blockdev-add' ? { options: args } : args);
    },
    died: async () => false,
    close: () => client.layer.close(),
  };
}

/** How long an answer may take before the program counts as one that runs in circles, in milliseconds. */
const patience = 20_000;

/** A program of release 7.2. */
function sideOf(folder: string, started: SpawnedProgram<AnySchema>): Side {
  const { client, exited } = started;
  const events: Event[] = [];
  client.onUnknown('*', ({ event, data }) => void events.push({ name: event, data: data as never }));
  return {
    folder,
    nbd: `nbd+unix:///top?socket=${join(folder, 'nbd')}`,
    events,
    async execute(name, given) {
      try {
        return await client.executeUnknown(name, inFolder(folder, given) as JsonObject, { timeout: patience });
      } catch (error) {
        // It counts as one that has crashed.
        if (error instanceof QmpTimeoutError) started.process.kill('SIGKILL');
        throw error;
      }
    },
    async died() {
      const waited = new Promise<false>((go) => setTimeout(go, 2000, false));
      return Promise.race([exited.then(() => true), waited]);
    },
    close: async () => void (await started.close()),
  };
}

/** The storage daemon of release 7.2. */
export async function real(folder: string): Promise<Side> {
  const side = sideOf(folder, await spawnStorageDaemon({ stdio: 'ignore' }));
  return {
    ...side,
    async execute(name, args) {
      if (name !== 'nbd-server-add') return side.execute(name === 'x-blockdev-del' ? 'blockdev-del' : name, args);
      const exported = { id: 'e', type: 'nbd', 'node-name': 'top', name: 'top', writable: true };
      return side.execute('block-export-add', exported);
    },
  };
}

/** The emulator of release 7.2, without any machine. */
export async function emulator(folder: string): Promise<Side> {
  return sideOf(folder, await spawnQemu({ stdio: 'ignore' }));
}
