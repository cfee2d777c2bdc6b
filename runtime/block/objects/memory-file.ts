import { constants, type Stats } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { BlockError, blockErrorOf, invalid } from '../error.js';
import { systemPath } from '../file-name.js';
import { openRegularFile, removeOpened } from '../small-file.js';

/** The file that memory is to be. */
export interface MemoryFile {
  /** Of a file, or of a folder in which there could be one. */
  readonly path: string;
  /** Bytes from its beginning to the end of the memory. */
  readonly length: number;
  /** It is to stay as it is. */
  readonly readonly: boolean;
  /** Called with the descriptor of what was opened. Throws when it may not be used. */
  authorize(fd: number): Promise<void>;
}

/**
 * Sees to it that a file can be memory: one that does not exist is made, an empty one gets its length; never when it is to stay
 * as it is.
 *
 * @throws BlockError when it is too short, or cannot be opened
 */
export async function prepareMemoryFile(file: MemoryFile): Promise<void> {
  const { path, readonly } = file;
  try {
    const found = await statOf(path);
    if (found === undefined && !readonly) await makeFile(file);
    else if (found === undefined) throw new BlockError('it does not exist', { code: 'ENOENT' });
    else if (found.isFile()) await checkFile(file);
    else if (found.isDirectory() && !readonly) await access(systemPath(path), constants.W_OK | constants.X_OK);
    else if (!found.isCharacterDevice()) throw new BlockError('it is not a file', { code: 'ENODEV' });
  } catch (error) {
    throw blockErrorOf(error, `Cannot use '${path}' as memory`);
  }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(systemPath(path));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function makeFile({ path, length, authorize }: MemoryFile): Promise<void> {
  const handle = await open(systemPath(path), 'wx', 0o600);
  try {
    await authorize(handle.fd);
    await handle.truncate(length);
  } catch (error) {
    await removeOpened(path, handle.fd);
    throw error;
  } finally {
    await handle.close();
  }
}

async function checkFile({ path, length, readonly, authorize }: MemoryFile): Promise<void> {
  const handle = await openRegularFile(path, readonly ? constants.O_RDONLY : constants.O_RDWR);
  try {
    await authorize(handle.fd);
    const { size } = await handle.stat();
    if (size === 0 && !readonly) await handle.truncate(length);
    else if (size < length) {
      throw invalid(`it has ${size} bytes, but 'size' and 'offset' want ${length}`);
    }
  } finally {
    await handle.close();
  }
}
