import { constants } from 'node:fs';
import { type FileHandle, open, readlink, stat, unlink } from 'node:fs/promises';
import { BlockError, invalid, ioError } from './error.js';
import { systemPath } from './file-name.js';

/** What bounds the reading of a file. */
export interface SmallFileRules {
  /** Bytes that it may have. */
  readonly most: number;
  /**
   * Whether the file may be used: called with its path before it is opened, and again with its descriptor.
   *
   * @throws BlockError when it may not
   */
  authorize(path: string, fd?: number): Promise<void>;
  /** Milliseconds that it may take. Default: 5000. */
  readonly patience?: number;
}

const defaultPatience = 5000;

/**
 * Reads a file that people write, such as a secret or a list of rules, whole. Everything that is read whole is read by this: as
 * clients wait meanwhile, only a regular file is, no more of it than it may have, and not for longer than it may take.
 *
 * @returns bytes of which no copy is left behind
 * @throws BlockError EINVAL for what is no regular file, EFBIG when it has more, ETIMEDOUT when it takes longer
 * @throws Error of the system when it cannot be read
 */
export async function readSmallFile(path: string, rules: SmallFileRules): Promise<Buffer> {
  const { patience = defaultPatience } = rules;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new BlockError(`it could not be read within ${patience / 1000} seconds`, { code: 'ETIMEDOUT' });
    timer = setTimeout(() => reject(error), patience);
  });
  try {
    // What comes of the reading when it is late does not matter any more.
    return await Promise.race([readBounded(path, rules), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function readBounded(path: string, { most, authorize }: SmallFileRules): Promise<Buffer> {
  await authorize(path);
  const handle = await openRegularFile(path, constants.O_RDONLY);
  try {
    await authorize(path, handle.fd);
    return await readUpTo(handle, most);
  } finally {
    await handle.close();
  }
}

/**
 * Opens what is a regular file, and nothing else, not even for a moment: opening a pipe waits, and opening a device may do
 * something to it.
 *
 * @param flags of {@link constants}
 * @throws BlockError (EINVAL, EISDIR) for what is no regular file
 * @throws Error of the system when it cannot be opened
 */
export async function openRegularFile(path: string, flags: number): Promise<FileHandle> {
  const place = systemPath(path);
  refuseOthers(await stat(place));
  const handle = await open(place, flags | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0));
  try {
    // Once more: what was looked at may not be what was opened.
    refuseOthers(await handle.stat());
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Removes the name of a file that has just been made and is open: where it is, not where the path leads by now, if the system tells.
 *
 * @throws Error of the system
 */
export async function removeOpened(path: string, fd: number): Promise<void> {
  const place =
    process.platform === 'linux' ? await readlink(`/proc/self/fd/${fd}`, { encoding: 'buffer' }) : undefined;
  await unlink(place ?? systemPath(path));
}

function refuseOthers(stats: { isFile(): boolean; isDirectory(): boolean; isFIFO(): boolean }): void {
  if (stats.isFile()) return;
  if (stats.isDirectory()) throw ioError('EISDIR');
  throw invalid(`it is a ${stats.isFIFO() ? 'pipe' : 'device or socket'}, but must be a regular file`);
}

async function readUpTo(handle: FileHandle, most: number): Promise<Buffer> {
  // One byte more, to see that there is more. Files of /proc do not tell how long they are.
  const buffer = Buffer.alloc(most + 1);
  try {
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
      length += bytesRead;
      if (length > most) throw new BlockError(`it has more than ${most} bytes`, { code: 'EFBIG' });
      if (bytesRead === 0) return Buffer.from(buffer.subarray(0, length));
    }
  } finally {
    buffer.fill(0);
  }
}
