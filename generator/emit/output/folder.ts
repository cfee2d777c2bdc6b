import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { GeneratedFile } from '../target.js';
import type { OutputKind } from './kinds.js';

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
 * @param read reads a file of the folder
 * @throws {OutputError} when the folder, or a file in a generated file's place, was not written by this tool
 */
export function compareFolder(
  folder: string,
  files: readonly GeneratedFile[],
  kind: OutputKind,
  read: (path: string) => string = readText,
): Changes {
  const present = listFolder(folder);
  const isUsed = [...present.values()].some((found) => found !== 'folder');
  if (isUsed && !isOurs(folder, kind.index, present, kind)) throw foreignFolder(folder, kind);
  const changed: { file: GeneratedFile; before: string }[] = [];
  const missing: GeneratedFile[] = [];
  const generated = new Set(files.map((file) => file.path));
  for (const file of files) {
    const found = present.get(file.path);
    if (found === undefined) {
      missing.push(file);
      continue;
    }
    const before = found === 'folder' ? '' : read(join(folder, file.path));
    if (!before.startsWith(markerOf(file.path, kind))) throw foreignFile(folder, file.path);
    if (before !== file.text) changed.push({ file, before });
  }
  const stale = [...present.keys()].filter(
    (path) => !generated.has(path) && !isNested(path, present, kind) && isOurs(folder, path, present, kind),
  );
  return { changed, missing, stale: stale.sort(), unchanged: files.length - changed.length - missing.length };
}

/** The text of a file of an output folder. */
export function readText(path: string): string {
  return readFileSync(path, 'utf8');
}

/** What is at a path: only plain files can be removed. */
type Kind = 'file' | 'folder' | 'other';

/** What is in a folder and below, but hidden things, without going into `node_modules` or symbolic links. */
export function listFolder(folder: string): Map<string, Kind> {
  const present = new Map<string, Kind>();
  const pending = statSync(folder, { throwIfNoEntry: false }) ? [''] : [];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    for (const entry of readdirSync(join(folder, path), { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      const child = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory() && entry.name !== 'node_modules') pending.push(child);
      present.set(child, entry.isDirectory() ? 'folder' : entry.isFile() ? 'file' : 'other');
    }
  }
  return present;
}

/** Whether a path is part of another output folder inside this one. */
function isNested(path: string, present: ReadonlyMap<string, Kind>, { index }: OutputKind): boolean {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (present.has(`${path.slice(0, end)}/${index}`)) return true;
  }
  return false;
}

/** How a file starts that the tool wrote; what no file starts with, where it writes none of that extension. */
function markerOf(path: string, { markers }: OutputKind): string {
  return markers[extname(path)] ?? '\0';
}

function isOurs(folder: string, path: string, present: ReadonlyMap<string, Kind>, kind: OutputKind): boolean {
  const marker = markerOf(path, kind);
  if (present.get(path) !== 'file' || marker === '\0') return false;
  const start = Buffer.alloc(marker.length);
  const descriptor = openSync(join(folder, path), 'r');
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

function foreignFolder(folder: string, { index }: OutputKind): OutputError {
  return new OutputError(
    `'${folder}' was not written by qapi-ts (it has no ${index} that says so); choose another output folder or empty this one`,
  );
}
