import type { BlockExportOptions, NbdServerOptions, ObjectOptions } from '../../generated/index.js';
import type { EventSink } from '../qmp/event-sink.js';
import { Backend } from './backend/backend.js';
import { BlockExports } from './backend/block-exports.js';
import { ExportServer, type ExportSource } from './backend/export-server.js';
import { exportedBitmaps } from './backend/exported-bitmaps.js';
import { withDevice } from './backend/lookup.js';
import { RunState } from './backend/run-state.js';
import { ThrottleGroups } from './backend/throttle-group.js';
import { Bitmaps } from './bitmaps/bitmaps.js';
import { builtInDrivers } from './built-in-drivers.js';
import type { Clock } from './clock.js';
import { amendCommand } from './commands/amend.js';
import { backupCommands } from './commands/backup.js';
import { bitmapCommands } from './commands/bitmaps.js';
import { blockGraphCommand } from './commands/block-graph.js';
import { queryCommandLineOptions } from './commands/command-line-options.js';
import { commitCommand } from './commands/commit.js';
import { createCommand } from './commands/create.js';
import { addExport, type ExportCommandContext, exportCommands } from './commands/exports.js';
import { addNode, deleteNode, graphCommands } from './commands/graph.js';
import type { BlockHandlers } from './commands/handlers.js';
import { commitDrives } from './commands/human/commit.js';
import { humanMonitorCommands } from './commands/human/monitor.js';
import { inTurns } from './commands/in-turns.js';
import { jobCommands } from './commands/jobs.js';
import { histogramCommand } from './commands/latency-histogram.js';
import { machineCommands, machineQueries } from './commands/machine.js';
import { mediumCommands } from './commands/medium.js';
import { mirrorCommands } from './commands/mirror.js';
import { CommandServer, nbdServerCommands } from './commands/nbd-server.js';
import { objectHandlers } from './commands/objects.js';
import { programCommands } from './commands/program.js';
import { runIoLine } from './commands/qemu-io/run.js';
import { qomSource } from './commands/qom-source.js';
import { queryCommands } from './commands/queries.js';
import { replicationCommands } from './commands/replication.js';
import { runHandler } from './commands/run-handler.js';
import { activationCommand, bitmapsFollow } from './commands/set-active.js';
import { snapshotCommands } from './commands/snapshots.js';
import { streamCommand } from './commands/stream.js';
import { throttleCommands } from './commands/throttle.js';
import { makeThrottleGroup } from './commands/throttle-object.js';
import { transactionCommand } from './commands/transaction.js';
import type { DriveConfig, DriveRegistry } from './drive/config.js';
import type { DeviceConfig } from './drive/device.js';
import type { DeviceModel } from './drive/device-model.js';
import { Drives } from './drive/drives.js';
import type { BlockHost } from './driver.js';
import { BlockError, noMedium } from './error.js';
import { activate } from './graph/activation.js';
import { staysReadOnly } from './graph/flags.js';
import { BlockGraph } from './graph/graph.js';
import type { BlockNode } from './graph/node.js';
import type { DriverRegistry } from './graph/registry.js';
import type { DriverWhitelist } from './graph/whitelist.js';
import type { JobReport } from './jobs/job-work.js';
import { Jobs } from './jobs/jobs.js';
import type { NbdAddress, NbdServerOptions as NbdDefaults } from './nbd/server.js';
import { UserObjects } from './objects/user-objects.js';
import type { BlockOptions } from './options.js';
import { expectPassedSocket } from './passed-socket.js';
import { ofExport } from './permissions.js';
import { systemClock } from './system-clock.js';

/** What a block layer is made with. */
export interface BlockLayerOptions {
  /** Where events go: `server.events` of a QMP server. */
  readonly events: EventSink;
  /** Called with what the operator should know. Default: it is dropped. */
  readonly warn?: (message: string) => void;
  /** Called when a job begins, and when it is over. Must not throw. Default: it is dropped. */
  readonly onJob?: (report: JobReport) => void;
  /**
   * Something has happened after which going on would destroy data. It must not return: the program ends. Default: an exception
   * that is not caught.
   */
  readonly fatal?: (message: string) => void;
  /**
   * Rejects with a BlockError (EACCES) for files, URLs and sockets that may not be used. Called before a file is
   * opened, and again with its descriptor. Default: all may.
   */
  readonly authorize?: (path: string, fd?: number) => Promise<void>;
  /** Which drivers may be used. Default: all. */
  readonly whitelist?: DriverWhitelist;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: those that are built in. */
  readonly drivers?: DriverRegistry;
  /** For each NBD server: how many clients it takes, and where problems with them are reported. */
  readonly nbd?: NbdDefaults;
  /** Whether numbers of file descriptors stand for sockets that the parent process has passed on: while the server starts. Default: never. */
  readonly takesPassedSockets?: () => boolean;
  /** What `query-name` reports. Default: no name. */
  readonly name?: string | undefined;
}

/**
 * A block layer: nodes, backends, objects, and the handlers that put the generated dispatch in front of them.
 *
 * @example
 * let layer: BlockLayer | undefined;
 * const server = await createQmpServer({
 *   dispatch: commands,
 *   events,
 *   introspection,
 *   handlers: (sink) => (layer = new BlockLayer({ events: sink })).handlers,
 *   listen: 'unix:/run/qmp.sock',
 * });
 */
export class BlockLayer implements AsyncDisposable {
  /** What executes the commands of the schema. */
  readonly handlers: BlockHandlers;
  /** The nodes, what leads where, and who has which name. */
  readonly graph: BlockGraph;
  /** What `object-add` and `--object` have made. */
  readonly objects: UserObjects;
  /** What names and slots of drives are taken. */
  readonly registry: DriveRegistry;
  /** Backends that share limits. */
  readonly throttleGroups: ThrottleGroups;
  /** What goes on in the background. */
  readonly jobs: Jobs;
  /** What records writes. */
  readonly bitmaps = new Bitmaps();
  readonly #host: BlockHost;
  readonly #drives: Drives;
  /** What lines of `qemu-io` have begun. */
  readonly #begun = new Set<Promise<readonly string[]>>();
  readonly #exportServers = new Set<ExportServer>();
  readonly #commandServer: CommandServer;
  readonly #exports: BlockExports;
  readonly #nbd: NbdDefaults;
  readonly #name: string | undefined;
  readonly #source: ExportSource;
  readonly #runState = new RunState();
  /** Temporary files of our own, which need not be allowed. */
  readonly #ownFiles = new Set<string>();

  constructor(options: BlockLayerOptions) {
    const { events: sink, warn = () => {}, clock = systemClock, fatal = throwUncaught, authorize, nbd = {} } = options;
    this.#nbd = nbd;
    this.#name = options.name;
    this.objects = new UserObjects(
      async (path, fd) => authorize?.(path, fd),
      (options) => makeThrottleGroup(this.throttleGroups, options),
    );
    this.#host = {
      events: sink,
      clock,
      warn,
      fatal,
      secret: (id) => this.objects.secretData(id),
      clientCredentials: (id) => this.objects.tlsCredentials(id, 'client'),
      passedSocket: (number) => (options.takesPassedSockets?.() ? expectPassedSocket(number) : undefined),
      throttle: (group) => this.throttleGroups.joinExisting(group),
      dirtyStretches: (node, name) => this.bitmaps.named(this.graph.reference(node), name).bits.runs(),
      authorize: async (path, fd) => (this.#ownFiles.has(path) ? undefined : authorize?.(path, fd)),
    };
    this.graph = new BlockGraph(this.#host, options.drivers ?? builtInDrivers(), options.whitelist);
    this.graph.onOpened = (node) => this.bitmaps.load(node);
    this.jobs = new Jobs(this.graph, options.onJob);
    this.throttleGroups = new ThrottleGroups(clock);
    this.#drives = new Drives({
      graph: this.graph,
      host: this.#host,
      throttleGroups: this.throttleGroups,
      ownFiles: this.#ownFiles,
      eject: (backend) => this.eject(backend),
    });
    this.registry = this.#drives;
    this.#source = {
      runState: this.#runState,
      backend: (name) => this.backend(name),
      openNode: async (of, { writable, allowsInactive }) => {
        const node = 'node' in of ? this.graph.deviceOrNode(undefined, of.node) : this.graph.reference(of.deviceOrNode);
        if (!allowsInactive) await activate(this.graph, [node], bitmapsFollow(this.bitmaps));
        return this.#anonymous(node, writable, allowsInactive);
      },
      closeNode: (backend) => this.graph.detachMedium(backend),
      bitmaps: (backend, wanted, writable) => exportedBitmaps(this.graph, this.bitmaps, backend, wanted, writable),
    };
    this.#exports = new BlockExports(sink);
    this.#commandServer = new CommandServer(this.#source, this.objects, nbd, (path) => this.#host.authorize(path));
    this.handlers = this.#handlers();
  }

  /** The named backends, in the order in which they were made, and those that have lost their names. */
  get backends(): Iterable<Backend> {
    return this.#drives.backends;
  }

  /** The backend of a name, if there is one. */
  backend(name: string): Backend | undefined {
    return this.#drives.backend(name);
  }

  /** Adds a node that is the monitor's, as `blockdev-add` does. @throws BlockError when it cannot be opened */
  addNode(options: BlockOptions): Promise<void> {
    return addNode(this.graph, options);
  }

  /** Adds an object, as `object-add` does. @throws BlockError when it cannot be made */
  addObject(options: ObjectOptions): Promise<void> {
    return this.objects.add(options);
  }

  /** Adds a backend with its medium. @throws BlockError when it cannot be made; nothing is left of it then */
  addDrive(config: DriveConfig): Promise<void> {
    return this.#drives.add(config);
  }

  /** Attaches a virtual device to a drive. @throws BlockError when there is no such drive, or it has a device, or the id is taken */
  addDevice(config: DeviceConfig): Promise<void> {
    return this.#drives.attach(config);
  }

  /** Attaches a virtual device as `device_add` does. @throws BlockError when there is nothing to attach it to, or the id is taken */
  plugDevice(model: DeviceModel): Promise<void> {
    return this.#drives.plug(model);
  }

  /**
   * Deletes a drive by its id, or a node by its node-name, as `drive_del` does. A device that uses the drive keeps a backend
   * without a name and a medium.
   *
   * @throws BlockError when there is none of that name, or it must stay
   */
  async deleteDrive(name: string): Promise<void> {
    const node = this.graph.node(name);
    await (node === undefined ? this.#drives.delete(name) : deleteNode(this.graph, node));
  }

  /** Starts an NBD server, without any exports yet. @throws BlockError when the address is not available */
  async openNbd(address: NbdAddress): Promise<ExportServer> {
    const server = await ExportServer.open(this.#source, address, this.#nbd);
    this.#exportServers.add(server);
    return server;
  }

  /** Starts the NBD server that commands use. @returns where it listens @throws BlockError when it runs, or cannot listen there */
  startNbdServer(options: NbdServerOptions): Promise<string> {
    return this.#commandServer.start(options, false);
  }

  /** Exports a node, as `block-export-add` does. @throws BlockError when it cannot be */
  addExport(options: BlockExportOptions): Promise<void> {
    return addExport(this.#exportContext, options);
  }

  /** Takes the medium out of a backend, and away from its clients: they are disconnected. */
  async eject(backend: Backend): Promise<void> {
    for (const server of this.#allExportServers()) await server.removeOf(backend);
    await this.graph.detachMedium(backend);
  }

  /** Disconnects NBD clients, ends all jobs, flushes and closes all images. */
  async close(): Promise<void> {
    for (const server of this.#exportServers) await server.close();
    this.#exportServers.clear();
    await this.#commandServer.stop();
    // What a job has begun may be limited to a few bytes each second: while all is drained, it is not.
    for (const job of this.jobs.all) job.interrupt();
    await this.graph.turns.run(() => this.graph.drainedAll(() => this.jobs.endAll()));
    for (const backend of this.backends) await this.eject(backend);
    await this.graph.close();
    this.objects.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #exportContext(): ExportCommandContext {
    return { graph: this.graph, exports: this.#exports, server: this.#commandServer, objects: this.objects };
  }

  #allExportServers(): ExportServer[] {
    const { running } = this.#commandServer;
    return running === undefined ? [...this.#exportServers] : [...this.#exportServers, running];
  }

  async #anonymous(node: BlockNode, writable: boolean, allowsInactive = false): Promise<Backend> {
    const backend = new Backend('', this.#host);
    backend.allowsInactive = allowsInactive;
    backend.root = await this.graph.attachRoot(node, backend, ofExport(!writable || staysReadOnly(node.flags)));
    return backend;
  }

  #handlers(): BlockHandlers {
    const { graph, jobs, bitmaps } = this;
    const queries = queryCommands(graph, bitmaps, () => this.#drives.queried);
    const changes = inTurns(graph.turns, {
      ...graphCommands(graph),
      ...activationCommand(graph, bitmaps),
      ...mediumCommands(this),
      ...nbdServerCommands(this.#commandServer),
      ...exportCommands(this.#exportContext),
      ...machineCommands({ graph, jobs, drives: this.#drives, runState: this.#runState, objects: this.objects }),
      ...jobCommands(jobs),
      ...streamCommand(jobs),
      ...commitCommand(jobs, bitmaps),
      ...mirrorCommands(jobs, bitmaps),
      ...backupCommands(jobs, bitmaps),
      ...bitmapCommands(graph, bitmaps),
      ...snapshotCommands(graph),
      ...transactionCommand(jobs, bitmaps),
      ...createCommand(jobs),
      ...amendCommand(jobs),
      ...replicationCommands(jobs, bitmaps),
    });
    const handlers: BlockHandlers = {
      ...changes,
      ...queries,
      'query-block-exports': () => this.#exports.describe(),
      ...throttleCommands(this),
      ...histogramCommand(this),
      ...blockGraphCommand(graph, jobs, () => this.backends),
      ...machineQueries(this.objects),
      ...objectHandlers(this.objects, qomSource(this.objects, graph, this.#drives)),
      ...queryCommandLineOptions(),
      ...humanMonitorCommands({
        registry: this.registry,
        addDrive: (config) => graph.turns.run(() => this.addDrive(config)),
        addNode: (options) => graph.turns.run(() => this.addNode(options)),
        deleteDrive: (name) => graph.turns.run(() => this.deleteDrive(name)),
        devices: () => queries['query-block']({}),
        nodes: () => queries['query-named-block-nodes']({}),
        run: (name, args) => Promise.resolve(runHandler(handlers, name, args)),
        commit: (name) => graph.turns.run(() => commitDrives(graph, this.#drives.named, name)),
        io: (name, line) => this.#io(name, line),
      }),
      ...programCommands(this.#name, this.#runState),
    };
    return handlers;
  }

  /** Runs a line of `qemu-io` on a device, or on a node through a backend of its own. */
  async #io(name: string, line: string): Promise<readonly string[]> {
    const device = this.backend(name) ?? withDevice(this, name);
    const alone = device === undefined ? this.graph.node(name) : undefined;
    const backend = device ?? (alone && (await this.#anonymous(alone, true)));
    if (backend === undefined) throw new BlockError(`Cannot find device='' nor node-name='${name}'`);
    const node = this.graph.mediumOf(backend);
    if (node === undefined) throw noMedium(name);
    try {
      return await runIoLine({ backend, node, begun: this.#begun }, line);
    } finally {
      if (device === undefined) await this.graph.detachMedium(backend);
    }
  }
}

function throwUncaught(message: string): void {
  setImmediate(() => {
    throw new Error(message);
  });
}
