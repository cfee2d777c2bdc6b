import type { Child } from '../driver.js';
import { EarlyFlush } from './early-flush.js';
import type { WorkingJob } from './working-job.js';

/** Steps that are in flight at the same time. */
const mostInFlight = 4;

/** What a job does about one part of a disk. */
interface Step {
  /** Bytes of the part. */
  readonly length: number;
  /** Resolves with the bytes of data that it has written. Absent: there is nothing to do. */
  readonly work?: () => Promise<number>;
}

/** The steps of a job that goes through a disk from the beginning to the end. */
export interface Steps {
  /** What is written to. */
  readonly into: Pick<Child, 'flush'>;
  /** Looks what is to be done from an offset on. */
  next(offset: number): Promise<Step>;
  /** Bytes of a step that fails before it is known. */
  readonly length: number;
  /** A step has failed. It is done again, left out, or the last one. */
  failed(error: unknown): 'again' | 'skip' | 'end';
}

interface Begun {
  readonly length: number;
  done: boolean;
  failure: { readonly error: unknown } | undefined;
  running: Promise<void>;
}

/**
 * Goes through a disk up to `job.len`. Steps run side by side, but what others see of that comes in order: the job's offset is the end of
 * what is done without a gap, and a failure is that of the first step that has failed, with nothing in flight behind it.
 */
export function inSequence(job: WorkingJob, steps: Steps): Promise<void> {
  return new Sequence(job, steps).run();
}

class Sequence {
  readonly #job: WorkingJob;
  readonly #steps: Steps;
  readonly #earlyFlush: EarlyFlush;
  #flushing: Promise<void> = Promise.resolve();
  #flushFailure: { readonly error: unknown } | undefined;
  /** In the order of their offsets. */
  #begun: Begun[] = [];
  /** Where the next step begins. */
  #end: number;
  #over = false;

  constructor(job: WorkingJob, steps: Steps) {
    this.#job = job;
    this.#steps = steps;
    this.#earlyFlush = new EarlyFlush(steps.into);
    this.#end = job.offset;
  }

  async run(): Promise<void> {
    const job = this.#job;
    try {
      for (let worked = 0; job.offset < job.len; ) {
        if (this.#end < job.len) await this.#pause(worked);
        worked = 0;
        if (this.#over || job.cancelled) return;
        if (this.#end < job.len && this.#begun.length < mostInFlight) worked = await this.#begin();
        else await this.#begun[0]?.running;
        await this.#settle();
        if (this.#over) return;
      }
      await this.all();
    } finally {
      await this.#allRun();
    }
  }

  /** Waits as the speed wants it, or where the job must. */
  async #pause(worked: number): Promise<void> {
    const job = this.#job;
    const delay = job.delayAfter(worked);
    if (delay > 0) {
      const end = this.#end;
      await this.all();
      if (this.#over) return;
      // What has failed is not waited for.
      if (this.#end === end) return job.pace(delay);
    }
    await job.pausePointOf(this);
  }

  /** Waits for all that is in flight, and shows what has become of it. */
  async all(): Promise<void> {
    await this.#allRun();
    await this.#settle();
  }

  /** @returns the bytes that are worked on */
  async #begin(): Promise<number> {
    const offset = this.#end;
    let step: Step;
    try {
      step = await this.#steps.next(offset);
    } catch (error) {
      const length = Math.min(this.#steps.length, this.#job.len - offset);
      this.#begun.push({ length, done: true, failure: { error }, running: Promise.resolve() });
      // What is behind is not begun before this is settled.
      await this.#allRun();
      return 0;
    }
    const { length, work } = step;
    this.#end = offset + length;
    const begun: Begun = { length, done: work === undefined, failure: undefined, running: Promise.resolve() };
    this.#begun.push(begun);
    if (work === undefined) return 0;
    begun.running = work()
      .then((written) => this.#flushAfter(written))
      .catch((error: unknown) => {
        begun.failure = { error };
      })
      .finally(() => {
        begun.done = true;
      });
    return length;
  }

  /** Begins a flush when it is time for one. Steps do not wait for it: what they have done counts. */
  #flushAfter(written: number): void {
    const flush = this.#earlyFlush.after(written);
    if (flush === undefined) return;
    this.#flushing = flush.catch((error: unknown) => {
      this.#flushFailure = { error };
    });
  }

  /** Shows what is done without a gap, up to the first failure. */
  async #settle(): Promise<void> {
    if (this.#flushFailure !== undefined) {
      const { error } = this.#flushFailure;
      this.#flushFailure = undefined;
      await this.#allRun();
      this.#over = this.#steps.failed(error) === 'end';
      if (this.#over) return;
      // It may have been paused, behind the last step, too.
      await this.#job.pausePointOf(this);
    }
    for (let first = this.#begun[0]; first?.done; first = this.#begun[0]) {
      if (first.failure !== undefined) {
        await this.#allRun();
        // What was done behind it is found done when it is looked for again.
        this.#begun = [];
        const action = this.#steps.failed(first.failure.error);
        if (action === 'skip') this.#job.offset += first.length;
        this.#over = action === 'end';
        this.#end = this.#job.offset;
        return;
      }
      this.#begun.shift();
      this.#job.offset += first.length;
    }
  }

  async #allRun(): Promise<void> {
    for (const { running } of this.#begun) await running;
    await this.#flushing;
  }
}
