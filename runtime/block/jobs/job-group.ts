import type { JobStatus } from '../../../generated/index.js';

/** A job, as its group knows it. */
export interface GroupedJob {
  readonly status: JobStatus;
  /** It takes effect without the user's word. */
  readonly autoFinalize: boolean;
  /** Comes to another point in its life. */
  enter(status: 'waiting' | 'pending'): void;
  /** Changes the graph. @returns whether it could */
  prepare(): Promise<boolean>;
  /** Puts back what the work needed, and reports the end. */
  conclude(): Promise<void>;
  /** Ends its work without success, and resolves when that is over. */
  stop(): Promise<void>;
}

/**
 * Jobs that succeed together, or not at all: those of a grouped transaction. A job that is alone is a group of its own. All but
 * {@link JobGroup.add} is called by the holder of the turn.
 */
export class JobGroup {
  /** The newest first, the order in which they end. */
  readonly #jobs: GroupedJob[] = [];
  #aborting = false;

  add(job: GroupedJob): void {
    this.#jobs.unshift(job);
  }

  /** The work of a job is done. When that of all is, they take effect, unless one of them waits for the user's word. */
  async succeeded(job: GroupedJob): Promise<void> {
    job.enter('waiting');
    if (this.#jobs.some(({ status }) => status !== 'waiting')) return;
    for (const each of this.#jobs) each.enter('pending');
    if (this.#jobs.every(({ autoFinalize }) => autoFinalize)) await this.finalize();
  }

  /** All take effect; when one cannot, none does. */
  async finalize(): Promise<void> {
    for (const job of this.#jobs) {
      if (!(await job.prepare())) return this.abort(job);
    }
    for (const job of [...this.#jobs]) await job.conclude();
  }

  /** A job has failed or was cancelled: all end without success, the others as cancelled. */
  async abort(first: GroupedJob): Promise<void> {
    // What has aborted the group waits for this one.
    if (this.#aborting) return;
    this.#aborting = true;
    for (const job of [...this.#jobs]) {
      if (job !== first) await job.stop();
      await job.conclude();
    }
  }
}
