import { relative, resolve } from 'node:path';
import type { Host } from './host.js';
import { UserError } from './user-error.js';

/** The folder that a command writes: its absolute path, and as to be named to the user. */
export interface OutputFolder {
  readonly path: string;
  readonly name: string;
}

/**
 * The folder that the command line, or a configuration, names for the output.
 *
 * @param hint how to name one
 * @throws UserError when neither names one
 */
export function outputFolder(named: string | undefined, { cwd }: Host, hint = 'name one with -o'): OutputFolder {
  if (named === undefined) throw new UserError('there is no folder to write to', { hint });
  const path = resolve(cwd, named);
  return { path, name: relative(cwd, path) || '.' };
}
