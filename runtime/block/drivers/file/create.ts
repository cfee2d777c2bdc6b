import { constants } from 'node:fs';
import { OnOffAuto, PreallocMode } from '../../../../generated/index.js';
import type { BlockHost } from '../../driver.js';
import { BlockError, blockErrorOf, errnoOf } from '../../error.js';
import type { BlockOptions } from '../../options.js';
import { everything, Permission, type Permissions } from '../../permissions.js';
import { removeOpened } from '../../small-file.js';
import { ImageLocks, refuseUnlockable } from './image-locks.js';
import { FallocateMode, type NativeCalls } from './native.js';
import { withoutPrefix } from './path-options.js';
import { closeFd, openFd, statFd, statPath, truncateFd, writeFd } from './system-io.js';

/** What making a file does to one that is there. */
const emptying: Permissions = {
  uses: Permission.write | Permission.resize,
  shares: everything & ~(Permission.write | Permission.resize),
};

/** Bytes that are written at once where many zeroes are. */
const zeroChunk = 2 ** 20;

/**
 * Makes a file of zeroes, in the place of one that is there.
 *
 * @param filename its path, perhaps with the prefix `file:`
 * @param size bytes
 * @param options `preallocation`: `off` (default: a hole), `falloc` (space is set aside) or `full` (zeroes are written)
 * @throws BlockError when that is not possible; the file is then empty
 */
export async function createFile(
  filename: string,
  size: number,
  options: BlockOptions,
  host: BlockHost,
  native: NativeCalls | undefined,
): Promise<void> {
  const path = withoutPrefix('file', filename);
  const locking = options.takeEnum('locking', OnOffAuto) ?? 'auto';
  const preallocation = options.takeEnum('preallocation', PreallocMode) ?? 'off';
  if (preallocation === 'metadata') {
    throw new BlockError("A file has no metadata: preallocation is 'off', 'falloc' or 'full'", { code: 'EINVAL' });
  }
  await host.authorize(path);
  await refuseOthers(path);
  const lockRequest = { path, locking, readOnly: false, native };
  refuseUnlockable(lockRequest);
  const { fd, made } = await openOrMake(path);
  try {
    // Before anything is lost.
    await host.authorize(path, fd);
    if (!(await statFd(fd)).isFile()) throw noRegularFile(path);
  } catch (error) {
    if (made) await removeOpened(path, fd).catch(() => {});
    await closeFd(fd).catch(() => {});
    throw error;
  }
  let locks: ImageLocks | undefined;
  try {
    locks = new ImageLocks(lockRequest, fd, await statFd(fd));
    await locks.prepare(emptying);
  } catch (error) {
    locks?.forget();
    await closeFd(fd).catch(() => {});
    throw error;
  }
  try {
    await truncateFd(fd, 0);
    await truncateFd(fd, size);
    if (preallocation !== 'off' && size > 0) await preallocate(fd, size, preallocation, native);
  } catch (error) {
    // A disk that was too small for the image need not stay full.
    await truncateFd(fd, 0).catch(() => {});
    throw blockErrorOf(error, `Could not resize '${path}'`);
  } finally {
    locks.forget();
    await closeFd(fd).catch(() => {});
  }
}

async function preallocate(
  fd: number,
  size: number,
  preallocation: 'falloc' | 'full',
  native: NativeCalls | undefined,
): Promise<void> {
  if (preallocation === 'falloc' && native !== undefined) {
    try {
      await native.fallocate(fd, FallocateMode.allocate, 0, size);
      return;
    } catch (error) {
      if (errnoOf(error) !== 'ENOTSUP') throw error;
    }
  }
  // To write zeroes sets space aside everywhere.
  const zeroes = new Uint8Array(Math.min(zeroChunk, size));
  for (let offset = 0; offset < size; offset += zeroes.length) {
    await writeFd(fd, zeroes.subarray(0, Math.min(zeroes.length, size - offset)), offset);
  }
}

/** To open a device or a FIFO for writing already does something to it. */
async function refuseOthers(path: string): Promise<void> {
  try {
    if ((await statPath(path)).isFile()) return;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw blockErrorOf(error, `Could not create '${path}'`);
  }
  throw noRegularFile(path);
}

function noRegularFile(path: string): BlockError {
  return new BlockError(`Could not create '${path}': it is there, and no regular file`, { code: 'EEXIST' });
}

/** Opens a file, which is made where there is none. `made`: it was not there before, for certain. */
async function openOrMake(path: string): Promise<{ readonly fd: number; readonly made: boolean }> {
  const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NONBLOCK ?? 0);
  try {
    return { fd: await openFd(path, flags | constants.O_EXCL), made: true };
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw blockErrorOf(error, `Could not create '${path}'`);
  }
  try {
    // It is there, or a symbolic link is that may lead nowhere yet.
    return { fd: await openFd(path, flags), made: false };
  } catch (error) {
    throw blockErrorOf(error, `Could not create '${path}'`);
  }
}
