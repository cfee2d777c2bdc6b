import type { Schema } from '../schema/model.js';

/** Names that Windows reserves for devices, whatever the extension. */
const devices = /^(con|prn|aux|nul|com\d|lpt\d)$/i;

/**
 * The folder of each module of a schema, by module name: the module's path without `.json`, without the way out of the
 * schema's own folder, in characters that every file system takes. Two modules never share one, even where case does not count.
 */
export function moduleFolders(schema: Schema): Map<string, string> {
  const folders = new Map<string, string>();
  const taken = new Set<string>();
  for (const { name } of schema.modules) {
    folders.set(name, claimPath(taken, folderName(name)));
  }
  return folders;
}

/** A path that is not taken, even where case does not count: the one that is wanted, or that with a number. Takes it. */
export function claimPath(taken: Set<string>, wanted: string): string {
  let path = wanted;
  for (let count = 2; taken.has(path.toLowerCase()); count++) path = `${wanted}-${count}`;
  taken.add(path.toLowerCase());
  return path;
}

function folderName(module: string): string {
  const segments = module
    .replace(/\.json$/, '')
    .split(/[\\/]+/)
    .filter((segment) => segment !== '' && segment !== '.' && segment !== '..')
    .map(safeSegment);
  return segments.join('/') || 'schema';
}

/** A name of a file or folder that every file system takes, whatever is added to it behind a dot. */
export function safeSegment(segment: string): string {
  const safe = segment.replace(/[^\w.-]/g, '_').replace(/^\.|\.$/g, '_');
  // A device stays one, whatever stands behind a dot.
  return safe.replace(/^[^.]*/, (start) => (devices.test(start) ? `${start}_` : start));
}
