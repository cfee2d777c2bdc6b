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
    const wanted = folderName(name);
    let folder = wanted;
    for (let count = 2; taken.has(folder.toLowerCase()); count++) folder = `${wanted}-${count}`;
    taken.add(folder.toLowerCase());
    folders.set(name, folder);
  }
  return folders;
}

function folderName(module: string): string {
  const segments = module
    .replace(/\.json$/, '')
    .split(/[\\/]+/)
    .filter((segment) => segment !== '' && segment !== '.' && segment !== '..')
    .map(safeSegment);
  return segments.join('/') || 'schema';
}

function safeSegment(segment: string): string {
  const safe = segment.replace(/[^\w.-]/g, '_').replace(/^\.|\.$/g, '_');
  return devices.test(safe.split('.', 1)[0] as string) ? `${safe}_` : safe;
}
