import type { BlockDriver, BlockHost, OpenContext } from '../../driver.js';
import { BlockError, errnoOf } from '../../error.js';
import { deviceLength, needNative } from './host-device.js';
import { type NativeCalls, nativeCalls } from './native.js';
import { OpenFile } from './open-file.js';
import { handleFlags, type OpenPath, PathInstance } from './path-instance.js';
import { lookAt, parsePrefixed, reopenedFileOptions, takeFileOptions } from './path-options.js';
import { statFd, statPath } from './system-io.js';

/** Requests to a drive, and the state of one that has a disc (linux/cdrom.h). */
const CDROMEJECT = 0x5309;
const CDROMCLOSETRAY = 0x5319;
const CDROM_DRIVE_STATUS = 0x5326;
const CDROM_LOCKDOOR = 0x5329;
const CDS_DISC_OK = 4;

/** Milliseconds between two looks at a drive that is in use: who opens it by hand does not tell. */
const lookEvery = 1000;

/** A drive for discs, which come and go. */
export class HostCdromInstance extends PathInstance {
  readonly #calls: NativeCalls;
  /** As the drive was when it was last asked: it cannot be asked without waiting. */
  #inserted = false;
  #length = 0;
  #looking: Promise<void> | undefined;
  #nextLook = 0;
  readonly #path: string;

  private constructor(opened: OpenPath, native: NativeCalls) {
    super(opened);
    this.#path = opened.options.path;
    this.#calls = native;
  }

  static async over(opened: OpenPath, native: NativeCalls): Promise<HostCdromInstance> {
    const instance = new HostCdromInstance(opened, native);
    await instance.#look();
    return instance;
  }

  get length(): number {
    return this.#length;
  }

  inserted(): boolean {
    if (this.#looking === undefined && performance.now() >= this.#nextLook) {
      // A drive that does not answer stays as it was.
      this.#looking = this.#look()
        .catch(() => {})
        .finally(() => {
          this.#looking = undefined;
        });
    }
    return this.#inserted;
  }

  override async close(): Promise<void> {
    await this.#looking;
    await super.close();
  }

  async eject(open: boolean): Promise<void> {
    await this.#calls.ioctl(this.file.fd, open ? CDROMEJECT : CDROMCLOSETRAY, 0);
    await this.#look();
  }

  async lockMedium(locked: boolean): Promise<void> {
    await this.#calls.ioctl(this.file.fd, CDROM_LOCKDOOR, locked ? 1 : 0);
  }

  async #look(): Promise<void> {
    this.#nextLook = performance.now() + lookEvery;
    const inserted = (await this.#calls.ioctl(this.file.fd, CDROM_DRIVE_STATUS, 0)) === CDS_DISC_OK;
    this.#length = inserted ? await deviceLength(this.file, this.#path, this.#calls) : 0;
    this.#inserted = inserted;
  }
}

/** The driver for the host's drives for discs. Asked before `host_device`, which claims all devices. */
export const hostCdromDriver: BlockDriver = {
  name: 'host_cdrom',
  kind: 'protocol',
  ...reopenedFileOptions,
  needsFilename: true,
  claimsPath: (path, host) => claims(path, host, nativeCalls()),
  parseFilename: (filename, options) => parsePrefixed('host_cdrom', filename, options),
  open: (context) => open(context, nativeCalls()),
};

/** Only drives for discs know how to tell their state. Nothing but block devices is opened to find out. */
async function claims(path: string, host: BlockHost, native: NativeCalls | undefined): Promise<boolean> {
  try {
    if (native === undefined || !(await statPath(path)).isBlockDevice()) return false;
    await host.authorize(path);
    const place = { path, authorize: (fd: number) => host.authorize(path, fd) };
    const file = await OpenFile.open(place, { readOnly: true, direct: false }, native);
    try {
      return await isDrive(file, native);
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
}

async function isDrive(file: OpenFile, native: NativeCalls): Promise<boolean> {
  try {
    await native.ioctl(file.fd, CDROM_DRIVE_STATUS, 0);
    return true;
  } catch (error) {
    if (['ENOTTY', 'EINVAL', 'ENOTSUP'].includes(errnoOf(error))) return false;
    throw error;
  }
}

async function open(context: OpenContext, native: NativeCalls | undefined): Promise<HostCdromInstance> {
  const options = await takeFileOptions(context);
  const { path } = options;
  const { flags } = context.node;
  if (!(await lookAt(path)).isBlockDevice()) throw noDrive(path);
  const calls = needNative(path, native);
  const file = await OpenFile.open(options, handleFlags(flags), calls);
  try {
    if (!(await isDrive(file, calls))) throw noDrive(path);
    const stats = await statFd(file.fd);
    return await HostCdromInstance.over({ options, flags, file, native: calls, stats }, calls);
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
}

function noDrive(path: string): BlockError {
  return new BlockError(`Could not open '${path}': driver 'host_cdrom' needs a drive for discs`, { code: 'EINVAL' });
}
