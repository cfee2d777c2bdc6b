import type { Clock } from './driver.js';

/** The machine's clock. Timers are exact to a millisecond. */
export const systemClock: Clock = {
  now: () => performance.now() * 1e6,
  after(ns, callback) {
    const timer = setTimeout(callback, Math.ceil(ns / 1e6));
    return { cancel: () => clearTimeout(timer) };
  },
};
