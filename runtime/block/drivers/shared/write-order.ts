/** What L2 entries rely on must be on the disk before they are: this sees to it. */
export class WriteOrder {
  readonly #writeRefcounts: () => Promise<void>;
  readonly #flush: () => Promise<void>;
  #needsRefcounts = false;
  #needsFlush = false;
  #running: Promise<void> | undefined;

  /**
   * @param writeRefcounts writes all refcount blocks that have been changed
   * @param flush flushes the file
   */
  constructor(writeRefcounts: () => Promise<void>, flush: () => Promise<void>) {
    this.#writeRefcounts = writeRefcounts;
    this.#flush = flush;
  }

  /**
   * An entry has been changed that relies on data that has been written to the file. Called without a pause after the change.
   *
   * @param refcounts whether it relies on refcounts that are in the cache, too
   */
  relies(refcounts: boolean): void {
    this.#needsRefcounts ||= refcounts;
    this.#needsFlush = true;
  }

  /** Resolves when all that was relied on until now is on the disk. */
  settle(): Promise<void> | undefined {
    if (this.#needsFlush) {
      const running = this.#run(this.#needsRefcounts, this.#running);
      this.#running = running;
      running
        .finally(() => {
          if (this.#running === running) this.#running = undefined;
        })
        .catch(() => {});
    }
    return this.#running;
  }

  /** @param before what is on its way already: who waits for this may rely on that, too */
  async #run(refcounts: boolean, before: Promise<void> | undefined): Promise<void> {
    this.#needsRefcounts = false;
    this.#needsFlush = false;
    try {
      await before;
      if (refcounts) await this.#writeRefcounts();
      await this.#flush();
    } catch (error) {
      this.relies(refcounts);
      throw error;
    }
  }
}
