import type { BlockStatsSpecificFile } from '../../../../generated/index.js';

/** Counts how discards of a file or device end. */
export class DiscardCount {
  #done = 0;
  #failed = 0;
  #bytes = 0;

  /** Makes a discard of some bytes, and counts it. */
  async of(length: number, discard: () => Promise<void>): Promise<void> {
    try {
      await discard();
    } catch (error) {
      this.#failed++;
      throw error;
    }
    this.#done++;
    this.#bytes += length;
  }

  /** What queries show. */
  get shown(): BlockStatsSpecificFile {
    return { 'discard-nb-ok': this.#done, 'discard-nb-failed': this.#failed, 'discard-bytes-ok': this.#bytes };
  }
}
