import type { BlockExportOptions } from '../../../generated/index.js';
import type { BlockExports } from '../backend/block-exports.js';
import { BlockError, invalid } from '../error.js';
import { staysReadOnly } from '../graph/flags.js';
import type { BlockGraph } from '../graph/graph.js';
import type { UserObjects } from '../objects/user-objects.js';
import type { BlockHandlers } from './handlers.js';
import type { CommandServer } from './nbd-server.js';

/** What the commands of exports work on. */
export interface ExportCommandContext {
  readonly graph: BlockGraph;
  readonly exports: BlockExports;
  readonly server: CommandServer;
  readonly objects: UserObjects;
}

/** Commands that make, remove and list exports. */
export function exportCommands(context: ExportCommandContext) {
  const { graph, exports, server } = context;
  /** Runs a change once the command has been answered. */
  const later = (change: () => Promise<void>): void => {
    setImmediate(() => void graph.turns.run(change).catch((error: Error) => graph.host.warn(error.message)));
  };

  return {
    'block-export-add': (options) => addExport(context, options),

    'block-export-del': ({ id, mode = 'safe' }) => exports.remove(id, mode === 'hard', later),

    async 'nbd-server-add'({ device, name = device, description, writable = false, bitmap }) {
      const running = server.expectRunning();
      running.expectFree(name);
      await exports.add(name, running, {
        name,
        of: { deviceOrNode: device },
        writable,
        description,
        bitmaps: bitmap === undefined ? [] : [bitmap],
      });
    },

    'nbd-server-remove': ({ name, mode = 'safe' }) => exports.remove(name, mode === 'hard', later),
  } satisfies Partial<BlockHandlers>;
}

/**
 * Exports a node, as `block-export-add` does.
 *
 * @throws BlockError when the id is taken, or the node cannot be exported like that
 */
export async function addExport(
  { graph, exports, server, objects }: ExportCommandContext,
  options: BlockExportOptions,
): Promise<void> {
  const { id, type, 'node-name': node, writable = false, writethrough } = options;
  exports.checkId(id);
  if (type !== 'nbd') throw invalid(notBuiltIn(type));
  const { flags } = graph.deviceOrNode(undefined, node);
  if (writable && staysReadOnly(flags)) {
    throw new BlockError('Cannot export read-only node as writable', { code: 'EACCES' });
  }
  checkThreads(options.iothread, objects);
  await exports.add(id, server.expectRunning(), {
    name: options.name ?? node,
    of: { node },
    writable,
    writethrough,
    description: options.description,
    bitmaps: options.bitmaps,
    allocationDepth: options['allocation-depth'],
    allowsInactive: options['allow-inactive'],
  });
}

/** Why there is no export of a type. */
export function notBuiltIn(type: BlockExportOptions['type']): string {
  return `Exports of type '${type}' are not built into this server: only 'nbd' is`;
}

/** Requests are worked on by one event loop, whichever thread they are meant for; but the thread must be there. */
function checkThreads(threads: BlockExportOptions['iothread'], objects: UserObjects): void {
  if (Array.isArray(threads)) throw new BlockError('NBD export does not support multi-threading', { code: 'EINVAL' });
  if (threads !== undefined) expectThread(objects, threads);
}

/** @throws BlockError when there is no `iothread` object of an id */
export function expectThread({ all }: UserObjects, id: string): void {
  if (all.get(id)?.type !== 'iothread') throw new BlockError(`iothread "${id}" not found`, { code: 'ENOENT' });
}
