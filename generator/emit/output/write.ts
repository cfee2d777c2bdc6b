import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { GeneratedFile } from '../target.js';
import { type Changes, compareFolder, readText, usingFolder } from './folder.js';
import { codeFolder, type OutputKind } from './kinds.js';
import { KnownTexts } from './known-texts.js';
import { holdingSignals } from './signals.js';

/** What a run did to the output folder. Paths are relative to it. */
export interface WriteResult {
  readonly written: readonly string[];
  readonly removed: readonly string[];
  readonly unchanged: number;
}

/** How the names of staging folders begin; the number of the process follows. */
const stagingPrefix = '.qapi-ts-';

/**
 * Makes a folder hold exactly the generated files, beside whatever else is in it. Files whose bytes would not change are not
 * touched, files of an earlier run that are not generated any more are removed.
 *
 * The run changes nothing before all new files lie complete in a staging folder. Then they take their places by renaming: a
 * new folder at once, files of an existing one each; if that fails, what has been moved is moved back. A signal that arrives
 * meanwhile waits.
 *
 * @param kind what the folder holds: code, unless it is said
 * @throws {OutputError} when the folder was not written by this tool, or cannot be written
 */
export function writeFiles(
  folder: string,
  files: readonly GeneratedFile[],
  kind: OutputKind = codeFolder,
): WriteResult {
  return write(folder, files, kind, readText);
}

/**
 * A {@link writeFiles} that remembers what it has found in files, and reads again only those that have changed since: for callers
 * that write after every change of a schema. The result is the same.
 */
export function incrementalWriter(): typeof writeFiles {
  const known = new KnownTexts();
  return (folder, files, kind = codeFolder) => write(folder, files, kind, (path) => known.read(path));
}

function write(
  folder: string,
  files: readonly GeneratedFile[],
  kind: OutputKind,
  read: (path: string) => string,
): WriteResult {
  const root = resolve(folder);
  return usingFolder(folder, () => {
    const changes = compareFolder(root, files, kind, read);
    const { changed, missing, stale, unchanged } = changes;
    if (statSync(root, { throwIfNoEntry: false }) === undefined) create(root, files);
    else if (changed.length + missing.length + stale.length > 0) update(root, changes);
    const written = [...changed.map(({ file }) => file.path), ...missing.map((file) => file.path)];
    return { written: written.sort(), removed: stale, unchanged };
  });
}

function create(root: string, files: readonly GeneratedFile[]): void {
  mkdirSync(dirname(root), { recursive: true });
  staged(dirname(root), basename(root), (staging) => {
    // The staging folder itself is not for others to read.
    const tree = join(staging, 'tree');
    const folders = new Set<string>();
    for (const file of files) {
      const path = join(tree, file.path);
      makeFolder(dirname(path), folders);
      writeFileSync(path, file.text);
    }
    renameSync(tree, root);
  });
}

function update(root: string, { changed, missing, stale }: Changes): void {
  staged(root, '', (staging) => {
    const placed = (file: GeneratedFile, index: number) => {
      const path = join(staging, `new-${index}`);
      writeFileSync(path, file.text);
      return { path, target: join(root, file.path) };
    };
    const replacements = changed.map(({ file }, index) => placed(file, index));
    const additions = missing.map((file, index) => placed(file, changed.length + index));
    const removals = stale.map((path, index) => ({ path: join(staging, `old-${index}`), target: join(root, path) }));
    holdingSignals(() => commit(replacements, additions, removals));
  });
  for (const path of new Set(stale.map((file) => dirname(file)))) removeEmptyFolders(root, path);
}

/** A file in the staging folder, and its place in the output. */
interface Move {
  readonly path: string;
  readonly target: string;
}

/** Moves old files out and new ones in. What is done is undone, last first, when a step fails. */
function commit(replacements: readonly Move[], additions: readonly Move[], removals: readonly Move[]): void {
  const undo: (() => void)[] = [];
  const folders = new Set<string>();
  try {
    for (const { path, target } of removals) {
      renameSync(target, path);
      undo.push(() => renameSync(path, target));
    }
    for (const { path, target } of replacements) {
      // The old file stays in its place until the new one takes it: a reader always finds one of them.
      const old = `${path}-old`;
      keep(target, old);
      renameSync(path, target);
      undo.push(() => renameSync(old, target));
    }
    for (const { path, target } of additions) {
      makeFolder(dirname(target), folders);
      renameSync(path, target);
      undo.push(() => unlinkSync(target));
    }
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

/** Makes a second name for a file, or a copy where the file system has no links. */
function keep(path: string, copy: string): void {
  try {
    linkSync(path, copy);
  } catch {
    copyFileSync(path, copy);
  }
}

function makeFolder(path: string, made: Set<string>): void {
  if (made.has(path)) return;
  mkdirSync(path, { recursive: true });
  made.add(path);
}

function removeEmptyFolders(root: string, start: string): void {
  for (let folder = start; folder !== '.'; folder = dirname(folder)) {
    const path = join(root, folder);
    // A folder below may have taken this one with it.
    if (!existsSync(path) || readdirSync(path).length > 0) return;
    rmdirSync(path);
  }
}

/** Does something with a new folder inside another, which is gone afterwards. So are those that killed runs have left there. */
function staged(parent: string, name: string, action: (staging: string) => void): void {
  const prefix = `${stagingPrefix}${name && `${name}-`}`;
  for (const leftover of readdirSync(parent)) {
    const owner = leftover.startsWith(prefix) ? Number.parseInt(leftover.slice(prefix.length), 10) : Number.NaN;
    if (owner > 0 && !isRunning(owner)) rmSync(join(parent, leftover), { recursive: true, force: true });
  }
  const staging = mkdtempSync(join(parent, `${prefix}${process.pid}-`));
  try {
    action(staging);
  } finally {
    rmSync(staging, { recursive: true, force: true });
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
