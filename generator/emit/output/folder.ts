import { closeSync, type Dirent, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { GeneratedFile } from '../target.js';
import { marker } from './header.js';

/** A reason why the output cannot be written, for the user to read. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left',
  ENOTDIR: 'a file is where a folder should be',
  EEXIST: 'a file is where a folder should be',
  EISDIR: 'a folder is where a file should be',
};

/** Does something with an output folder. What the file system has against it becomes an error for the user. */
export function usingFolder<T>(folder: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (error instanceof OutputError || code === undefined) throw error;
    const place = path === undefined ? '' : ` (${path})`;
    throw new OutputError(
      `cannot use '${folder}' for output: ${reasons[code] ?? code}${place}; nothing has been changed`,
    );
  }
}

/** How an output folder differs from what would be generated. Paths are relative to the folder, `/`-separated. */
export interface Changes {
  /** Files whose text would change, with the text that they have. */
  readonly changed: readonly { readonly file: GeneratedFile; readonly before: string }[];
  /** Files that are not there yet. */
  readonly missing: readonly GeneratedFile[];
  /** Files of an earlier run that would not be generated any more. */
  readonly stale: readonly string[];
  readonly unchanged: number;
}

/**
 * Compares a folder with what would be generated.
 *
 * @throws {OutputError} when the folder, or a file in a generated file's place, was not written by this tool
 */
export function compareFolder(folder: string, files: readonly GeneratedFile[]): Changes {
  const { present, folders } = list(folder);
  const changed: { file: GeneratedFile; before: string }[] = [];
  const missing: GeneratedFile[] = [];
  const generated = new Set(files.map((file) => file.path));
  for (const file of files) {
    if (folders.has(file.path)) throw foreignFile(folder, file.path);
    if (!present.has(file.path)) {
      missing.push(file);
      continue;
    }
    const before = readFileSync(join(folder, file.path), 'utf8');
    if (!before.startsWith(marker)) throw foreignFile(folder, file.path);
    if (before !== file.text) changed.push({ file, before });
  }
  const stale = [...present].filter(
    (path) => !generated.has(path) && path.endsWith('.ts') && isOurs(join(folder, path)),
  );
  if (present.size > 0 && stale.length === 0 && missing.length === files.length) throw foreignFolder(folder);
  return { changed, missing, stale: stale.sort(), unchanged: files.length - changed.length - missing.length };
}

/** The files and folders below a folder but hidden ones, without going into `node_modules` or symbolic links. */
function list(folder: string): { present: Set<string>; folders: Set<string> } {
  const present = new Set<string>();
  const folders = new Set<string>();
  const pending = statSync(folder, { throwIfNoEntry: false }) ? [''] : [];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    for (const entry of readFolder(join(folder, path))) {
      if (entry.name.startsWith('.')) continue;
      const child = path === '' ? entry.name : `${path}/${entry.name}`;
      if (!entry.isDirectory()) present.add(child);
      else if (entry.name !== 'node_modules') {
        folders.add(child);
        pending.push(child);
      }
    }
  }
  return { present, folders };
}

function readFolder(path: string): Dirent[] {
  return readdirSync(path, { withFileTypes: true });
}

function isOurs(path: string): boolean {
  if (!statSync(path).isFile()) return false;
  const start = Buffer.alloc(marker.length);
  const descriptor = openSync(path, 'r');
  try {
    readSync(descriptor, start);
  } finally {
    closeSync(descriptor);
  }
  return start.toString('utf8') === marker;
}

function foreignFile(folder: string, path: string): OutputError {
  return new OutputError(
    `'${join(folder, path)}' is in the way: it was not written by qapi-ts; move it away or choose another output folder`,
  );
}

function foreignFolder(folder: string): OutputError {
  return new OutputError(
    `'${folder}' has files in it, and none of them was written by qapi-ts; choose another output folder or empty this one`,
  );
}
