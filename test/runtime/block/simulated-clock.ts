import type { Clock } from '../../../runtime/block/clock.js';

/** A clock that only moves when a test moves it. */
export class SimulatedClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  after(ns: number, callback: () => void): { cancel(): void } {
    const timer = { at: this.#now + Math.max(0, ns), callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Moves on, with every timer that is due meanwhile, in order, and what follows from it. */
  async advance(ns: number): Promise<void> {
    const end = this.#now + ns;
    for (;;) {
      await settled();
      const due = [...this.#timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = due.at;
      due.callback();
    }
    this.#now = end;
    await settled();
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
