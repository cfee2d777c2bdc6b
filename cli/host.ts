import type { Readable } from 'node:stream';
import type { ReadStream } from 'node:tty';

/** Where a subcommand prints. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** The width of the terminal in characters, where there is one. */
  readonly columns?: number;
}

/** What ends a process in order: Ctrl-C, a request, the end of its terminal. */
export const interrupts = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What a subcommand needs of the process around it; tests make their own. */
export interface Host {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  /** For what was asked for. */
  readonly stdout: Output;
  /** For what is said about it. */
  readonly stderr: Output;
  /** Whether the process is that of the command and may be ended with it, whatever hangs. */
  readonly ownsProcess?: boolean;
  /** Takes {@link interrupts} over from Node, which would end the process there and then: the signal tells of them instead. */
  catchInterrupt(): AbortSignal;
}

/** Whether a person reads what is printed and types what is read. */
export function isAtTerminal({ stdin, stdout }: Pick<Host, 'stdin' | 'stdout'>): boolean {
  return stdout.isTTY === true && (stdin as Partial<ReadStream>).isTTY === true;
}

/**
 * Whether to print colours: `FORCE_COLOR` says yes (or no, when it is `0` or `false`), `NO_COLOR` says no, otherwise
 * terminals get them unless they are dumb.
 */
export function wantsColours(output: Output, env: Host['env']): boolean {
  const forced = env.FORCE_COLOR;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  return output.isTTY === true && env.TERM !== 'dumb';
}
