import type { Limit } from './throttle-config.js';

const nanoseconds = 1e9;

/**
 * A bucket with a hole: each request pours in what it costs, and it leaks at the average rate. While it is full, requests wait.
 * A burst is what fits into it. Bursts of more than a second have a second bucket that leaks at the rate of the burst, so that
 * they do not go faster than that.
 */
export class LeakyBucket {
  readonly #average: number;
  readonly #capacity: number;
  /** Units per second during a long burst; 0: bursts are not limited but by the capacity. */
  readonly #burstRate: number;
  #level = 0;
  #burstLevel = 0;
  #leakedAt: number;

  /**
   * @param limit one that limits: its average is not 0
   * @param now nanoseconds of the clock that the other methods are called with
   */
  constructor({ average, max, burstLength }: Limit, now: number) {
    this.#average = average;
    this.#capacity = max === 0 ? average / 10 : max * burstLength;
    this.#burstRate = burstLength > 1 ? max : 0;
    this.#leakedAt = now;
  }

  /** Nanoseconds that a request has to wait; 0: it may go at once. */
  wait(now: number): number {
    this.#leak(now);
    const extra = this.#level - this.#capacity;
    if (extra > 0) return Math.ceil((extra / this.#average) * nanoseconds);
    const burst = this.#burstLevel - this.#burstRate / 10;
    return burst > 0 ? Math.ceil((burst / this.#burstRate) * nanoseconds) : 0;
  }

  /** Pours in what a request costs that has been let go. */
  add(now: number, cost: number): void {
    this.#leak(now);
    this.#level += cost;
    if (this.#burstRate > 0) this.#burstLevel += cost;
  }

  #leak(now: number): void {
    const seconds = (now - this.#leakedAt) / nanoseconds;
    if (seconds <= 0) return;
    this.#leakedAt = now;
    this.#level = Math.max(0, this.#level - this.#average * seconds);
    this.#burstLevel = Math.max(0, this.#burstLevel - this.#burstRate * seconds);
  }
}
