/** What was measured in a stretch of time. Nanoseconds. */
interface Window {
  /** When it began. */
  start: number;
  /** When it ends, and begins anew. */
  expiry: number;
  count: number;
  sum: number;
  least: number;
  most: number;
}

/** Measurements of about the last interval. All 0 when there are none. */
export interface Measured {
  readonly least: number;
  readonly most: number;
  readonly average: number;
  /** The sum of all that was measured, by the time that it was measured in. */
  readonly density: number;
}

/**
 * Measurements of the recent past. Two windows run at the same time, each 4/3 of the interval long, one half a window ahead of
 * the other. The older one is shown: it covers between 2/3 and 4/3 of the interval, and the interval on average.
 */
export class TimedAverage {
  readonly #length: number;
  readonly #windows: readonly [Window, Window];

  /**
   * @param interval nanoseconds
   * @param now nanoseconds of the clock that the other methods are called with
   */
  constructor(interval: number, now: number) {
    this.#length = (interval * 4) / 3;
    this.#windows = [emptyWindow(now, now + this.#length / 2), emptyWindow(now, now + this.#length)];
  }

  add(now: number, value: number): void {
    this.#renew(now);
    for (const window of this.#windows) {
      window.least = window.count === 0 ? value : Math.min(window.least, value);
      window.most = Math.max(window.most, value);
      window.sum += value;
      window.count++;
    }
  }

  measured(now: number): Measured {
    this.#renew(now);
    const [first, second] = this.#windows;
    const { start, count, sum, least, most } = first.expiry < second.expiry ? first : second;
    if (count === 0) return { least: 0, most: 0, average: 0, density: 0 };
    return { least, most, average: sum / count, density: now > start ? sum / (now - start) : 0 };
  }

  /** Empties the windows that have ended. Those that ended long ago have begun anew since, perhaps many times. */
  #renew(now: number): void {
    for (const window of this.#windows) {
      if (now < window.expiry) continue;
      const start = now - ((now - window.expiry) % this.#length);
      Object.assign(window, emptyWindow(start, start + this.#length));
    }
  }
}

function emptyWindow(start: number, expiry: number): Window {
  return { start, expiry, count: 0, sum: 0, least: 0, most: 0 };
}
