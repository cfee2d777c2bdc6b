import type { Clock } from '../clock.js';

/**
 * When a job touches its nodes, and when it rests: drained sections wait for the one to end, and it waits for them before it
 * begins again.
 */
export class Activity {
  readonly #clock: Clock;
  readonly #mustRest: () => boolean;
  readonly #onRest: () => void;
  #resting = true;
  #drained = 0;
  #wakes = 0;
  #timer: { cancel(): void } | undefined;
  /** Resolve what waits for something to happen to the job, and what waits for it to rest. */
  #changed: (() => void)[] = [];
  readonly #awaiting: (() => void)[] = [];

  /**
   * @param mustRest whether the job must not begin again now
   * @param onRest called when it rests, and when it may have to rest or go on
   */
  constructor(clock: Clock, mustRest: () => boolean, onRest: () => void) {
    this.#clock = clock;
    this.#mustRest = mustRest;
    this.#onRest = onRest;
  }

  /** It does not touch its nodes: it sleeps, is paused, waits for its turn, or has ended. */
  get resting(): boolean {
    return this.#resting;
  }

  /** Its nodes are in a drained section. */
  get drained(): boolean {
    return this.#drained > 0;
  }

  drainBegin(): Promise<void> {
    this.#drained++;
    this.#onRest();
    if (this.#resting) return Promise.resolve();
    return new Promise((resolve) => this.#awaiting.push(resolve));
  }

  drainEnd(): void {
    this.#drained--;
    this.#onRest();
    this.wake();
  }

  /** How often {@link wake} was called: whether something has happened since one has looked. */
  get wakes(): number {
    return this.#wakes;
  }

  /** Something has happened to the job: what waits looks again. */
  wake(): void {
    this.#wakes++;
    this.#timer?.cancel();
    this.#timer = undefined;
    const waiting = this.#changed;
    this.#changed = [];
    for (const go of waiting) go();
  }

  /** Resolves when something has happened to the job. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }

  /** The same, or after a time in nanoseconds. */
  changeWithin(ns: number): Promise<void> {
    this.#timer = this.#clock.after(ns, () => this.wake());
    return this.change();
  }

  /** Touches nodes while `work` runs, as soon as that may be. */
  async active<T>(work: () => Promise<T>): Promise<T> {
    while (this.#mustRest()) await this.change();
    this.#resting = false;
    try {
      return await work();
    } finally {
      this.#rest();
    }
  }

  /** Rests while `wait` runs, and until it may go on as before. */
  async rest<T>(wait: () => Promise<T>): Promise<T> {
    const before = this.#resting;
    this.#rest();
    try {
      return await wait();
    } finally {
      // Between the last look and going on nothing else may run: a drained section could begin there.
      while (!before && this.#mustRest()) await this.change();
      this.#resting = before;
    }
  }

  #rest(): void {
    this.#resting = true;
    this.#onRest();
    for (const go of this.#awaiting.splice(0)) go();
  }
}
