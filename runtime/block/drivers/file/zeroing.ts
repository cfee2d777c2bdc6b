import { errnoOf, ioError } from '../../error.js';
import { FallocateMode, type NativeCalls } from './native.js';

/** Makes ranges of a file zero, or holes, as its file system can. What it cannot is tried once. */
export class Zeroing {
  readonly #native: NativeCalls;
  readonly #impossible = new Set<number>();

  constructor(native: NativeCalls) {
    this.#native = native;
  }

  /** Gives the space of a range back. It reads as zeroes afterwards; the file stays as long as it is. @throws BlockError ENOTSUP */
  async punch(fd: number, offset: number, length: number): Promise<void> {
    if (!(await this.#try(fd, FallocateMode.punchHole | FallocateMode.keepSize, offset, length)))
      throw ioError('ENOTSUP');
  }

  /** Makes a range zero and keeps its space. The file becomes longer where it must. @throws BlockError ENOTSUP */
  async zero(fd: number, offset: number, length: number): Promise<void> {
    if (await this.#try(fd, FallocateMode.zeroRange, offset, length)) return;
    // Others can do it in two steps.
    await this.punch(fd, offset, length);
    if (!(await this.#try(fd, FallocateMode.allocate, offset, length))) throw ioError('ENOTSUP');
  }

  async #try(fd: number, mode: number, offset: number, length: number): Promise<boolean> {
    if (this.#impossible.has(mode)) return false;
    try {
      await this.#native.fallocate(fd, mode, offset, length);
      return true;
    } catch (error) {
      const code = errnoOf(error);
      // EINVAL may be about this range only.
      if (code === 'EINVAL') return false;
      // ENODEV: a character device.
      if (code !== 'ENOTSUP' && code !== 'ENODEV') throw error;
      this.#impossible.add(mode);
      return false;
    }
  }
}
