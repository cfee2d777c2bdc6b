import type { Stats } from 'node:fs';
import type { DriverInstance, NodeFlags, Reopening } from '../../driver.js';
import type { PermissionChange, Permissions } from '../../permissions.js';
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

/** What files and devices have in common once they are open. */
export abstract class PathInstance implements DriverInstance {
  abstract readonly length: number;
  readonly writeFlags = RequestFlag.fua;
  protected file: OpenFile;
  protected readonly native: NativeCalls | undefined;
  readonly #options: FileOptions;
  readonly #locks: ImageLocks;
  #flags: NodeFlags;

  /** @throws BlockError when the image cannot be locked as it should be */
  constructor({ options, flags, file, native, stats }: OpenPath) {
    this.#options = options;
    this.#flags = flags;
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
    const old = this.#flags;
    const same = old.readOnly === flags.readOnly && old.direct === flags.direct;
    refuseUnlockable({ ...this.#options, readOnly: flags.readOnly, native: this.native });
    const next = same ? this.file : await this.file.reopen(this.#options, flags, this.native);
    try {
      if (!same) await this.#locks.copyTo(next.fd);
    } catch (error) {
      await next.close().catch(() => {});
      throw error;
    }
    return {
      commit: async () => {
        const before = this.file;
        this.#flags = flags;
        this.file = next;
        this.#locks.moveTo(next.fd);
        // What was written through the old handle has been flushed: nothing is lost even if this fails.
        if (next !== before) await before.close().catch(() => {});
      },
      abort: async () => {
        if (next !== this.file) await next.close().catch(() => {});
      },
    };
  }

  preparePermissions(wanted: Permissions): Promise<PermissionChange> {
    return this.#locks.prepare(wanted);
  }

  async close(): Promise<void> {
    this.#locks.forget();
    await this.file.close();
  }
}
