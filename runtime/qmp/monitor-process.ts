import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { OpenedStreams } from './streams.js';

/** A process whose standard input and output are a monitor (`-qmp stdio`), or lead to one (`ssh`, `socat`). */
export interface MonitorProcess {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  /** Where it is a pipe, what it writes there stands in the error when the connection ends. */
  readonly stderr?: Readable | null;
  /** Its program, for messages. */
  readonly spawnfile?: string;
  readonly exitCode?: number | null;
  readonly signalCode?: NodeJS.Signals | null;
  once?(event: 'exit' | 'error', listener: (first: unknown) => void): unknown;
}

/** So much of the standard error is kept. */
const STDERR_LENGTH = 64 * 1024;

/** How long a process that has closed its output may take to end, in milliseconds, for its end to be the reason. */
const TIME_TO_END = 1000;

/** How long its standard error is read for after its end, in milliseconds: a program that it has left behind may hold that open for ever. */
export const TIME_FOR_STDERR = 200;

/** How a process ended, worded to stand behind its name. */
export function describeExit(code: number | null | undefined, signal: NodeJS.Signals | null | undefined): string {
  return signal ? `was ended by ${signal}` : `ended with status ${code}`;
}

/** Keeps the last of a standard error, where there is one to read. */
export function keepText(stream: Readable | null | undefined): () => string {
  let kept = '';
  const decoder = new TextDecoder();
  // Its encoding is left as it is: the stream may have other readers.
  stream?.on('data', (chunk: Buffer | string) => {
    const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    kept = (kept + text).slice(-STDERR_LENGTH);
  });
  return () => kept;
}

/** The name of a process in messages. */
export const nameOf = ({ spawnfile }: MonitorProcess): string => spawnfile || 'the process';

/** The streams of a process, which tell how it ended. */
export function streamsOf(child: MonitorProcess): OpenedStreams {
  const { stdin, stdout } = child;
  if (!stdin || !stdout)
    throw new TypeError("a process that speaks QMP must be spawned with 'pipe' for stdin and stdout");
  const stderr = keepText(child.stderr);
  const allRead = child.stderr ? finished(child.stderr, { writable: false }).catch(() => {}) : undefined;
  let failure: NodeJS.ErrnoException | undefined;
  const ended = new Promise<void>((resolve) => {
    if (typeof child.exitCode === 'number' || child.signalCode) resolve();
    child.once?.('exit', () => resolve());
    child.once?.('error', (error) => {
      failure = error as NodeJS.ErrnoException;
      resolve();
    });
  });
  return {
    readable: stdout,
    writable: stdin,
    async explain() {
      await Promise.race([ended, delay(TIME_TO_END, undefined, { ref: false })]);
      const name = nameOf(child);
      if (failure) return cannotStart(name, failure);
      if (typeof child.exitCode !== 'number' && !child.signalCode) return undefined;
      // What it wrote last may come behind the news of its end.
      await Promise.race([allRead, delay(TIME_FOR_STDERR, undefined, { ref: false })]);
      const written = stderr().trim();
      return `${name} ${describeExit(child.exitCode, child.signalCode)}${written && `: ${written}`}`;
    },
  };
}

/** Says why a program could not be started. */
export function cannotStart(program: string, error: NodeJS.ErrnoException): string {
  return `cannot start ${program}: ${error.code === 'ENOENT' ? 'it is not installed' : error.message}`;
}
