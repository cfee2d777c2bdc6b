import type { ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type QmpClient } from './client.js';
import type { ConnectOptions } from './client-options.js';
import { explain } from './explain.js';
import { QmpConnectionError } from './failure.js';
import { keepText, TIME_FOR_STDERR } from './monitor-process.js';
import { Reaper } from './reaper.js';
import type { QmpSchema } from './schema.js';

/** How a program ended. */
export interface ProgramExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that was started, from its start to its end. */
export class RunningProgram {
  readonly child: ChildProcess;
  readonly exited: Promise<ProgramExit>;
  readonly #program: string;
  readonly #stderr: () => string;
  #end: ProgramExit | undefined;
  #failure: Error | undefined;

  constructor(program: string, child: ChildProcess, folder: string) {
    this.#program = program;
    this.child = child;
    this.#stderr = keepText(child.stderr);
    const reaper = new Reaper(child, folder);
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const exited = new Promise<ProgramExit>((resolve) => {
      child.on('error', (error) => {
        this.#failure ??= error;
        if (child.pid === undefined) resolve({ code: null, signal: null });
      });
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    this.exited = exited.then(async (exit) => {
      await Promise.race([closed, delay(TIME_FOR_STDERR, undefined, { ref: false })]);
      this.#end = exit;
      await rm(folder, { recursive: true, force: true }).catch(() => {});
      reaper.relieve();
      return exit;
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
      if (this.#end) throw await this.#endedEarly(this.#end);
      try {
        return await connect<S>(socket, { ...options, connectTimeout: Math.max(1, deadline - Date.now()) });
      } catch (error) {
        const notYet = error instanceof QmpConnectionError && isNotThere(error.cause);
        if (!notYet || Date.now() > deadline) throw this.#end ? await this.#endedEarly(this.#end) : error;
      }
      await Promise.race([delay(pause), this.exited]);
    }
  }

  /** Ends it without asking. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  async #endedEarly({ code, signal }: ProgramExit): Promise<Error> {
    const cause = this.#failure;
    const program = this.#program;
    const early = 'before it could be connected to';
    const why = await explain(({ cannotStart, describeExit }) =>
      cause ? cannotStart(program, cause) : `${program} ${describeExit(code, signal)} ${early}`,
    );
    const written = cause ? '' : this.stderr.trim();
    const message = `${why ?? `${program} ended ${early}`}${written && `: ${written}`}`;
    return new QmpConnectionError(message, cause && { cause });
  }
}

/** Whether a connection failed because the program does not listen yet. */
const isNotThere = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED');
