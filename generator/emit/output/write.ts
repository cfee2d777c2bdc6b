import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { GeneratedFile } from '../target.js';
import { compareFolder, stagingPrefix, usingFolder } from './folder.js';

/** What a run did to the output folder. Paths are relative to it. */
export interface WriteResult {
  readonly written: readonly string[];
  readonly removed: readonly string[];
  readonly unchanged: number;
}

/**
 * Makes a folder hold exactly the generated files, beside whatever else is in it. Files whose bytes would not change are not
 * touched, files of an earlier run that are not generated any more are removed.
 *
 * The run changes nothing before all new files lie complete in a staging folder. Then they take their places by renaming; if that
 * fails, what has been moved is moved back. A signal that arrives meanwhile waits.
 *
 * @throws {OutputError} when the folder was not written by this tool, or cannot be written
 */
export function writeFiles(folder: string, files: readonly GeneratedFile[]): WriteResult {
  const root = resolve(folder);
  return usingFolder(folder, () => {
    const { changed, missing, stale, unchanged } = compareFolder(root, files);
    const written = [...changed.map(({ file }) => file), ...missing];
    if (written.length > 0 || stale.length > 0) replace(root, written, stale);
    return { written: written.map((file) => file.path).sort(), removed: stale, unchanged };
  });
}

function replace(root: string, files: readonly GeneratedFile[], stale: readonly string[]): void {
  const isNew = statSync(root, { throwIfNoEntry: false }) === undefined;
  mkdirSync(root, { recursive: true });
  removeLeftovers(root);
  const staging = mkdtempSync(join(root, `${stagingPrefix}${process.pid}-`));
  let done = false;
  try {
    for (const file of files) writeBelow(join(staging, 'new'), file);
    holdingSignals(() => commit(root, staging, files, stale));
    done = true;
  } finally {
    rmSync(staging, { recursive: true, force: true });
    if (isNew && !done) rmSync(root, { recursive: true, force: true });
  }
}

function writeBelow(folder: string, file: GeneratedFile): void {
  const path = join(folder, file.path);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, file.text);
}

/** Moves the old files out and the new ones in. What is done is undone, last first, when a step fails. */
function commit(root: string, staging: string, files: readonly GeneratedFile[], stale: readonly string[]): void {
  const undo: (() => void)[] = [];
  const move = (from: string, to: string): void => {
    mkdirSync(dirname(to), { recursive: true });
    renameSync(from, to);
    undo.push(() => renameSync(to, from));
  };
  try {
    for (const path of stale) move(join(root, path), join(staging, 'old', path));
    for (const { path } of files) {
      const target = join(root, path);
      if (statSync(target, { throwIfNoEntry: false })) move(target, join(staging, 'old', path));
      move(join(staging, 'new', path), target);
    }
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
  for (const path of stale) removeEmptyFolders(root, dirname(path));
}

function removeEmptyFolders(root: string, path: string): void {
  for (let folder = path; folder !== '.'; folder = dirname(folder)) {
    if (readdirSync(join(root, folder)).length > 0) return;
    rmdirSync(join(root, folder));
  }
}

/** Staging folders of runs that were killed. */
function removeLeftovers(root: string): void {
  for (const name of readdirSync(root)) {
    const owner = name.startsWith(stagingPrefix) ? Number.parseInt(name.slice(stagingPrefix.length), 10) : Number.NaN;
    if (owner > 0 && !isRunning(owner)) rmSync(join(root, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
let holding = false;

/** Runs something that a signal must not tear apart. The signal takes effect afterwards. */
function holdingSignals(action: () => void): void {
  if (!holding) {
    holding = true;
    for (const signal of signals) process.on(signal, raise);
    // Signals that come while this turn of the event loop lasts are delivered before that.
    setImmediate(() => {
      holding = false;
      for (const signal of signals) process.removeListener(signal, raise);
    });
  }
  action();
}

function raise(signal: NodeJS.Signals): void {
  process.removeListener(signal, raise);
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}
