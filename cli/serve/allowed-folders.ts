import { lstat, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, sep } from 'node:path';
import { BlockError, blockErrorOf } from '../../runtime/block/error.js';

/** As many symbolic links in a row are followed. Source: Linux' own limit. */
const mostLinks = 40;

/** The folders outside of which no file may be used, whatever a path or a symbolic link says. */
export class AllowedFolders {
  /** Without symbolic links. */
  readonly #folders: readonly string[];

  private constructor(folders: readonly string[]) {
    this.#folders = folders;
  }

  /** @throws BlockError when a folder does not exist, or is none */
  static async of(folders: readonly string[]): Promise<AllowedFolders> {
    const canonical: string[] = [];
    for (const folder of folders) {
      try {
        const path = await realpath(folder);
        if (!(await lstat(path)).isDirectory()) throw new BlockError('Not a directory', { code: 'ENOTDIR' });
        canonical.push(path);
      } catch (error) {
        throw blockErrorOf(error, `Cannot allow '${folder}'`);
      }
    }
    return new AllowedFolders(canonical);
  }

  /**
   * Lets a file pass that is in one of the folders, or would be if it were created. Nothing on the network is.
   *
   * The decision is about the path as it is now: a process that may exchange folders or links while the server opens a file decides
   * what it opens.
   *
   * @throws BlockError (EACCES) for any other
   */
  async authorize(path: string): Promise<void> {
    // A folder could be called `http:`, too.
    const canonical = /^https?:/i.test(path) ? undefined : await canonicalPath(path);
    if (canonical !== undefined && this.#folders.some((folder) => isInside(canonical, folder))) return;
    throw new BlockError(`'${path}' may not be used: it is not in an allowed folder (${this.#folders.join(', ')})`, {
      code: 'EACCES',
    });
  }
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

/**
 * Where a path leads. A file that does not exist is where it would be created, also through a symbolic link that leads
 * nowhere yet.
 *
 * @returns nothing when it leads nowhere
 */
async function canonicalPath(path: string): Promise<string | undefined> {
  // Paths are not tidied by their text: what `link/..` is, only the file system knows.
  let current = path;
  for (let links = 0; links < mostLinks; links++) {
    const real = await realpath(current).catch(missing);
    if (real !== undefined) return real;
    const folder = await realpath(dirname(current)).catch(missing);
    if (folder === undefined) return undefined;
    const target = await readlink(current).catch(missing);
    if (target === undefined) return join(folder, basename(current));
    current = isAbsolute(target) ? target : `${folder}${sep}${target}`;
  }
  return undefined;
}

/** What cannot be found or looked at is nowhere. */
function missing(): undefined {
  return undefined;
}
