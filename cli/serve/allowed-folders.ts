import { fstat } from 'node:fs';
import { lstat, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { BlockError, blockErrorOf } from '../../runtime/block/error.js';
import { decodeFileName, systemPath } from '../../runtime/block/file-name.js';

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
        const path = await realPathOf(folder);
        if (!(await lstat(systemPath(path))).isDirectory())
          throw new BlockError('Not a directory', { code: 'ENOTDIR' });
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
   * Without a descriptor the decision is about the path as it is now; a process that exchanges folders or links while the server
   * opens a file is caught by the second call, which is about what has been opened.
   *
   * @param fd the descriptor of what the path has led to
   * @throws BlockError (EACCES) for any other
   */
  async authorize(path: string, fd?: number): Promise<void> {
    const canonical = fd === undefined ? await placeOf(path) : await placeOfOpened(path, fd);
    if (canonical !== undefined && this.#folders.some((folder) => isInside(canonical, folder))) return;
    throw new BlockError(`'${path}' may not be used: it is not in an allowed folder (${this.#folders.join(', ')})`, {
      code: 'EACCES',
    });
  }
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

/** Where a path leads that may be that of a file. A folder could be called `http:` or `nbd:`, too; a name with a NUL is none of a file. */
async function placeOf(path: string): Promise<string | undefined> {
  return /^(https?|nbd):|\0/i.test(path) ? undefined : canonicalPath(path);
}

/**
 * Where an open file is: Linux tells. Elsewhere it is where the path leads now, if that is the same file.
 *
 * @returns nothing when that is not certain
 */
async function placeOfOpened(path: string, fd: number): Promise<string | undefined> {
  const link = await readlink(`/proc/self/fd/${fd}`, { encoding: 'buffer' }).catch(missing);
  if (link !== undefined) return decodeFileName(link);
  const canonical = await placeOf(path);
  if (canonical === undefined) return undefined;
  const [found, opened] = [await stat(systemPath(canonical)).catch(missing), await fstatOf(fd).catch(missing)];
  return found !== undefined && found.dev === opened?.dev && found.ino === opened.ino ? canonical : undefined;
}

const fstatOf = promisify(fstat);

async function realPathOf(path: string): Promise<string> {
  return decodeFileName(await realpath(systemPath(path), { encoding: 'buffer' }));
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
    const real = await realPathOf(current).catch(missing);
    if (real !== undefined) return real;
    const folder = await realPathOf(dirname(current)).catch(missing);
    if (folder === undefined) return undefined;
    const link = await readlink(systemPath(current), { encoding: 'buffer' }).catch(missing);
    if (link === undefined) return join(folder, basename(current));
    const target = decodeFileName(link);
    current = isAbsolute(target) ? target : `${folder}${sep}${target}`;
  }
  return undefined;
}

/** What cannot be found or looked at is nowhere. */
function missing(): undefined {
  return undefined;
}
