import type { JsonObject } from '../json/value.js';

/** How far a job is. The unit is the job's own: bytes, mostly. */
export interface JobProgress {
  readonly current: number | bigint;
  readonly total: number | bigint;
  /** The job's status, as far as the server tells: `running`, `ready`, `pending`, … */
  readonly status: string | undefined;
}

/** How a job is followed. */
export interface FollowOptions {
  /** Cancels the job. The call is rejected with the signal's reason once the job has ended, unless it had been completed. */
  readonly signal?: AbortSignal;
  /**
   * The job keeps two images alike and can be ended (mirror, active commit): `complete` switches over to the target (default),
   * `cancel` ends it and stays with the source. An error cancels the job.
   */
  readonly onReady?: () => 'complete' | 'cancel' | Promise<'complete' | 'cancel'>;
  /** With `auto-finalize: false`: the last moment before the job's changes are made. An error cancels the job. */
  readonly onPending?: () => void | Promise<void>;
  /** Called with how far the job is. */
  readonly onProgress?: (progress: JobProgress) => void;
  /** How often to ask for the progress, in milliseconds. Default: 500. */
  readonly progressInterval?: number;
  /** Called with I/O errors, each a `BLOCK_JOB_ERROR`: with the action `stop` the job waits until it is resumed. */
  readonly onError?: (error: JsonObject) => void;
}

/** How {@link runJob} runs a job. */
export interface JobOptions extends FollowOptions {
  /** The job's id, when the arguments do not say it. */
  readonly id?: string;
}

/** How a job ended. */
export interface JobResult {
  readonly id: string;
  /** How far the job was and how far it had to go, in the job's own unit; `undefined` when the server did not say. */
  readonly offset: number | bigint | undefined;
  readonly length: number | bigint | undefined;
}

/**
 * What became of a job that did not succeed: it failed, was cancelled by another client, or has gone while there was no connection, so
 * that its end is not known.
 */
export type JobOutcome = 'failed' | 'cancelled' | 'unknown';

const WHAT: Readonly<Record<JobOutcome, (reason: string) => string>> = {
  failed: (reason) => `failed: ${reason}`,
  cancelled: () => 'was cancelled',
  unknown: (reason) => `is not there: ${reason}`,
};

/** A job failed, was cancelled by another client, or is not there. */
export class JobError extends Error {
  override readonly name: string = 'JobError';
  readonly id: string;
  readonly outcome: JobOutcome;

  constructor(id: string, outcome: JobOutcome, reason = 'the server did not say why') {
    super(`job ${id} ${WHAT[outcome](reason)}`);
    this.id = id;
    this.outcome = outcome;
  }
}
