import type { Command } from 'commander';
import type { Host } from './host.js';

/** One subcommand, in a file of its own. */
export interface Subcommand {
  /** Declares operands, options and examples. */
  declare(command: Command): void;
  /** Long options that may be shortened as long as no other of them begins so. Default: none. */
  readonly abbreviated?: readonly string[];
  /** Does the work and returns the exit code. The operands and options are the command's. */
  run(command: Command, host: Host): Promise<number>;
}

/** What went well, what did not, and what must not happen; `docs/cli.md` explains them. */
export const exitCodes = { ok: 0, problems: 1, bug: 2, interrupted: 130 } as const;
