import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type QmpClient } from './client.js';
import type { ConnectOptions } from './client-options.js';
import { QmpConnectionError } from './failure.js';
import { cannotStart, describeExit, keepText } from './monitor-process.js';
import type { AnySchema, QmpSchema } from './schema.js';

/** How a program is started. */
export type SpawnOptions = ConnectOptions & {
  /** The program, by name or path. */
  readonly program?: string;
  /** Its arguments, beside those that make the monitor. */
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** How long it may take to end after it was asked to, in milliseconds, before it is killed. Default: 5000. */
  readonly quitTimeout?: number;
};

/** How a program ended. */
export interface ProgramExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that runs, and a client that is connected to it. */
export interface SpawnedProgram<S extends QmpSchema> extends AsyncDisposable {
  readonly client: QmpClient<S>;
  readonly process: ChildProcess;
  /** The path of its QMP socket, in a folder that only this user may enter. */
  readonly socket: string;
  /** Settles when the program has ended. */
  readonly exited: Promise<ProgramExit>;
  /** The last of what it wrote to its standard error. */
  readonly stderr: string;
  /** Asks the program to quit, waits until it has ended, and removes its socket. One that does not listen is killed. */
  close(): Promise<ProgramExit>;
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
  return spawnProgram<S>(program, args, '-', ['-mon', 'chardev=qapi-ts,mode=control'], options);
}

/** Starts a storage daemon with a QMP socket of its own and connects to it. */
export function spawnStorageDaemon<S extends QmpSchema = AnySchema>(
  options: SpawnOptions = {},
): Promise<SpawnedProgram<S>> {
  const { program = 'qemu-storage-daemon', args = [] } = options;
  return spawnProgram<S>(program, args, '--', ['--monitor', 'chardev=qapi-ts'], options);
}

const QUIT_TIMEOUT = 5000;
/** The longest path that a unix socket can have everywhere. */
const LONGEST_PATH = 100;

async function spawnProgram<S extends QmpSchema>(
  program: string,
  args: readonly string[],
  dashes: string,
  monitor: readonly string[],
  options: SpawnOptions,
): Promise<SpawnedProgram<S>> {
  const folder = await mkdtemp(join(tmpdir().length < LONGEST_PATH - 20 ? tmpdir() : '/tmp', 'qapi-ts-'));
  const socket = join(folder, 'qmp.sock');
  // In this form both options have been understood by every release.
  const chardev = `socket,id=qapi-ts,path=${socket.replaceAll(',', ',,')},server=on,wait=off`;
  const child = spawn(program, [...args, `${dashes}chardev`, chardev, ...monitor], {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.env && { env: options.env }),
  });
  const running = new RunningProgram(program, child, folder);
  try {
    const client = await running.connect<S>(socket, options);
    return running.expose(client, socket, options.quitTimeout ?? QUIT_TIMEOUT);
  } catch (error) {
    await running.kill();
    throw error;
  }
}

class RunningProgram {
  readonly exited: Promise<ProgramExit>;
  readonly #program: string;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #stderr: () => string;
  #end: ProgramExit | undefined;
  #failure: Error | undefined;
  readonly #killWithUs = (): void => void this.#child.kill('SIGKILL');

  constructor(program: string, child: ChildProcess, folder: string) {
    this.#program = program;
    this.#child = child;
    this.#folder = folder;
    process.once('exit', this.#killWithUs);
    this.#stderr = keepText(child.stderr);
    this.exited = new Promise((resolve) => {
      const end = (exit: ProgramExit): void => {
        this.#end = exit;
        process.off('exit', this.#killWithUs);
        rm(this.#folder, { recursive: true, force: true }).finally(() => resolve(exit));
      };
      child.once('error', (error) => {
        this.#failure = error;
        end({ code: null, signal: null });
      });
      child.once('close', (code, signal) => end({ code, signal }));
    });
  }

  get stderr(): string {
    return this.#stderr();
  }

  /** Connects as soon as the program listens. */
  async connect<S extends QmpSchema>(socket: string, options: ConnectOptions): Promise<QmpClient<S>> {
    const { connectTimeout = 10_000 } = options;
    const deadline = Date.now() + connectTimeout;
    for (let pause = 5; ; pause = Math.min(pause * 2, 100)) {
      if (this.#end) throw this.#endedEarly(this.#end);
      try {
        return await connect<S>(socket, { ...options, connectTimeout: Math.max(1, deadline - Date.now()) });
      } catch (error) {
        const notYet = error instanceof QmpConnectionError && isNotThere(error.cause);
        if (!notYet || Date.now() > deadline) throw this.#end ? this.#endedEarly(this.#end) : error;
      }
      await Promise.race([delay(pause), this.exited]);
    }
  }

  expose<S extends QmpSchema>(client: QmpClient<S>, socket: string, quitTimeout: number): SpawnedProgram<S> {
    const running = this;
    const close = async (): Promise<ProgramExit> => {
      const quitting = client.executeUnknown('quit', undefined, { timeout: quitTimeout }).catch(() => {});
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), quitTimeout);
      await quitting;
      const exit = await this.exited;
      clearTimeout(timer);
      await client.close();
      return exit;
    };
    return {
      client,
      process: this.#child,
      socket,
      exited: this.exited,
      get stderr() {
        return running.stderr;
      },
      close,
      [Symbol.asyncDispose]: async () => void (await close()),
    };
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  #endedEarly({ code, signal }: ProgramExit): Error {
    if (this.#failure)
      return new QmpConnectionError(cannotStart(this.#program, this.#failure), { cause: this.#failure });
    return new QmpConnectionError(
      `${this.#program} ${describeExit(code, signal)} before it could be connected to${this.stderr && `: ${this.stderr.trim()}`}`,
    );
  }
}

/** Whether a connection failed because the program does not listen yet. */
const isNotThere = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED');
