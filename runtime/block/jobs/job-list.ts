import { isWellFormedId } from '../../visit/well-formed-id.js';
import { BlockError, invalid } from '../error.js';
import type { Job } from './job.js';

/** The jobs that there are, by their ids. */
export class JobList {
  readonly #jobs = new Map<string, Job>();

  /** The newest first. */
  get all(): readonly Job[] {
    return [...this.#jobs.values()].reverse();
  }

  /** @throws BlockError when there is no job of this id */
  named(id: string): Job {
    const job = this.#jobs.get(id);
    if (job === undefined) throw new BlockError('Job not found', { code: 'ENOENT' });
    return job;
  }

  /** A job of a node. @throws BlockError (DeviceNotActive) when there is none of this id */
  ofNode(id: string): Job {
    const job = this.#jobs.get(id);
    if (job?.ofNode) return job;
    throw new BlockError(`Block job '${id}' not found`, { class: 'DeviceNotActive', code: 'ENOENT' });
  }

  /** @throws BlockError when the id is malformed, or that of a job that is there */
  checkFree(id: string): void {
    if (!isWellFormedId(id)) throw invalid(`Invalid job ID '${id}'`);
    if (this.#jobs.has(id)) throw new BlockError(`Job ID '${id}' already in use`, { code: 'EEXIST' });
  }

  add(job: Job): void {
    this.#jobs.set(job.id, job);
  }

  forget(id: string): void {
    this.#jobs.delete(id);
  }

  /** Ends all jobs. For the holder of the turn. */
  async endAll(): Promise<void> {
    await endJobs(this.all);
  }
}

/** Ends jobs at once, and lets none of them stay. */
export async function endJobs(jobs: Iterable<Job>): Promise<void> {
  for (const job of jobs) {
    await job.end();
    if (job.status === 'concluded') await job.dismiss();
  }
}
