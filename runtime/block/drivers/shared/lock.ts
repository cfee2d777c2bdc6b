/** Lets one piece of work run at a time, in the order in which they came. */
export class Lock {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when all that was asked for before is done, and returns what it returns. Never call it inside of `work`. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => {});
    return result;
  }
}
