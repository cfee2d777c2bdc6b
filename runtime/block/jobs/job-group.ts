/** A job, as far as others of its group know it. */
export interface GroupedJob {
  /** It is to end without success. */
  readonly cancelled: boolean;
  /** Ends it without success. One that has finished its work already reports that it was cancelled, too. */
  cancelInGroup(): void;
}

/** Jobs of one transaction that succeed together, or not at all. */
export class JobGroup {
  readonly #jobs = new Map<GroupedJob, 'working' | 'finished'>();
  #failed = false;
  readonly #waiting: (() => void)[] = [];

  add(job: GroupedJob): void {
    this.#jobs.set(job, 'working');
  }

  /** The work of a job is done, with or without success. Resolves when that of all others is, too. */
  async finished(job: GroupedJob, succeeded: boolean): Promise<void> {
    this.#jobs.set(job, 'finished');
    if (!succeeded && !this.#failed) {
      this.#failed = true;
      for (const other of this.#jobs.keys()) if (other !== job) other.cancelInGroup();
    }
    if ([...this.#jobs.values()].every((state) => state === 'finished')) {
      for (const go of this.#waiting.splice(0)) go();
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
