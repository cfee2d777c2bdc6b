import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Host } from '../host.js';

/** So many lines are kept. */
export const historySize = 1000;

/** Lines that are not written down: what may be confidential, and what is of no use. */
const passing = /^\s|password|secret|^exit$/i;

/** Where the history is: in the folder for what programs remember of their use. */
export function historyFile({ XDG_STATE_HOME: state, HOME: home }: Host['env']): string {
  const folder = state?.startsWith('/') ? state : join(home || homedir(), '.local/state');
  return join(folder, 'qapi-ts', 'history');
}

/** The lines of earlier sessions, the latest first. */
export async function readHistory(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .reverse();
}

/** Keeps lines, the latest first, for later sessions. A history that cannot be kept is no reason to fail. */
export async function writeHistory(file: string, lines: readonly string[]): Promise<void> {
  const kept = lines.filter((line) => !passing.test(line)).slice(0, historySize);
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(
      file,
      kept
        .map((line) => `${line}\n`)
        .reverse()
        .join(''),
      { mode: 0o600 },
    );
  } catch {
    // The next session begins without it.
  }
}
