import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import type { BlockHost } from '../../driver.js';
import { BlockError, blockErrorOf } from '../../error.js';
import { decodeFileName, systemPath } from '../../file-name.js';

/** Files and folders that are shown at most: each takes memory. */
const mostEntries = 65_536;
/** Bytes of the largest file: FAT counts in 32 bits, of which guests take one for a sign. */
const largestFile = 2 ** 31 - 1;

/** A file or folder of the host. */
export interface HostEntry {
  readonly name: string;
  readonly path: string;
  readonly stats: Stats;
  /** What a folder has, in the order of names; absent for a file. */
  readonly entries?: readonly HostEntry[];
}

/**
 * Reads a folder with all that is in it. Links are followed; sockets, devices and the like are left out, with a warning.
 *
 * @throws BlockError when something cannot be read, is not allowed, or is too large
 */
export async function scanFolder(path: string, host: BlockHost): Promise<HostEntry> {
  let count = 0;

  async function look(name: string, at: string, above: readonly Stats[]): Promise<HostEntry | undefined> {
    await host.authorize(at);
    const stats = await read(at, () => stat(systemPath(at)));
    if (stats.isFile()) {
      if (stats.size > largestFile) throw new BlockError(`File '${at}' is larger than 2 GB`, { code: 'EFBIG' });
      return { name, path: at, stats };
    }
    if (!stats.isDirectory()) {
      if (above.length === 0) throw new BlockError(`'${at}' is not a folder`, { code: 'ENOTDIR' });
      host.warn(`vvfat: '${at}' is neither a file nor a folder, and is left out`);
      return undefined;
    }
    if (above.some(({ dev, ino }) => dev === stats.dev && ino === stats.ino)) {
      throw new BlockError(`'${at}' leads back to a folder that it is in`, { code: 'ELOOP' });
    }
    const entries: HostEntry[] = [];
    for (const each of await namesIn(at)) {
      if (++count > mostEntries) {
        throw new BlockError(`'${path}' has more than ${mostEntries} files and folders`, { code: 'EFBIG' });
      }
      const entry = await look(each, `${at.replace(/\/+$/, '')}/${each}`, [...above, stats]);
      if (entry !== undefined) entries.push(entry);
    }
    return { name, path: at, stats, entries };
  }

  const root = await look('', path, []);
  if (root?.entries === undefined) throw new BlockError(`'${path}' is not a folder`, { code: 'ENOTDIR' });
  return root;
}

/** In an order that is the same on all hosts. */
async function namesIn(path: string): Promise<string[]> {
  const names = await read(path, () => readdir(systemPath(path), { encoding: 'buffer' }));
  return names.map(decodeFileName).sort();
}

async function read<Result>(path: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    throw blockErrorOf(error, `Could not read '${path}'`);
  }
}
