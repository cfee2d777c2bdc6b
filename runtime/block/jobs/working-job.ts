import {
  type BlockDeviceIoStatus,
  type BlockdevOnError,
  type BlockErrorAction,
  emitBlockJobError,
  emitBlockJobReady,
  emitJobStatusChange,
  type IoOperationType,
  type JobStatus,
  type JobType,
} from '../../../generated/index.js';
import { actionFor, statusAfter } from '../backend/error-policy.js';
import type { BlockHost } from '../driver.js';
import { BlockError, blockErrorOf, errnoOf } from '../error.js';
import type { NodeEdge, RootOwner } from '../graph/node.js';
import type { Turns } from '../graph/turns.js';
import { Activity } from './activity.js';
import type { InFlight } from './in-flight.js';
import { RateLimit } from './rate-limit.js';

/** Nanoseconds that a job waits after a failure that is ignored. */
const backOff = 1e8;

/** What a job needs for its work. */
export interface WorkingJobOptions {
  readonly id: string;
  readonly type: JobType;
  /** Bytes each second; 0: no limit. */
  readonly speed: number;
  readonly host: Pick<BlockHost, 'clock' | 'events' | 'warn'>;
  readonly turns: Turns;
}

/** A job as its work sees it: status and progress, speed, pauses, what is done about failures, and turns alone. */
export abstract class WorkingJob implements RootOwner {
  /** A job uses its nodes without a device's name. */
  readonly name = '';
  readonly id: string;
  readonly type: JobType;
  /** The edges to the nodes that it works on. */
  readonly roots = new Set<NodeEdge>();
  /** Bytes of all there is to do, and of what is done. */
  len = 0;
  offset = 0;
  /** It is to end without success. */
  cancelled = false;
  protected readonly host: WorkingJobOptions['host'];
  protected readonly limit = new RateLimit();
  protected readonly activity: Activity;
  protected speed: number;
  protected userPaused = false;
  /** It ends for the holder of the turn, and does not wait for its own. */
  protected forced = false;
  /** Its work is over, or comes to rest: drained sections pause it no more. */
  protected ending = false;
  protected ioStatus: BlockDeviceIoStatus = 'ok';
  private readonly turns: Turns;
  #status: JobStatus = 'undefined';
  #backOff = false;
  #wakesBefore = 0;

  constructor({ id, type, speed, host, turns }: WorkingJobOptions) {
    this.id = id;
    this.type = type;
    this.host = host;
    this.turns = turns;
    this.speed = speed;
    this.limit.speed = speed;
    this.activity = new Activity(
      host.clock,
      () => this.mustPause,
      () => this.showPause(),
    );
  }

  get title(): string {
    return `${this.type} job '${this.id}'`;
  }

  get status(): JobStatus {
    return this.#status;
  }

  /** {@link pausePoint} is going to wait. */
  get #waits(): boolean {
    return this.mustPause || this.#backOff;
  }

  /** It must not go on: it was paused, or its nodes are drained. A cancelled job goes on to its end. */
  protected get mustPause(): boolean {
    return (this.userPaused || this.activity.drained) && !this.cancelled;
  }

  /** The answer to `job-complete` when it comes at a wrong time. */
  notCompletable(): BlockError {
    return new BlockError(`The active block job '${this.id}' cannot be completed`, { code: 'EBUSY' });
  }

  /** Reports that the job can be completed. */
  becomeReady(): void {
    if (this.status === 'running') this.become('ready');
    emitBlockJobReady(this.host.events, this.progressData);
  }

  /** Comes to another point in its life, and reports it. */
  protected become(status: JobStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    emitJobStatusChange(this.host.events, { id: this.id, status });
  }

  /** Shows that the job has paused, or goes on. Only while it works: at its end nothing pauses it. */
  protected showPause(): void {
    const from = this.#status;
    if (this.mustPause) {
      if (this.ending || !this.activity.resting) return;
      if (from === 'running') this.become('paused');
      if (from === 'ready') this.become('standby');
    } else {
      if (from === 'paused') this.become('running');
      if (from === 'standby') this.become('ready');
    }
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
    emitBlockJobError(this.host.events, { device: this.id, operation, action });
    if (action === 'stop') {
      this.userPaused = true;
      this.showPause();
      this.ioStatus = statusAfter(this.ioStatus, code);
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
    } else if (this.mustPause) await this.activity.rest(async () => {});
    else await nextTurn();
  }

  /** The same with requests in flight: waits for them before the job does. */
  async pausePointOf(flights: Pick<InFlight, 'all'>): Promise<void> {
    do {
      if (this.#waits) await flights.all();
      await this.pausePoint();
      // What has failed meanwhile may have paused it.
    } while (this.#waits);
  }

  /** The nanoseconds to wait after work as the speed wants it: with {@link pace}, when nothing of the job's is in flight. */
  delayAfter(bytes: number): number {
    this.#wakesBefore = this.activity.wakes;
    return this.limit.delay(bytes, this.host.clock.now());
  }

  /** Waits as {@link delayAfter} has said, unless something has happened to the job since then, such as another speed. */
  async pace(ns: number): Promise<void> {
    if (this.activity.wakes === this.#wakesBefore) await this.sleep(ns);
  }

  /** Waits a time in nanoseconds, or until something happens to the job. Nothing of the job's may be in flight. */
  async sleep(ns: number): Promise<void> {
    await this.activity.rest(async () => {
      if (!this.cancelled) await this.activity.changeWithin(ns);
    });
  }

  /** Waits until something happens to the job: it is completed, cancelled, resumed, or given another speed. */
  async rest(): Promise<void> {
    await this.activity.rest(async () => {
      if (!this.cancelled) await this.activity.change();
    });
  }

  /** Does something to the graph when no command does. Nothing of the job's may be in flight. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    return this.activity.rest(async () => {
      const turn = this.turns.queue();
      try {
        await this.#untilForcedOr(turn.come);
        return await work();
      } finally {
        turn.leave();
      }
    });
  }

  drainBegin(): Promise<void> {
    return this.activity.drainBegin();
  }

  drainEnd(): void {
    this.activity.drainEnd();
  }

  protected get progressData() {
    return { type: this.type, device: this.id, len: this.len, offset: this.offset, speed: this.speed };
  }

  async #untilForcedOr(come: Promise<void> | undefined): Promise<void> {
    let arrived = come === undefined;
    void come?.then(() => {
      arrived = true;
      this.activity.wake();
    });
    while (!arrived && !this.forced) await this.activity.change();
  }
}

/** Lets go of the processor, so that what has come meanwhile is done. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
