import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** How long a process that has closed its output may take to end, in milliseconds, for its end to be the reason. */
const TIME_TO_END = 1000;

/** A process, as far as its end goes. */
export interface EndingProcess {
  /** Where it is a pipe, what it writes there stands in the error when the connection ends. */
  readonly stderr?: Readable | null;
  readonly exitCode?: number | null;
  readonly signalCode?: NodeJS.Signals | null;
  once?(event: 'exit' | 'error', listener: (first: unknown) => void): unknown;
}

const hasEnded = ({ exitCode, signalCode }: EndingProcess): boolean =>
  typeof exitCode === 'number' || Boolean(signalCode);

/**
 * Finds out why the output of a process has ended; undefined when the process goes on.
 *
 * @param name what it is called in messages
 * @param stderr returns the last of its standard error
 * @param timeForStderr how long that is read for after its end, in milliseconds
 * @param failure returns why it could not be started
 */
export async function explainEnd(
  child: EndingProcess,
  name: string,
  stderr: () => string,
  timeForStderr: number,
  failure: () => Error | undefined,
): Promise<string | undefined> {
  const ended = new Promise<unknown>((resolve) => {
    if (failure() || hasEnded(child)) resolve(undefined);
    child.once?.('exit', resolve);
    child.once?.('error', resolve);
  });
  await Promise.race([ended, delay(TIME_TO_END, undefined, { ref: false })]);
  const error = failure();
  if (error) return cannotStart(name, error);
  if (!hasEnded(child)) return undefined;
  // What it wrote last may come behind the news of its end.
  const allRead = child.stderr ? finished(child.stderr, { writable: false }).catch(() => {}) : undefined;
  await Promise.race([allRead, delay(timeForStderr, undefined, { ref: false })]);
  const written = stderr().trim();
  return `${name} ${describeExit(child.exitCode, child.signalCode)}${written && `: ${written}`}`;
}

/** How a process ended, worded to stand behind its name. */
export function describeExit(code: number | null | undefined, signal: NodeJS.Signals | null | undefined): string {
  return signal ? `was ended by ${signal}` : `ended with status ${code}`;
}

/** Says why a program could not be started. */
export function cannotStart(program: string, error: NodeJS.ErrnoException): string {
  return `cannot start ${program}: ${error.code === 'ENOENT' ? 'it is not installed' : error.message}`;
}
