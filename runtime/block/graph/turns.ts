/** A place in the queue of {@link Turns}. */
export interface Turn {
  /** Resolves when all that came before have left. */
  readonly come: Promise<void>;
  /** Lets the next one in, or gives up a turn that has not come. */
  leave(): void;
}

/**
 * Lets changes of the graph happen one after the other: commands of several clients, and what jobs do at their ends. Each sees
 * the graph as the one before has left it.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Stands in the queue. Whatever happens, the turn must be left. */
  queue(): Turn {
    const come = this.#last;
    let leave = (): void => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    this.#last = come.then(() => left);
    return { come, leave };
  }

  /** Does something when its turn has come. */
  async run<T>(work: () => Promise<T> | T): Promise<T> {
    const turn = this.queue();
    await turn.come;
    try {
      return await work();
    } finally {
      turn.leave();
    }
  }
}
