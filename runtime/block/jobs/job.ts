import {
  type BlockJobChangeOptions,
  type BlockJobInfo,
  emitBlockJobCancelled,
  emitBlockJobCompleted,
  emitBlockJobPending,
  type JobInfo,
  type JobStatus,
  type JobType,
} from '../../../generated/index.js';
import { BlockError, blockErrorOf, invalid } from '../error.js';
import { describeFailure } from './job-failure.js';
import { type GroupedJob, JobGroup } from './job-group.js';
import type { JobOptions, JobReport, JobWork } from './job-work.js';
import { checkVerb } from './verbs.js';
import { nextTurn, WorkingJob } from './working-job.js';

/** Kinds of job that belong to nodes: what began as `block-job-…`. */
const blockJobs: readonly JobType[] = ['commit', 'stream', 'mirror', 'backup'];

/** Whether jobs of a type belong to nodes. */
export function isOfNode(type: JobType): boolean {
  return blockJobs.includes(type);
}

/**
 * A job: work on nodes that goes on in the background, with what all kinds have in common: status, progress, speed, pauses, error
 * policy, events, and an end that comes alone, between the changes that commands make.
 */
export class Job extends WorkingJob implements GroupedJob {
  readonly autoFinalize: boolean;
  readonly autoDismiss: boolean;
  readonly #options: JobOptions;
  readonly #group: JobGroup;
  readonly #concluded: Promise<void>;
  #resolveConcluded: () => void = () => {};
  #work: JobWork | undefined;
  #failure: BlockError | undefined;
  #life: Promise<void> | undefined;

  constructor(options: JobOptions) {
    super(options);
    const { group = new JobGroup(), autoFinalize = true, autoDismiss = true } = options;
    this.#options = options;
    this.autoFinalize = autoFinalize;
    this.autoDismiss = autoDismiss;
    this.#group = group;
    this.#concluded = new Promise((resolve) => {
      this.#resolveConcluded = resolve;
    });
    this.become('created');
  }

  /** What it does. Known before it begins. */
  set work(work: JobWork) {
    this.#work = work;
    this.#group.add(this);
  }

  /** It belongs to a node. */
  get ofNode(): boolean {
    return isOfNode(this.type);
  }

  /** What `query-block-jobs` shows. */
  get info(): BlockJobInfo {
    const { type } = this;
    const common = {
      device: this.id,
      len: this.len,
      offset: this.offset,
      busy: !this.activity.resting,
      paused: this.userPaused || this.activity.drained,
      speed: this.speed,
      'io-status': this.ioStatus,
      ready: this.status === 'ready' || this.status === 'standby',
      status: this.status,
      'auto-finalize': this.autoFinalize,
      'auto-dismiss': this.autoDismiss,
      ...this.#failed,
    };
    return type === 'mirror'
      ? { type, ...common, 'actively-synced': this.#work?.activelySynced ?? false }
      : { type, ...common };
  }

  /** What `query-jobs` shows. */
  get summary(): JobInfo {
    const { id, type, status, offset, len } = this;
    return { id, type, status, 'current-progress': offset, 'total-progress': len, ...this.#failed };
  }

  get #failed(): { readonly error?: string } {
    if (this.cancelled && hasFailed.includes(this.status)) return { error: 'Operation canceled' };
    return this.#failure === undefined ? {} : { error: describeFailure(this.#failure) };
  }

  /** Begins, after the command that makes it has been answered. */
  start(): void {
    if (this.#life !== undefined) return;
    this.become('running');
    this.#life = this.#live();
    this.showPause();
  }

  /** Ends the job at once, for the holder of the turn, and resolves when it is over. */
  async end(): Promise<void> {
    if (this.status === 'concluded') return this.dismiss();
    if (this.status === 'created') return this.abandon();
    await this.stop();
    if (this.status === 'waiting' || this.status === 'pending') await this.#group.abort(this);
    await this.#concluded;
  }

  /** Ends a job that has not begun, with its transaction. */
  async abandon(): Promise<void> {
    this.cancelled = true;
    this.become('aborting');
    await this.#work?.clean?.(this, false);
    await this.#options.release(this);
    await this.#work?.putBack?.();
    this.become('concluded');
    this.become('null');
    this.#options.forget(this);
  }

  /** It could not be made. */
  giveUp(): void {
    this.become('null');
  }

  async stop(): Promise<void> {
    this.forced = true;
    this.#cancel();
    await this.#life;
  }

  /** @throws BlockError when it is paused already */
  pause(): void {
    checkVerb(this, 'pause');
    if (this.userPaused) throw invalid('Job is already paused');
    this.userPaused = true;
    this.activity.wake();
    this.showPause();
  }

  /** Goes on, and forgets what has made it stop. @throws BlockError when it was not paused */
  resume(): void {
    if (!this.userPaused) throw invalid("Can't resume a job that was not paused");
    checkVerb(this, 'resume');
    this.userPaused = false;
    this.ioStatus = 'ok';
    this.showPause();
    this.activity.wake();
  }

  /** `block-job-cancel`. @throws BlockError when it was paused, and is not to be cancelled by force */
  async cancel(force: boolean): Promise<void> {
    if (this.userPaused && !force) {
      throw new BlockError(`The block job for device '${this.id}' is currently paused`, { code: 'EBUSY' });
    }
    checkVerb(this, 'cancel');
    this.ioStatus = 'ok';
    const ready = this.status === 'ready' || this.status === 'standby';
    if (ready && !force && this.#work?.leave !== undefined) {
      this.#work.leave(this);
      this.activity.wake();
      return;
    }
    this.#cancel();
    if (this.status === 'waiting' || this.status === 'pending') await this.#group.abort(this);
  }

  #cancel(): void {
    this.userPaused = false;
    this.cancelled = true;
    this.showPause();
    this.interrupt();
    this.activity.wake();
  }

  /** Has what it waits for of others fail. */
  interrupt(): void {
    this.#work?.interrupt?.();
  }

  /** @throws BlockError when it cannot be completed, or not yet */
  async complete(): Promise<void> {
    checkVerb(this, 'complete');
    const work = this.#work;
    if (this.cancelled || work?.complete === undefined) throw this.notCompletable();
    await work.complete(this);
    this.activity.wake();
  }

  /** Takes effect, with all of its group. For the holder of the turn. @throws BlockError when it does not wait for that */
  async finalize(): Promise<void> {
    checkVerb(this, 'finalize');
    await this.#group.finalize();
  }

  /** Goes away. For the holder of the turn. @throws BlockError when it is not over */
  async dismiss(): Promise<void> {
    checkVerb(this, 'dismiss');
    if (this.#work?.keepsNodes) await this.#options.release(this);
    this.become('null');
    this.#options.forget(this);
  }

  /** Changes options. @throws BlockError when that cannot be changed */
  change(options: BlockJobChangeOptions): void {
    if (options.type !== this.type) {
      throw invalid(`Job '${this.id}' is '${this.type}' job, not '${options.type}'`);
    }
    const work = this.#work;
    if (work?.change === undefined) throw invalid('Job type does not support change');
    checkVerb(this, 'change');
    work.change(options);
  }

  /** @param speed bytes each second; 0: no limit. @throws BlockError when it is negative */
  setSpeed(speed: number): void {
    checkVerb(this, 'set-speed');
    checkSpeed(speed);
    this.speed = speed;
    this.limit.speed = speed;
    this.activity.wake();
  }

  enter(status: 'waiting' | 'pending'): void {
    this.become(status);
    if (status !== 'pending' || this.autoFinalize || !this.ofNode) return;
    emitBlockJobPending(this.host.events, { type: this.type, id: this.id });
  }

  async prepare(): Promise<boolean> {
    try {
      await this.#work?.commit?.(this);
      return true;
    } catch (error) {
      this.#failure = blockErrorOf(error);
      this.become('aborting');
      return false;
    }
  }

  async conclude(): Promise<void> {
    const succeeded = this.#failure === undefined && !this.cancelled;
    if (!succeeded) this.become('aborting');
    await this.#work?.clean?.(this, succeeded);
    if (this.#work?.keepsNodes && !this.autoDismiss) await this.#options.rest(this);
    else await this.#options.release(this);
    await this.#work?.putBack?.();
    this.#report();
    this.#conclude();
  }

  #conclude(): void {
    this.become('concluded');
    this.#resolveConcluded();
    if (!this.autoDismiss) return;
    this.become('null');
    this.#options.forget(this);
  }

  async #live(): Promise<void> {
    // The command that has made the job is answered first.
    await nextTurn();
    this.#tell('started');
    for (let over = false; !over; ) {
      this.#failure = await this.#run();
      this.ending = true;
      over = await this.alone(() => this.#finish());
      this.ending = over;
    }
  }

  /** The work is over. @returns `false` when there is something left to do */
  async #finish(): Promise<boolean> {
    if (this.#failure === undefined && !this.cancelled) {
      try {
        if ((await this.#work?.settle?.(this)) === 'not yet') return false;
      } catch (error) {
        this.#failure = blockErrorOf(error);
      }
    }
    if (this.#failure === undefined && !this.cancelled) await this.#group.succeeded(this);
    else {
      this.become('aborting');
      await this.#group.abort(this);
    }
    return true;
  }

  /** Lets the work go on. @returns what it has failed with */
  async #run(): Promise<BlockError | undefined> {
    try {
      await this.activity.active(async () => {
        if (!this.cancelled) await this.#work?.run(this);
      });
      return undefined;
    } catch (error) {
      return blockErrorOf(error);
    }
  }

  #report(): void {
    if (this.cancelled) {
      if (this.ofNode) emitBlockJobCancelled(this.host.events, this.progressData);
      this.#tell('cancelled');
      return;
    }
    if (this.ofNode) emitBlockJobCompleted(this.host.events, { ...this.progressData, ...this.#failed });
    if (this.#failure === undefined) this.#tell('completed');
    else this.#tell('failed', this.#failure.message);
  }

  #tell(state: JobReport['state'], error?: string): void {
    this.#options.onReport({ state, id: this.id, type: this.type, ...(error !== undefined && { error }) });
  }
}

/** @throws BlockError when it is negative */
export function checkSpeed(speed: number): void {
  if (speed < 0) throw invalid("Parameter 'speed' expects a non-negative value");
}

/** States of a job that has ended without success, or is about to. */
const hasFailed: readonly JobStatus[] = ['aborting', 'concluded', 'null'];
