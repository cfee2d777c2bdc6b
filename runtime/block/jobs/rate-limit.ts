import { sectorSize } from '../limits.js';

/** Nanoseconds of a slice: as much as the speed allows is done at once, and then waited. */
const slice = 1e8;

/**
 * Spreads work over time, so that it keeps to a speed. What is done at once is never split, so a slow job works in bursts of one
 * piece and waits long after each.
 */
export class RateLimit {
  #perSlice = Number.POSITIVE_INFINITY;
  #start = 0;
  #end = 0;
  #done = 0;

  /** @param speed bytes each second; 0: no limit */
  set speed(speed: number) {
    this.#perSlice = speed === 0 ? Number.POSITIVE_INFINITY : Math.max(sectorSize, speed / 10);
  }

  /**
   * Counts work.
   *
   * @param now nanoseconds
   * @returns the nanoseconds to wait after it
   */
  delay(bytes: number, now: number): number {
    if (this.#perSlice === Number.POSITIVE_INFINITY) return 0;
    if (this.#end < now) {
      this.#start = now;
      this.#end = now + slice;
      this.#done = 0;
    }
    this.#done += bytes;
    if (this.#done < this.#perSlice) return 0;
    this.#end = this.#start + Math.ceil(this.#done / this.#perSlice) * slice;
    return Math.max(0, this.#end - now);
  }
}
