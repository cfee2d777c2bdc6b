import {
  type BlockDeviceIoStatus,
  type BlockdevOnError,
  type BlockErrorAction,
  type BlockJobInfo,
  emitBlockJobCancelled,
  emitBlockJobCompleted,
  emitBlockJobError,
  emitBlockJobReady,
  type IoOperationType,
  type JobStatus,
  type JobType,
} from '../../../generated/index.js';
import { actionFor, statusAfter } from '../backend/error-policy.js';
import type { BlockHost, Child, RootOwner } from '../driver.js';
import { strerror } from '../errno.js';
import { BlockError, blockErrorOf, errnoOf, invalid } from '../error.js';
import type { Turns } from '../graph/turns.js';
import { Activity } from './activity.js';
import type { InFlight } from './in-flight.js';
import type { JobGroup } from './job-group.js';
import { RateLimit } from './rate-limit.js';

/** Nanoseconds that a job waits after a failure that is ignored. */
const backOff = 1e8;

/** What a kind of job does. */
export interface JobWork {
  /** Moves the data, until there is nothing left to do or the job is cancelled. What it throws fails the job. */
  run(job: Job): Promise<void>;
  /**
   * Changes the graph when the work is done, alone; what it throws fails the job. Only called after success.
   *
   * @returns `not yet` when there is something left to do: {@link run} is called again
   */
  commit?(job: Job): Promise<'not yet' | undefined>;
  /** Puts back what the work needed. Called at each end, after {@link commit}. Must not fail. Absent: there is nothing to do. */
  clean?(job: Job, succeeded: boolean): Promise<void>;
  /** `block-job-complete`: has the job end when it can. Absent: the job ends by itself. @throws BlockError when it is not ready */
  complete?(job: Job): Promise<void> | void;
  /** Ends the job without what its completion does, once it is ready. Absent: the job is cancelled at any time. */
  leave?(job: Job): void;
}

/** Something that an operator may want to know of a job: that it began, or how it ended. */
export interface JobReport {
  readonly state: 'started' | 'completed' | 'failed' | 'cancelled';
  readonly id: string;
  readonly type: JobType;
  /** What it has failed with. */
  readonly error?: string;
}

/** What a job is made with. */
export interface JobOptions {
  readonly id: string;
  readonly type: JobType;
  /** Bytes each second; 0: no limit. */
  readonly speed: number;
  readonly host: Pick<BlockHost, 'clock' | 'events' | 'warn'>;
  readonly turns: Turns;
  readonly group?: JobGroup | undefined;
  /** Called when the job begins, and when it is over. */
  readonly onReport: (report: JobReport) => void;
  /** Lets go of the nodes, when the work is done. */
  release(job: Job): Promise<void>;
}

/**
 * A job: work on nodes that goes on in the background, with what all kinds have in common: progress, speed, pauses, error policy,
 * events, and an end that comes alone, between the changes that commands make.
 */
export class Job implements RootOwner {
  /** A job uses its nodes without a device's name. */
  readonly name = '';
  readonly id: string;
  readonly type: JobType;
  /** The edges to the nodes that it works on. */
  readonly roots = new Set<Child>();
  /** Bytes of all there is to do, and of what is done. */
  len = 0;
  offset = 0;
  readonly #host: JobOptions['host'];
  readonly #turns: Turns;
  readonly #group: JobGroup | undefined;
  readonly #onReport: JobOptions['onReport'];
  readonly #release: JobOptions['release'];
  readonly #limit = new RateLimit();
  #work: JobWork | undefined;
  #speed: number;
  #ready = false;
  #cancelled = false;
  #forced = false;
  #userPaused = false;
  #backOff = false;
  #ioStatus: BlockDeviceIoStatus = 'ok';
  readonly #activity: Activity;
  #ended: Promise<void> | undefined;

  constructor({ id, type, speed, host, turns, group, onReport, release }: JobOptions) {
    this.id = id;
    this.type = type;
    this.#host = host;
    this.#turns = turns;
    this.#group = group;
    this.#onReport = onReport;
    this.#release = release;
    this.#speed = speed;
    this.#limit.speed = speed;
    this.#activity = new Activity(host.clock, () => this.#mustPause);
    group?.add(this);
  }

  /** What it does. Known before it begins. */
  set work(work: JobWork) {
    this.#work = work;
  }

  /** It is to end without success. */
  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** {@link pausePoint} is going to wait. */
  get #waits(): boolean {
    return this.#mustPause || this.#backOff;
  }

  /** It must not go on: it was paused, or its nodes are drained. A cancelled job goes on to its end. */
  get #mustPause(): boolean {
    return (this.#userPaused || this.#activity.drained) && !this.#cancelled;
  }

  get #status(): JobStatus {
    const paused = this.#userPaused || this.#activity.drained;
    if (this.#ready) return paused ? 'standby' : 'ready';
    return paused ? 'paused' : 'running';
  }

  /** What `query-block-jobs` shows. */
  get info(): BlockJobInfo {
    const { type } = this;
    const common = {
      device: this.id,
      len: this.len,
      offset: this.offset,
      busy: !this.#activity.resting,
      paused: this.#userPaused || this.#activity.drained,
      speed: this.#speed,
      'io-status': this.#ioStatus,
      ready: this.#ready,
      status: this.#status,
      'auto-finalize': true,
      'auto-dismiss': true,
    };
    return type === 'mirror' ? { type, ...common, 'actively-synced': false } : { type, ...common };
  }

  /** Begins, after the command that makes it has been answered. @param ended called when it is over */
  start(ended: () => void): void {
    this.#ended ??= this.#live(ended);
  }

  /** Ends the job at once, for the holder of the turn, and resolves when it is over. */
  async end(): Promise<void> {
    this.#forced = true;
    this.#cancelled = true;
    this.#activity.wake();
    await this.#ended;
  }

  pause(): void {
    this.#userPaused = true;
  }

  /** Goes on, and forgets what has made it stop. */
  resume(): void {
    if (!this.#userPaused) return;
    this.#userPaused = false;
    this.#ioStatus = 'ok';
    this.#activity.wake();
  }

  /** @throws BlockError when it was paused, and is not to be cancelled by force */
  cancel(force: boolean): void {
    if (this.#userPaused && !force) {
      throw new BlockError(`The block job for device '${this.id}' is currently paused`, { code: 'EBUSY' });
    }
    this.#ioStatus = 'ok';
    this.#userPaused = false;
    if (this.#ready && this.#work?.leave !== undefined) this.#work.leave(this);
    else this.#cancelled = true;
    this.#activity.wake();
  }

  cancelInGroup(): void {
    this.#cancelled = true;
    this.#userPaused = false;
    this.#activity.wake();
  }

  /** @throws BlockError when it is paused, or cannot be completed, or not yet */
  async complete(): Promise<void> {
    const work = this.#work;
    if (this.#userPaused || this.#activity.drained || this.#cancelled || work?.complete === undefined) {
      throw this.notCompletable();
    }
    await work.complete(this);
    this.#activity.wake();
  }

  /** The answer to `block-job-complete` when it comes at a wrong time. */
  notCompletable(): BlockError {
    return new BlockError(`The active block job '${this.id}' cannot be completed`, { code: 'EBUSY' });
  }

  /** @param speed bytes each second; 0: no limit. @throws BlockError when it is negative */
  setSpeed(speed: number): void {
    checkSpeed(speed);
    this.#speed = speed;
    this.#limit.speed = speed;
    this.#activity.wake();
  }

  /** Reports that the job can be completed. */
  becomeReady(): void {
    this.#ready = true;
    emitBlockJobReady(this.#host.events, this.#progress);
  }

  /**
   * Does what a policy says about a failed request: reports it, and pauses the job if the policy wants that.
   *
   * @returns what is to be done about it
   */
  failed(policy: BlockdevOnError, operation: IoOperationType, error: unknown): BlockErrorAction {
    const code = errnoOf(error);
    // What is no failure of a request is a mistake in our own code.
    blockErrorOf(error);
    const action = actionFor(policy === 'auto' ? 'enospc' : policy, code);
    emitBlockJobError(this.#host.events, { device: this.id, operation, action });
    if (action === 'stop') {
      this.#userPaused = true;
      this.#ioStatus = statusAfter(this.#ioStatus, code);
    } else if (action === 'ignore') this.#backOff = true;
    return action;
  }

  /**
   * Lets others go on, and waits while the job is paused, or a little after a failure that is ignored: it may come again at once, and
   * clients are to see the job that they receive an event of. Nothing of the job's may be in flight then.
   */
  async pausePoint(): Promise<void> {
    if (this.#backOff) {
      this.#backOff = false;
      await this.sleep(backOff);
    } else if (this.#mustPause) await this.#activity.rest(async () => {});
    else await nextTurn();
  }

  /** The same with requests in flight: waits for them before the job does. */
  async pausePointOf(flights: InFlight): Promise<void> {
    do {
      if (this.#waits) await flights.all();
      await this.pausePoint();
      // What has failed meanwhile may have paused it.
    } while (this.#waits);
  }

  /** Waits after work as the speed wants it. Nothing of the job's may be in flight. */
  async afterWork(bytes: number): Promise<void> {
    const delay = this.#limit.delay(bytes, this.#host.clock.now());
    if (delay > 0) await this.sleep(delay);
    else await this.pausePoint();
  }

  /** The nanoseconds to wait after work as the speed wants it. */
  delayAfter(bytes: number): number {
    return this.#limit.delay(bytes, this.#host.clock.now());
  }

  /** Waits a time in nanoseconds, or until something happens to the job. Nothing of the job's may be in flight. */
  async sleep(ns: number): Promise<void> {
    await this.#activity.rest(async () => {
      if (!this.#cancelled) await this.#activity.changeWithin(ns);
    });
  }

  /** Waits until something happens to the job: it is completed, cancelled, resumed, or given another speed. */
  async rest(): Promise<void> {
    await this.#activity.rest(async () => {
      if (!this.#cancelled) await this.#activity.change();
    });
  }

  /** Does something to the graph when no command does. Nothing of the job's may be in flight. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#activity.rest(async () => {
      const turn = this.#turns.queue();
      try {
        await this.#untilForcedOr(turn.come);
        return await work();
      } finally {
        turn.leave();
      }
    });
  }

  drainBegin(): Promise<void> {
    return this.#activity.drainBegin();
  }

  drainEnd(): void {
    this.#activity.drainEnd();
  }

  async #live(ended: () => void): Promise<void> {
    // The command that has made the job is answered first.
    await nextTurn();
    this.#tell('started');
    for (let over = false; !over; ) {
      const failure = await this.#run();
      // One that is ended at once does not wait for the others, which may be ended after it.
      await this.#untilForcedOr(this.#group?.finished(this, failure === undefined && !this.#cancelled));
      over = await this.alone(async () => {
        let error = failure;
        if (error === undefined && !this.#cancelled) {
          try {
            if ((await this.#work?.commit?.(this)) === 'not yet') return false;
          } catch (thrown) {
            error = blockErrorOf(thrown);
          }
        }
        await this.#work?.clean?.(this, error === undefined && !this.#cancelled);
        await this.#release(this);
        this.#report(error);
        ended();
        return true;
      });
    }
  }

  /** Lets the work go on. @returns what it has failed with */
  async #run(): Promise<BlockError | undefined> {
    try {
      await this.#activity.active(async () => {
        if (!this.#cancelled) await this.#work?.run(this);
      });
      return undefined;
    } catch (error) {
      return blockErrorOf(error);
    }
  }

  #report(error: BlockError | undefined): void {
    if (this.#cancelled) {
      emitBlockJobCancelled(this.#host.events, this.#progress);
      this.#tell('cancelled');
    } else {
      const failure = error === undefined ? {} : { error: strerror(error.code) };
      emitBlockJobCompleted(this.#host.events, { ...this.#progress, ...failure });
      if (error === undefined) this.#tell('completed');
      else this.#tell('failed', error.message);
    }
  }

  #tell(state: JobReport['state'], error?: string): void {
    this.#onReport({ state, id: this.id, type: this.type, ...(error !== undefined && { error }) });
  }

  get #progress() {
    return { type: this.type, device: this.id, len: this.len, offset: this.offset, speed: this.#speed };
  }

  async #untilForcedOr(come: Promise<void> | undefined): Promise<void> {
    let arrived = come === undefined;
    void come?.then(() => {
      arrived = true;
      this.#activity.wake();
    });
    while (!arrived && !this.#forced) await this.#activity.change();
  }
}

/** @throws BlockError when it is negative */
export function checkSpeed(speed: number): void {
  if (speed < 0) throw invalid("Invalid parameter 'speed': it is at least 0");
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
