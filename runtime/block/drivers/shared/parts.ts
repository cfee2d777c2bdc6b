/** How many parts of a request run side by side. */
const mostAtOnce = 16;

/** The parts that a request consists of where its clusters are scattered. They use its buffer, so it ends when all of them have. */
export class Parts {
  #running: Promise<void>[] = [];
  #failed = false;
  #error: unknown;

  /** Adds a part that runs already. */
  add(part: Promise<void>): void {
    this.#running.push(
      part.catch((error: unknown) => {
        if (!this.#failed) this.#error = error;
        this.#failed = true;
      }),
    );
  }

  /** Waits until there may be one more. @throws whatever the first part that failed threw */
  async room(): Promise<void> {
    if (this.#running.length >= mostAtOnce || this.#failed) await this.all();
  }

  /** Waits for all parts. @throws whatever the first part that failed threw */
  async all(): Promise<void> {
    await this.settled();
    if (this.#failed) throw this.#error;
  }

  /** Waits for all parts, whether they go well or not. */
  async settled(): Promise<void> {
    const running = this.#running;
    this.#running = [];
    await Promise.all(running);
  }
}
