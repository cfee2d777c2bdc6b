/** Whether the virtual devices run. While they are stopped, what their clients ask for waits. */
export class RunState {
  #stopped: { readonly resumed: Promise<void>; resume(): void } | undefined;

  get running(): boolean {
    return this.#stopped === undefined;
  }

  /** Resolves when the devices run again; absent while they do. */
  get resumed(): Promise<void> | undefined {
    return this.#stopped?.resumed;
  }

  /** @returns whether they ran before */
  stop(): boolean {
    if (this.#stopped !== undefined) return false;
    let resume = (): void => {};
    const resumed = new Promise<void>((resolve) => {
      resume = resolve;
    });
    this.#stopped = { resumed, resume };
    return true;
  }

  /** @returns whether they were stopped before */
  resume(): boolean {
    const stopped = this.#stopped;
    this.#stopped = undefined;
    stopped?.resume();
    return stopped !== undefined;
  }
}
