import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { Host } from './host.js';

/** Where a program is that is named as in a command line: its path, or its name in one of the folders of `PATH`. */
export function findProgram(named: string, { cwd, env }: Pick<Host, 'cwd' | 'env'>): string | undefined {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const places = /[\\/]/.test(named) ? [resolve(cwd, named)] : folders.map((folder) => join(folder, named));
  return places.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
