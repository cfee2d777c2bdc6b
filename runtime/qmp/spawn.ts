import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { QmpClient } from './client.js';
import type { ConnectOptions } from './client-options.js';
import { type EndOptions, endProgram } from './end-program.js';
import { type ProgramExit, RunningProgram } from './running-program.js';
import type { AnySchema, QmpSchema } from './schema.js';
import { LONGEST_SOCKET_PATH } from './socket-path.js';

/** How a program is started, connected to, and ended. */
export type SpawnOptions = ConnectOptions &
  EndOptions & {
    /** The program, by name or path. */
    readonly program?: string;
    /** Its arguments, beside those that make the monitor. */
    readonly args?: readonly string[];
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    /**
     * Its standard input, output and error, and behind them the file descriptors 3, 4, … that it inherits, as for `spawn` of
     * `node:child_process`. Default: `['ignore', 'ignore', 'pipe']`.
     */
    readonly stdio?: StdioOptions;
  };

/** A program that runs, and a client that is connected to it. It ends with this process, however that ends. */
export interface SpawnedProgram<S extends QmpSchema> extends AsyncDisposable {
  readonly client: QmpClient<S>;
  readonly process: ChildProcess;
  /** The path of its QMP socket, in a folder that only this user may enter. */
  readonly socket: string;
  /** Settles when the program has ended. */
  readonly exited: Promise<ProgramExit>;
  /** The last of what it wrote to its standard error, where `stdio` leaves that a pipe. */
  readonly stderr: string;
  /**
   * Asks the program to end, waits until it has, and removes its socket. One that does not is sent SIGTERM, and then SIGKILL.
   *
   * @param options instead of those that it was started with
   */
  close(options?: EndOptions): Promise<ProgramExit>;
}

/**
 * Starts a system emulator with a QMP socket of its own and connects to it. Without arguments it has no machine, no devices and
 * no window.
 *
 * @example
 * await using qemu = await spawnQemu<{ commands: Commands; events: Events }>({ args: ['-machine', 'q35', '-display', 'none'] });
 * await qemu.client.execute('query-status');
 */
export function spawnQemu<S extends QmpSchema = AnySchema>(options: SpawnOptions = {}): Promise<SpawnedProgram<S>> {
  const { program = 'qemu-system-x86_64', args = ['-machine', 'none', '-display', 'none', '-nodefaults'] } = options;
  return spawnProgram<S>(program, args, (socket) => ['-qmp', `unix:${socket}`], options);
}

/** Starts a storage daemon with a QMP socket of its own and connects to it. */
export function spawnStorageDaemon<S extends QmpSchema = AnySchema>(
  options: SpawnOptions = {},
): Promise<SpawnedProgram<S>> {
  const { program = 'qemu-storage-daemon', args = [] } = options;
  const monitor = (socket: string): string[] => [
    ...['--chardev', `socket,id=qapi-ts,path=${socket}`],
    ...['--monitor', 'chardev=qapi-ts'],
  ];
  return spawnProgram<S>(program, args, monitor, options);
}

/** What the path of the socket has behind the folder for temporary files: `/qapi-ts-XXXXXX/qmp.sock`. */
const BEHIND_FOLDER = 24;

async function spawnProgram<S extends QmpSchema>(
  program: string,
  args: readonly string[],
  monitor: (socket: string) => readonly string[],
  options: SpawnOptions,
): Promise<SpawnedProgram<S>> {
  const isShort = Buffer.byteLength(tmpdir()) + BEHIND_FOLDER <= LONGEST_SOCKET_PATH;
  const folder = await mkdtemp(join(isShort ? tmpdir() : '/tmp', 'qapi-ts-'));
  const socket = join(folder, 'qmp.sock');
  const running = await start(program, folder, options, [
    ...args,
    // Every release has understood these options in this form.
    ...monitor(`${socket.replaceAll(',', ',,')},server=on,wait=off`),
  ]);
  try {
    const client = await running.connect<S>(socket, options);
    return expose(running, client, socket, options);
  } catch (error) {
    await running.kill();
    throw error;
  }
}

async function start(
  program: string,
  folder: string,
  options: SpawnOptions,
  args: readonly string[],
): Promise<RunningProgram> {
  const { stdio = ['ignore', 'ignore', 'pipe'], cwd, env } = options;
  try {
    const child = spawn(program, args, { stdio, ...(cwd !== undefined && { cwd }), ...(env && { env }) });
    return new RunningProgram(program, child, folder);
  } catch (error) {
    // What Node.js refuses at once.
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

function expose<S extends QmpSchema>(
  running: RunningProgram,
  client: QmpClient<S>,
  socket: string,
  options: EndOptions,
): SpawnedProgram<S> {
  const { child, exited } = running;
  let closing: Promise<ProgramExit> | undefined;
  const close = async (given: EndOptions = {}): Promise<ProgramExit> => {
    const exit = await endProgram(client as unknown as QmpClient, child, exited, { ...options, ...given });
    await client.close();
    return exit;
  };
  return {
    client,
    process: child,
    socket,
    exited,
    get stderr() {
      return running.stderr;
    },
    close: (given) => (closing ??= close(given)),
    async [Symbol.asyncDispose]() {
      await this.close();
    },
  };
}
