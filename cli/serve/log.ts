import { Writable } from 'node:stream';
import { type Logger, pino } from 'pino';
import type { Output } from '../host.js';

/** How much a server tells, from all to nothing. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** What a server tells its operator: a line of JSON each. */
export type ServerLog = Logger;

/** A log that writes to an output, at once: what was told before the process dies is there. */
export function serverLog(output: Output, level: string): ServerLog {
  // Who does not read the log any more does not end the server.
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

/** Tells that the server is ready, which whoever started it waits for: also where the level hides what is as unimportant. */
export function tellReady(
  log: ServerLog,
  places: { readonly qmp: readonly string[]; readonly nbd: readonly string[] },
): void {
  const told = log.level === 'silent' ? log : log.child({}, { level: 'info' });
  told.info(places, 'ready');
}
