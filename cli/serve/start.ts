import { unlinkSync } from 'node:fs';
import { emitShutdown, type ShutdownCause } from '../../generated/index.js';
import packageJson from '../../package.json' with { type: 'json' };
import {
  BlockLayer,
  BlockOptions,
  commands,
  type DriverWhitelist,
  events,
  introspection,
  olderForms,
} from '../../runtime/block/index.js';
import { isAbstract } from '../../runtime/qmp/abstract/name.js';
import type { ServerProblem } from '../../runtime/qmp/server/problem.js';
import { createQmpServer, type QmpServer } from '../../runtime/qmp/server/server.js';
import { formatSocketPlace } from '../../runtime/qmp/server/socket-place.js';
import type { Host } from '../host.js';
import { logJob, type ServerLog } from './log.js';
import { openMonitors } from './monitors.js';
import { naming } from './naming.js';
import type { OpenChardev } from './open-chardev.js';
import type { Planned, PlannedNbd, ServerPlan } from './plan.js';

/** What the server is to its clients: the newest release whose block layer it has. */
const version = { major: 11, minor: 1, micro: 0, package: `qapi-ts ${packageJson.version}` };

/** What a server is started with. */
export interface StartOptions {
  readonly plan: ServerPlan;
  readonly whitelist: DriverWhitelist;
  /** Throws for files that may not be used. Absent: all may. */
  readonly authorize: ((path: string, fd?: number) => Promise<void>) | undefined;
  /** What `query-name` reports. Absent: no name. */
  readonly name?: string | undefined;
  readonly host: Host;
  readonly log: ServerLog;
  /** Starting is to be given up. */
  readonly signal: AbortSignal;
}

/** A server that has been started. */
export interface RunningServer {
  /** Where its monitors and its NBD servers are. */
  readonly places: { readonly qmp: readonly string[]; readonly nbd: readonly string[] };
  /** Resolves when a client has asked it to quit, or no client can reach it any more. */
  readonly ended: Promise<void>;
  /** Disconnects all clients, writes what is cached and closes all images. @returns whether all could be written */
  close(): Promise<boolean>;
}

/**
 * Starts a server. One that cannot be started leaves nothing behind.
 *
 * @throws UserError that names the option which cannot be satisfied
 */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { plan, log } = options;
  const parts = await createParts(options);
  try {
    const nbd = await carryOut(plan, parts, options);
    parts.begun();
    const listening = await openMonitors(parts, options);
    return {
      places: { qmp: listening.places, nbd },
      ended: Promise.race([parts.quit, listening.deserted]),
      close: () => {
        if (plan.machine && options.signal.aborted) announceEnd(parts.server, 'host-signal');
        return closeParts(parts, log);
      },
    };
  } catch (error) {
    await closeParts(parts, log);
    throw error;
  }
}

interface Parts {
  readonly server: QmpServer;
  readonly layer: BlockLayer;
  /** Resolves when a client has asked to quit. */
  readonly quit: Promise<void>;
  /** What the options ask for is there: from now on it is clients that ask. */
  begun(): void;
  /** What else is to be undone, last first. */
  readonly undo: (() => Promise<void> | void)[];
  /** What monitors are connected by, which closes with their clients. */
  readonly chardevs: OpenChardev[];
  /** How often the layer has warned of something. */
  warnings(): number;
}

async function createParts({ plan, whitelist, authorize, name, log }: StartOptions): Promise<Parts> {
  let made: BlockLayer | undefined;
  let warnings = 0;
  let starting = true;
  let onQuit = (): void => {};
  const quit = new Promise<void>((resolve) => {
    onQuit = resolve;
  });
  const server = await createQmpServer({
    beforeQuit: () => plan.machine && announceEnd(server, 'host-qmp-quit'),
    onQuit: () => onQuit(),
    dispatch: commands,
    events,
    introspection,
    partial: true,
    olderForms,
    version,
    policy: plan.policy,
    crash: (reason) => {
      log.fatal(reason);
      process.abort();
    },
    onProblem: (problem) => tellProblem(problem, log),
    handlers: (sink) => {
      made = new BlockLayer({
        events: sink,
        whitelist,
        name,
        ...(authorize && { authorize }),
        takesPassedSockets: () => starting,
        warn: (message) => {
          warnings++;
          log.warn(message);
        },
        onJob: (report) => logJob(log, report),
        fatal: (message) => {
          log.fatal(message);
          process.exit(1);
        },
        nbd: { onProblem: (error) => log.warn({ err: error }, 'an NBD client was disconnected') },
      });
      return made.handlers;
    },
  });
  const begun = (): void => {
    starting = false;
  };
  return { server, layer: made as BlockLayer, quit, begun, undo: [], chardevs: [], warnings: () => warnings };
}

function announceEnd({ events: sink }: QmpServer, reason: ShutdownCause): void {
  emitShutdown(sink, { guest: false, reason });
}

function tellProblem(problem: ServerProblem, log: ServerLog): void {
  if (problem.kind === 'client') log.warn(problem.message);
  else log.error({ err: problem.error, command: problem.command }, 'a command failed unexpectedly');
}

/** Makes what the plan says; returns where NBD is served. */
async function carryOut(plan: ServerPlan, { layer, undo }: Parts, { log, signal }: StartOptions): Promise<string[]> {
  const each = async <T>(planned: readonly Planned<T>[], make: (config: T) => Promise<void> | void): Promise<void> => {
    for (const { option, config } of planned) {
      signal.throwIfAborted();
      await naming(option, () => make(config));
    }
  };
  await each(plan.objects, (object) => layer.addObject(object));
  await each(plan.blockdevs, (node) => layer.addNode(BlockOptions.flatten(node)));
  for (const { option, config } of plan.drives) {
    for (const warning of config.warnings) log.warn({ option }, warning);
  }
  await each(plan.drives, (drive) => layer.addDrive(drive));
  await each(plan.devices, (device) => ('model' in device ? layer.plugDevice(device) : layer.addDevice(device)));
  const places: string[] = [];
  for (const nbd of plan.nbd) {
    signal.throwIfAborted();
    places.push(await serveNbd(nbd, layer, undo));
  }
  const { nbdServer } = plan;
  if (nbdServer !== undefined)
    places.push(await naming(nbdServer.option, () => layer.startNbdServer(nbdServer.config)));
  await each(plan.exports, (options) => layer.addExport(options));
  return places;
}

async function serveNbd(
  { option, config, exports }: PlannedNbd,
  layer: BlockLayer,
  undo: Parts['undo'],
): Promise<string> {
  const server = await naming(option, async () => {
    const opened = await layer.openNbd(config);
    undo.push(() => opened.close());
    return opened;
  });
  if ('path' in config && !isAbstract(config.path)) undo.push(unlinkAtExit(config.path));
  for (const { option: exporting, config: exported } of exports) await naming(exporting, () => server.add(exported));
  return formatSocketPlace('path' in config ? config : { host: config.host, port: server.port ?? config.port });
}

/** Removes a socket also when the process ends in the middle of something; what it returns takes that back. */
function unlinkAtExit(path: string): () => void {
  const remove = (): void => {
    try {
      unlinkSync(path);
    } catch {
      // It is gone already.
    }
  };
  process.once('exit', remove);
  return () => void process.off('exit', remove);
}

/** Closes everything in order. What goes wrong meanwhile is logged, and does not keep the rest from being closed. */
async function closeParts({ server, layer, undo, chardevs, warnings }: Parts, log: ServerLog): Promise<boolean> {
  let well = true;
  const warned = warnings();
  const attempt = async (what: string, step: () => unknown): Promise<void> => {
    try {
      await step();
    } catch (error) {
      well = false;
      log.error({ err: error }, what);
    }
  };
  // Clients still see what ends: exports, and jobs.
  server.stopExecuting();
  for (const step of undo.reverse()) await attempt('an NBD server could not be closed', step);
  await attempt('the images could not be closed', () => layer.close());
  const monitors = () => Promise.all([server.close(), ...chardevs.map((chardev) => chardev.close())]);
  await attempt('the monitors could not be closed', monitors);
  // The layer warns of images that it could not flush or close.
  return well && warnings() === warned;
}
