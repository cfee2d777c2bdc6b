import type { Clock } from './clock.js';

/** The most milliseconds of a timer of Node.js: one that is set to more ends at once. */
const longestTimer = 2 ** 31 - 1;

/** The machine's clock. Timers are exact to a millisecond. */
export const systemClock: Clock = {
  now: () => performance.now() * 1e6,
  after(ns, callback) {
    let timer: NodeJS.Timeout;
    const wait = (milliseconds: number): void => {
      const now = Math.min(milliseconds, longestTimer);
      timer = setTimeout(() => (now < milliseconds ? wait(milliseconds - now) : callback()), now);
    };
    wait(Math.ceil(ns / 1e6));
    return { cancel: () => clearTimeout(timer) };
  },
};
