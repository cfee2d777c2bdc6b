import { errnoOf } from '../../error.js';
import { type NativeCalls, Whence } from './native.js';

/** A stretch that is data, or that is not there. */
export interface Extent {
  /** Bytes. */
  readonly length: number;
  readonly data: boolean;
}

/**
 * Where a file has data and where holes. The last data found is remembered: taking a new hole for data costs nothing but reading
 * zeroes, while taking new data for a hole would lose it. So holes are looked up each time; who else writes is not known.
 */
export class ExtentMap {
  readonly #native: NativeCalls;
  #from = 0;
  #to = 0;
  #generation = 0;

  constructor(native: NativeCalls) {
    this.#native = native;
  }

  /** Data may have become a hole. */
  forget(): void {
    this.#generation++;
    this.#from = this.#to = 0;
  }

  /** What the file has from `offset` on, for at most `length` bytes. Beyond its end there is a hole. @throws BlockError */
  async find(fd: number, offset: number, length: number): Promise<Extent> {
    if (offset >= this.#from && offset < this.#to) return { length: Math.min(length, this.#to - offset), data: true };
    const generation = this.#generation;
    const data = await this.#seek(fd, offset, Whence.data);
    if (data === undefined) return { length, data: false };
    if (data > offset) return { length: Math.min(length, data - offset), data: false };
    // Every file ends with a hole; where there is none, it has just been cut.
    const hole = (await this.#seek(fd, offset, Whence.hole)) ?? offset;
    if (hole <= offset) return { length, data: true };
    if (generation === this.#generation) {
      this.#from = offset;
      this.#to = hole;
    }
    return { length: Math.min(length, hole - offset), data: true };
  }

  async #seek(fd: number, offset: number, whence: number): Promise<number | undefined> {
    try {
      return await this.#native.seek(fd, offset, whence);
    } catch (error) {
      if (errnoOf(error) === 'ENXIO') return undefined;
      throw error;
    }
  }
}
