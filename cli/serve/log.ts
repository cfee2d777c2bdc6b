import { Writable } from 'node:stream';
import { type Logger, pino } from 'pino';
import type { JobReport } from '../../runtime/block/index.js';
import type { Output } from '../host.js';

/** How much a server tells, from all to nothing. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** What a server tells its operator: a line of JSON each. */
export type ServerLog = Logger;

/** A log that writes to an output, at once: what was logged before the process dies is there. */
export function serverLog(output: Output, level: string): ServerLog {
  // A reader that closes the log does not end the server.
  if (output instanceof Writable) output.on('error', () => {});
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => void output.write(line) },
  );
}

/** Logs that the server is ready, which its parent process waits for: also where the level hides lines of that importance. */
export function tellReady(
  log: ServerLog,
  places: { readonly qmp: readonly string[]; readonly nbd: readonly string[] },
): void {
  const ready = log.level === 'silent' ? log : log.child({}, { level: 'info' });
  ready.info(places, 'ready');
}

/** Logs that a job has begun, or how it has ended. */
export function logJob(log: ServerLog, { state, ...job }: JobReport): void {
  log.info(job, `job ${state}`);
}
