import type { BlockStatsSpecific, ImageInfoSpecific } from '../../../../generated/index.js';
import type { BlockDriver, BlockStatus, OpenContext } from '../../driver.js';
import { BlockError, errnoOf, ioError } from '../../error.js';
import { RequestFlag } from '../../request-flag.js';
import { createFile } from './create.js';
import { DiscardCount } from './discard-count.js';
import { type Extent, ExtentMap } from './extents.js';
import { type NativeCalls, nativeCalls, warnWithoutNative } from './native.js';
import { OpenFile } from './open-file.js';
import { handleFlags, type OpenPath, PathInstance } from './path-instance.js';
import { lookAt, parsePrefixed, reopenedFileOptions, takeFileOptions } from './path-options.js';
import { statFd, truncateFd } from './system-io.js';
import { Zeroing } from './zeroing.js';

/** A regular file. */
class FileInstance extends PathInstance {
  readonly info = { unallocatedIsZero: true };
  #length: number;
  readonly #extents: ExtentMap | undefined;
  readonly #zeroing: Zeroing | undefined;
  readonly #discards = new DiscardCount();

  constructor(opened: OpenPath) {
    super(opened);
    const { native, stats } = opened;
    this.#length = stats.size;
    this.#extents = native && new ExtentMap(native);
    this.#zeroing = native && new Zeroing(native);
  }

  get length(): number {
    return this.#length;
  }

  override async write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    await super.write(offset, data, flags);
    this.#reaches(offset + data.length);
  }

  async writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    const zeroing = this.#zeroing;
    if (zeroing === undefined) throw ioError('ENOTSUP');
    const { file } = this;
    const end = offset + length;
    try {
      if (flags & RequestFlag.mayUnmap && (await this.#punch(zeroing, offset, length))) {
        if (end > this.#length) await this.#extend(end);
      } else {
        await file.busy(() => zeroing.zero(file.fd, offset, length));
      }
    } finally {
      this.#extents?.forget();
    }
    this.#reaches(end);
    if (this.isDurable(flags)) await file.sync();
  }

  discard(offset: number, length: number): Promise<void> {
    return this.#discards.of(length, async () => {
      const zeroing = this.#zeroing;
      if (zeroing === undefined) throw ioError('ENOTSUP');
      const { file } = this;
      try {
        await file.busy(() => zeroing.punch(file.fd, offset, length));
      } finally {
        this.#extents?.forget();
      }
    });
  }

  specificInfo(): ImageInfoSpecific {
    // The size in which the file system allocates is not asked for.
    return { type: 'file', data: {} };
  }

  specificStats(): BlockStatsSpecific {
    return { driver: 'file', ...this.#discards.shown };
  }

  async blockStatus(offset: number, length: number): Promise<BlockStatus> {
    const extent: Extent = (await this.#extents?.find(this.file.fd, offset, length)) ?? { length, data: true };
    return { length: extent.length, allocated: true, data: extent.data, zero: !extent.data, offset };
  }

  async truncate(size: number): Promise<void> {
    const { file } = this;
    await file.busy(() => truncateFd(file.fd, size));
    this.#length = size;
    this.#extents?.forget();
  }

  async refresh(): Promise<void> {
    this.#length = (await statFd(this.file.fd)).size;
    this.#extents?.forget();
  }

  #reaches(end: number): void {
    if (end > this.#length) this.#length = end;
  }

  async #punch(zeroing: Zeroing, offset: number, length: number): Promise<boolean> {
    const { file } = this;
    try {
      await file.busy(() => zeroing.punch(file.fd, offset, length));
      return true;
    } catch (error) {
      if (errnoOf(error) === 'ENOTSUP') return false;
      throw error;
    }
  }

  /** Makes the file longer by its last bytes. To set its length could cut off what another request has just written behind. */
  #extend(end: number): Promise<void> {
    const { alignment } = this.file;
    return this.file.write(end - alignment, new Uint8Array(alignment));
  }
}

/**
 * The driver for regular files.
 *
 * @param findNative gives the system's calls, or nothing where there are none
 */
export function makeFileDriver(findNative: () => NativeCalls | undefined): BlockDriver {
  return {
    name: 'file',
    kind: 'protocol',
    ...reopenedFileOptions,
    needsFilename: true,
    parseFilename: (filename, options) => parsePrefixed('file', filename, options),
    open: (context) => open(context, findNative()),
    createFile: (filename, size, options, host) => createFile(filename, size, options, host, findNative()),
  };
}

/** {@link makeFileDriver} with what this machine has. */
export const fileDriver: BlockDriver = makeFileDriver(nativeCalls);

async function open(context: OpenContext, native: NativeCalls | undefined): Promise<FileInstance> {
  const options = await takeFileOptions(context);
  const { path } = options;
  expectFile(path, await lookAt(path));
  const { flags } = context.node;
  const file = await OpenFile.open(options, handleFlags(flags), native);
  try {
    // Once more: what was looked at may not be what was opened.
    const stats = await statFd(file.fd);
    expectFile(path, stats);
    warnWithoutNative(context.host, native);
    return new FileInstance({ options, flags, file, native, stats });
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
}

/** @throws BlockError for what is no regular file */
function expectFile(path: string, stats: { isFile(): boolean; isDirectory(): boolean }): void {
  if (stats.isFile()) return;
  if (stats.isDirectory()) throw new BlockError(`Could not open '${path}': Is a directory`, { code: 'EISDIR' });
  throw new BlockError(
    `Could not open '${path}': driver 'file' needs a regular file; for a device there are 'host_device' and 'host_cdrom'`,
    { code: 'EINVAL' },
  );
}
