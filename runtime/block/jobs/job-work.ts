import type { BlockJobChangeOptions, JobType } from '../../../generated/index.js';
import type { JobGroup } from './job-group.js';
import type { WorkingJob, WorkingJobOptions } from './working-job.js';

/** What a kind of job does. */
export interface JobWork {
  /** Moves the data, until there is nothing left to do or the job is cancelled. What it throws fails the job. */
  run(job: WorkingJob): Promise<void>;
  /**
   * Brings the work to rest when it is done, alone; what it throws fails the job. Only called after success.
   *
   * @returns `not yet` when there is something left to do: {@link run} is called again
   */
  settle?(job: WorkingJob): Promise<'not yet' | undefined>;
  /** Changes the graph when the job takes effect, alone; what it throws fails the job. Only called after success. */
  commit?(job: WorkingJob): Promise<void>;
  /** Puts back what the work needed. Called at each end, after {@link commit}. Must not fail. Absent: there is nothing to do. */
  clean?(job: WorkingJob, succeeded: boolean): Promise<void>;
  /** Makes nodes again what they were, when the job does nothing to them any more and its filter is gone. Must not fail. */
  putBack?(): Promise<void>;
  /** `job-complete`: has the job end when it can. Absent: the job ends by itself. @throws BlockError when it is not ready */
  complete?(job: WorkingJob): Promise<void> | void;
  /** Ends the job without what its completion does, once it is ready. Absent: the job is cancelled at any time. */
  leave?(job: WorkingJob): void;
  /** The job has been cancelled: nothing that it has begun need be waited for longer than it takes. */
  interrupt?(): void;
  /** It keeps its nodes until it is dismissed. Default: until it is over. */
  readonly keepsNodes?: boolean;
  /** `block-job-change`. Absent: nothing of it can be changed. @throws BlockError */
  change?(options: BlockJobChangeOptions): void;
  /** Of a mirror: what is written is copied together with the write. */
  readonly activelySynced?: boolean;
}

/** Something that an operator may want to know of a job: that it began, or how it ended. */
export interface JobReport {
  readonly state: 'started' | 'completed' | 'failed' | 'cancelled';
  readonly id: string;
  readonly type: JobType;
  /** What it has failed with. */
  readonly error?: string;
}

/** How a job ends, as commands say. */
export interface JobEnding {
  /** It takes effect without `job-finalize`. Default: `true`. */
  readonly autoFinalize?: boolean | undefined;
  /** It goes away without `job-dismiss`. Default: `true`. */
  readonly autoDismiss?: boolean | undefined;
}

/** What a job is made with. */
export interface JobOptions extends WorkingJobOptions, JobEnding {
  readonly group?: JobGroup | undefined;
  /** Called when the job begins, and when it is over. */
  readonly onReport: (report: JobReport) => void;
  /** Lets go of the nodes. */
  release(job: WorkingJob): Promise<void>;
  /** Lets others do anything to its nodes, which it keeps. */
  rest(job: WorkingJob): Promise<void>;
  /** Called when it is gone. */
  forget(job: WorkingJob): void;
}
