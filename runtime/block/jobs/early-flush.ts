import type { Child } from '../driver.js';
import { blockErrorOf } from '../error.js';
import { CopyFailure } from './copy.js';

/** Bytes of data that a job writes between two flushes. */
const interval = 64 * 1024 * 1024;

/**
 * Flushes what a job writes now and then while it goes on, so that the disk works meanwhile. Otherwise all of it, as far as the host's
 * cache takes it, would reach the disk at the end, and everything that needs a flush before would wait for it.
 */
export class EarlyFlush {
  readonly #into: Pick<Child, 'flush'>;
  #bytes = 0;
  #running = false;

  /** @param into what the job writes to */
  constructor(into: Pick<Child, 'flush'>) {
    this.#into = into;
  }

  /**
   * Counts data that has been written.
   *
   * @returns the flush that begins now, if one is due: resolves after it, and rejects with a {@link CopyFailure} as it fails
   */
  after(bytes: number): Promise<void> | undefined {
    this.#bytes += bytes;
    if (this.#running || this.#bytes < interval) return undefined;
    this.#bytes = 0;
    return this.#flush();
  }

  async #flush(): Promise<void> {
    this.#running = true;
    try {
      await this.#into.flush();
    } catch (error) {
      // What could not be written may be clean by now, for the host: the last flush would not fail again.
      throw new CopyFailure('write', blockErrorOf(error));
    } finally {
      this.#running = false;
    }
  }
}
