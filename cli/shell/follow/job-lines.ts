import type { JobProgress } from './followed-jobs.js';
import { jobLine } from './job-line.js';
import { Pace } from './pace.js';

/** The lines of jobs, with the speed that follows from what they were before. */
export class JobLines {
  readonly #paces = new Map<string, Pace>();

  /** @param columns how wide a line may be */
  of(jobs: readonly JobProgress[], columns: number, now: number = performance.now()): string[] {
    return jobs.map((job) => jobLine(job, this.#paceOf(job.id).sample(now, job.current), columns));
  }

  #paceOf(id: string): Pace {
    const pace = this.#paces.get(id) ?? new Pace();
    this.#paces.set(id, pace);
    return pace;
  }
}
