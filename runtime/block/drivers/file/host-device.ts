import type { Stats } from 'node:fs';
import type { BlockStatsSpecific } from '../../../../generated/index.js';
import type { BlockDriver, BlockHost, NodeFlags, OpenContext } from '../../driver.js';
import { BlockError, errnoOf, ioError } from '../../error.js';
import { RequestFlag } from '../../request-flag.js';
import { DiscardCount } from './discard-count.js';
import { type NativeCalls, nativeCalls, Whence } from './native.js';
import { OpenFile, type OpenPlace } from './open-file.js';
import { handleFlags, type OpenPath, PathInstance } from './path-instance.js';
import { lookAt, parsePrefixed, reopenedFileOptions, takeFileOptions, withoutPrefix } from './path-options.js';
import { statFd, statPath } from './system-io.js';
import { Zeroing } from './zeroing.js';

/** Discards a range of a block device, and writes zeroes to one (linux/fs.h). */
const BLKDISCARD = 0x1277;
const BLKZEROOUT = 0x127f;

/** A block device, or a character device that can tell its size. */
class HostDeviceInstance extends PathInstance {
  readonly length: number;
  readonly #calls: NativeCalls;
  readonly #zeroing: Zeroing;
  readonly #discards = new DiscardCount();

  constructor(opened: OpenPath, native: NativeCalls, length: number) {
    super(opened);
    this.length = length;
    this.#calls = native;
    this.#zeroing = new Zeroing(native);
  }

  async writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    await this.#zero(offset, length, flags);
    if (this.isDurable(flags)) await this.file.sync();
  }

  async #zero(offset: number, length: number, flags: number): Promise<void> {
    if (flags & RequestFlag.mayUnmap) {
      try {
        await this.#zeroing.punch(this.file.fd, offset, length);
        return;
      } catch (error) {
        if (errnoOf(error) !== 'ENOTSUP') throw error;
      }
    }
    await this.#control(BLKZEROOUT, offset, length);
  }

  discard(offset: number, length: number): Promise<void> {
    return this.#discards.of(length, () => this.#control(BLKDISCARD, offset, length));
  }

  specificStats(): BlockStatsSpecific {
    return { driver: 'host_device', ...this.#discards.shown };
  }

  /** A device has the size that it has; what lies inside is no error, as nothing is lost. */
  async truncate(size: number): Promise<void> {
    if (size > this.length) {
      throw new BlockError(`The device has ${this.length} bytes and cannot be made longer`, { code: 'EINVAL' });
    }
  }

  async #control(request: number, offset: number, length: number): Promise<void> {
    try {
      await this.#calls.ioctlRange(this.file.fd, request, offset, length);
    } catch (error) {
      // EINVAL: the range does not fit the device's sectors.
      throw ['ENOTTY', 'EINVAL'].includes(errnoOf(error)) ? ioError('ENOTSUP', error) : error;
    }
  }
}

/**
 * The driver for devices of the host.
 *
 * @param findNative gives the system's calls, or nothing where there are none: then no device can be opened
 */
export function makeHostDeviceDriver(findNative: () => NativeCalls | undefined): BlockDriver {
  return {
    name: 'host_device',
    kind: 'protocol',
    ...reopenedFileOptions,
    needsFilename: true,
    claimsPath: isDevice,
    parseFilename: (filename, options) => parsePrefixed('host_device', filename, options),
    open: (context) => open(context, findNative()),
    createFile: (filename, size, _options, host) => checkRoom(filename, size, host, findNative()),
  };
}

/** {@link makeHostDeviceDriver} with what this machine has. */
export const hostDeviceDriver: BlockDriver = makeHostDeviceDriver(nativeCalls);

async function isDevice(path: string): Promise<boolean> {
  try {
    const stats = await statPath(path);
    return stats.isBlockDevice() || stats.isCharacterDevice();
  } catch {
    return false;
  }
}

async function open(context: OpenContext, native: NativeCalls | undefined): Promise<HostDeviceInstance> {
  const options = await takeFileOptions(context);
  const { flags } = context.node;
  const { calls, file, stats, length } = await openDevice(options, handleFlags(flags), native);
  try {
    return new HostDeviceInstance({ options, flags, file, native: calls, stats }, calls, length);
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
}

/** A device that exists takes the place of a new file, if it is large enough. */
async function checkRoom(
  filename: string,
  size: number,
  host: BlockHost,
  native: NativeCalls | undefined,
): Promise<void> {
  const path = withoutPrefix('host_device', filename);
  await host.authorize(path);
  const { file, length } = await openDevice(
    { path, authorize: (fd) => host.authorize(path, fd) },
    { readOnly: false, direct: false },
    native,
  );
  await file.close();
  if (length < size) {
    throw new BlockError(`Device '${path}' has ${length} bytes, too few for ${size}`, { code: 'ENOSPC' });
  }
}

async function openDevice(
  place: OpenPlace,
  flags: Pick<NodeFlags, 'readOnly' | 'direct'>,
  native: NativeCalls | undefined,
): Promise<{ calls: NativeCalls; file: OpenFile; stats: Stats; length: number }> {
  const { path } = place;
  expectDevice(path, await lookAt(path));
  const calls = needNative(path, native);
  const file = await OpenFile.open(place, flags, calls);
  try {
    const stats = await statFd(file.fd);
    expectDevice(path, stats);
    return { calls, file, stats, length: await deviceLength(file, path, calls) };
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
}

/** @throws BlockError when the system's calls are not there */
export function needNative(path: string, native: NativeCalls | undefined): NativeCalls {
  if (native !== undefined) return native;
  throw new BlockError(`Could not open '${path}': devices need Linux and the package 'koffi'; npm install koffi`, {
    code: 'ENOTSUP',
  });
}

/** A device's size in bytes. @throws BlockError when it has none, as a terminal */
export async function deviceLength(file: OpenFile, path: string, native: NativeCalls): Promise<number> {
  try {
    return await native.seek(file.fd, 0, Whence.end);
  } catch (error) {
    throw new BlockError(`Could not open '${path}': the device does not tell its size`, {
      code: errnoOf(error),
      cause: error,
    });
  }
}

/** @throws BlockError for what is no device */
function expectDevice(path: string, stats: { isBlockDevice(): boolean; isCharacterDevice(): boolean }): void {
  if (stats.isBlockDevice() || stats.isCharacterDevice()) return;
  throw new BlockError(`Could not open '${path}': driver 'host_device' needs a character or block device`, {
    code: 'EINVAL',
  });
}
