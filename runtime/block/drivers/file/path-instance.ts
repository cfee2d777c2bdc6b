import { type DriverInstance, type NodeFlags, type Reopening, RequestFlag } from '../../driver.js';
import type { NativeCalls } from './native.js';
import type { OpenFile } from './open-file.js';
import type { FileOptions } from './path-options.js';
import { statFd } from './system-io.js';

/** What files and devices have in common once they are open. */
export abstract class PathInstance implements DriverInstance {
  abstract readonly length: number;
  readonly writeFlags = RequestFlag.fua;
  protected file: OpenFile;
  protected readonly native: NativeCalls | undefined;
  readonly #options: FileOptions;
  #flags: NodeFlags;

  constructor(options: FileOptions, flags: NodeFlags, file: OpenFile, native: NativeCalls | undefined) {
    this.#options = options;
    this.#flags = flags;
    this.file = file;
    this.native = native;
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
    const next = same ? this.file : await this.file.reopen(this.#options.path, flags, this.native);
    return {
      commit: async () => {
        const before = this.file;
        this.#flags = flags;
        this.file = next;
        // What was written through the old handle has been flushed: nothing is lost even if this fails.
        if (next !== before) await before.close().catch(() => {});
      },
      abort: async () => {
        if (next !== this.file) await next.close().catch(() => {});
      },
    };
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
