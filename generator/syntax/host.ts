import { posix, resolve } from 'node:path';
import { readRegularFile } from './regular-file.js';

/** Where files come from. */
export interface FileHost {
  /** The contents of a file. Rejects, with an error that says why, when there is no such file. */
  read(path: string): Promise<Uint8Array>;
  /** The absolute path, without `.` and `..`: equal for two spellings of the same path. Symbolic links are not followed. */
  resolve(path: string): string;
}

/** The file system. Reads regular files only, of at most 64 MiB. */
export const nodeHost: FileHost = {
  // Schemas are small: reading them at once takes a fraction of the time that a detour through the thread pool does.
  read: async (path) => readRegularFile(path),
  resolve: (path) => resolve(path).replaceAll('\\', '/'),
};

/**
 * Files that exist in memory only, by path. Relative paths count from `/`.
 *
 * @example
 * ```ts
 * const host = memoryHost({ 'schema.json': "{ 'command': 'reset' }" });
 * ```
 */
export function memoryHost(files: Readonly<Record<string, string | Uint8Array>>): FileHost {
  const absolute = (path: string): string => posix.resolve('/', path);
  const contents = new Map(Object.entries(files).map(([path, content]) => [absolute(path), content]));
  return {
    async read(path) {
      const content = contents.get(absolute(path));
      if (content === undefined) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
      return typeof content === 'string' ? new TextEncoder().encode(content) : content;
    },
    resolve: absolute,
  };
}
