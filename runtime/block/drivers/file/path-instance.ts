import type { Stats } from 'node:fs';
import type { DriverInstance, NodeFlags, Reopening } from '../../driver.js';
import { Permission, type PermissionChange, type Permissions, unused } from '../../permissions.js';
import { RequestFlag } from '../../request-flag.js';
import { ImageLocks, refuseUnlockable } from './image-locks.js';
import type { NativeCalls } from './native.js';
import type { OpenFile } from './open-file.js';
import type { FileOptions } from './path-options.js';
import { statFd } from './system-io.js';

/** A file or device that has just been opened. */
export interface OpenPath {
  readonly options: FileOptions;
  readonly flags: NodeFlags;
  readonly file: OpenFile;
  /** Absent: there are no such calls. */
  readonly native: NativeCalls | undefined;
  /** What the system knows of it. */
  readonly stats: Stats;
}

/** What changes a file, its length or its bytes. */
const writing = Permission.write | Permission.writeUnchanged | Permission.resize;

/** How a file is opened at first: with `auto-read-only`, it is opened for writing no sooner than something writes. */
export function handleFlags({
  readOnly,
  autoReadOnly = false,
  direct,
}: NodeFlags): Pick<NodeFlags, 'readOnly' | 'direct'> {
  return { readOnly: readOnly || autoReadOnly, direct };
}

/** What files and devices have in common once they are open. */
export abstract class PathInstance implements DriverInstance {
  abstract readonly length: number;
  readonly writeFlags = RequestFlag.fua;
  protected file: OpenFile;
  protected readonly native: NativeCalls | undefined;
  readonly #options: FileOptions;
  readonly #locks: ImageLocks;
  #flags: NodeFlags;
  /** The file is open for writing. */
  #writable: boolean;
  /** What all users of the node do together. */
  #wanted = unused;

  /** @throws BlockError when the image cannot be locked as it should be */
  constructor({ options, flags, file, native, stats }: OpenPath) {
    this.#options = options;
    this.#flags = flags;
    this.#writable = !handleFlags(flags).readOnly;
    this.file = file;
    this.native = native;
    this.#locks = new ImageLocks({ ...options, readOnly: flags.readOnly, native }, file.fd, stats);
  }

  get requestAlignment(): number {
    return this.file.alignment;
  }

  read(offset: number, buffer: Uint8Array): Promise<void> {
    return this.file.read(offset, buffer);
  }

  write(offset: number, data: Uint8Array, flags: number): Promise<void> {
    return this.isDurable(flags) ? this.file.writeDurable(offset, data) : this.file.write(offset, data);
  }

  flushToDisk(): Promise<void> {
    return this.file.sync();
  }

  /** Whether a request is to reach the disk: where flushes do not, nothing is to. */
  protected isDurable(flags: number): boolean {
    return (flags & RequestFlag.fua) !== 0 && !this.#flags.noFlush;
  }

  async allocatedSize(): Promise<number> {
    // In units of 512 bytes, whatever the blocks of the file system.
    return (await statFd(this.file.fd)).blocks * 512;
  }

  exactFilename(): string | undefined {
    return this.#options.filename;
  }

  /** A file that is to be used in another way is opened a second time, and the first handle closed when all agree. */
  async prepareReopen(flags: NodeFlags): Promise<Reopening> {
    refuseUnlockable({ ...this.#options, readOnly: flags.readOnly, native: this.native });
    const handle = await this.#prepareHandle(flags, this.#wanted);
    try {
      await handle.lock();
    } catch (error) {
      await handle.abort();
      throw error;
    }
    return {
      commit: () => {
        this.#flags = flags;
        return handle.commit();
      },
      abort: handle.abort,
    };
  }

  async preparePermissions(wanted: Permissions): Promise<PermissionChange> {
    const handle = await this.#prepareHandle(this.#flags, wanted);
    const before = this.#wanted;
    let locks: PermissionChange;
    try {
      locks = await this.#locks.prepare(wanted);
      await handle.lock();
    } catch (error) {
      await handle.abort();
      throw error;
    }
    this.#wanted = wanted;
    return {
      async commit() {
        await handle.commit();
        await locks.commit();
      },
      abort: async () => {
        this.#wanted = before;
        await handle.abort();
        await locks.abort();
      },
    };
  }

  /** Opens the file in another way where flags or users ask for it, to be used from the commit on. */
  async #prepareHandle(flags: NodeFlags, { uses }: Permissions): Promise<Reopening & { lock(): Promise<void> }> {
    const before = this.file;
    const writable = !flags.readOnly && (!flags.autoReadOnly || (uses & writing) !== 0);
    if (writable === this.#writable && flags.direct === this.#flags.direct) {
      return { lock: async () => {}, commit: async () => {}, abort: async () => {} };
    }
    const next = await before.reopen(this.#options, { ...flags, readOnly: !writable }, this.native);
    const close = (file: OpenFile): Promise<void> => file.close().catch(() => {});
    return {
      lock: () => this.#locks.copyTo(next.fd),
      commit: async () => {
        // Flags that were changed at the same time have chosen the handle already.
        if (this.file !== before) return close(next);
        this.file = next;
        this.#writable = writable;
        this.#locks.moveTo(next.fd);
        // What was written through the old handle has been flushed: nothing is lost even if this fails.
        await close(before);
      },
      abort: () => close(next),
    };
  }

  async close(): Promise<void> {
    this.#locks.forget();
    await this.file.close();
  }
}
