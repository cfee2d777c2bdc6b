/** What is going on at the same time, up to a number. Failures are the caller's: what is added must not reject. */
export class InFlight {
  readonly #most: number;
  readonly #running = new Set<Promise<void>>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#running.size;
  }

  add(work: Promise<void>): void {
    const running: Promise<void> = work.finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Waits until there is room for one more. */
  async room(): Promise<void> {
    while (this.#running.size >= this.#most) await Promise.race(this.#running);
  }

  /** Waits until one of them is done, if there is any. */
  async one(): Promise<void> {
    if (this.#running.size > 0) await Promise.race(this.#running);
  }

  /** Waits until all are done. */
  async all(): Promise<void> {
    while (this.#running.size > 0) await Promise.race(this.#running);
  }
}
