import { isJsonObject, type JsonObject, type JsonValue } from '../json/value.js';
import type { QmpClient } from './client.js';
import { LONGEST_DELAY } from './deadline.js';
import { QmpError } from './error.js';
import { tell } from './listener.js';
import type { ArgumentsOf, CommandName, QmpEvent, QmpSchema } from './schema.js';

/** How far a job is. The unit is the job's own: bytes, mostly. */
export interface JobProgress {
  readonly current: number | bigint;
  readonly total: number | bigint;
  /** The job's status, as far as the server tells: `running`, `ready`, `pending`, … */
  readonly status: string | undefined;
}

/** How {@link runJob} runs a job. */
export interface JobOptions {
  /** Cancels the job. The call is rejected with the signal's reason once the job has ended, unless it had been completed. */
  readonly signal?: AbortSignal;
  /** The job's id, when the arguments do not say it. */
  readonly id?: string;
  /**
   * The job keeps two images alike and can be ended (mirror, active commit): `complete` switches over to the target (default),
   * `cancel` ends it and stays with the source.
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

/** How a job ended. */
export interface JobResult {
  readonly id: string;
  /** How far the job was and how far it had to go, in the job's own unit; `undefined` when the server did not say. */
  readonly offset: number | bigint | undefined;
  readonly length: number | bigint | undefined;
}

/** A job failed, or was cancelled by another client. */
export class JobError extends Error {
  override readonly name: string = 'JobError';
  readonly id: string;
  readonly outcome: 'failed' | 'cancelled';

  constructor(id: string, outcome: 'failed' | 'cancelled', reason?: string) {
    super(outcome === 'failed' ? `job ${id} failed: ${reason}` : `job ${id} was cancelled`);
    this.id = id;
    this.outcome = outcome;
  }
}

const PROGRESS_INTERVAL = 500;

/**
 * Starts a job and follows it to its end: completes it when it is ready, finalizes and dismisses it where the server leaves that
 * to the client. It works with the block job events of all releases and with the job API of 3.0.
 *
 * @param command a command that starts a job: `blockdev-mirror`, `blockdev-backup`, `block-commit`, `blockdev-create`, …
 * @throws {@link QmpError} when the job cannot be started
 * @throws {@link JobError} when it fails or another client cancels it
 * @throws {@link QmpConnectionError} when the connection is lost; the job goes on without us
 * @example
 * await runJob(client, 'blockdev-backup', { 'job-id': 'b', device: 'disk', target: 'copy', sync: 'full' }, { signal });
 */
export async function runJob<S extends QmpSchema, N extends CommandName<S>>(
  client: QmpClient<S>,
  command: N,
  args: ArgumentsOf<S, N>,
  options: JobOptions = {},
): Promise<JobResult> {
  const job = new Job(client as unknown as QmpClient, args as JsonObject, options);
  return job.run(command);
}

class Job {
  readonly #client: QmpClient;
  readonly #arguments: JsonObject;
  readonly #options: JobOptions;
  readonly #id: string;
  /** The status that the job API has reported last; undefined with servers that do not have it. */
  #status: string | undefined;
  #completing = false;
  #cancelled = false;
  /** The job is being broken off, for whatever reason. */
  #aborting = false;
  #failure: string | undefined;
  #offset: number | bigint | undefined;
  #length: number | bigint | undefined;

  constructor(client: QmpClient, args: JsonObject, options: JobOptions) {
    const id = options.id ?? args['job-id'] ?? args.device;
    if (typeof id !== 'string')
      throw new TypeError("a job needs an id: give 'job-id' among the arguments, or the option 'id'");
    this.#client = client;
    this.#arguments = args;
    this.#options = options;
    this.#id = id;
  }

  async run(command: string): Promise<JobResult> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    // A job can be over before its command is answered, so its events are collected from before it starts.
    const events = this.#client.events(['JOB_STATUS_CHANGE', 'BLOCK_JOB_*'], { buffer: Number.POSITIVE_INFINITY });
    const abort = (): void => void this.#cancel(true).catch(() => {});
    let progress: NodeJS.Timeout | undefined;
    try {
      await this.#client.execute(command, this.#arguments);
      signal?.addEventListener('abort', abort);
      if (signal?.aborted) abort();
      if (this.#options.onProgress) progress = this.#watchProgress(this.#options.onProgress);
      for await (const event of events) if (this.#isOurs(event) && (await this.#handle(event))) break;
    } finally {
      clearInterval(progress);
      signal?.removeEventListener('abort', abort);
      await events.return();
    }
    if (this.#failure !== undefined) throw new JobError(this.#id, 'failed', this.#failure);
    if (signal?.aborted && (this.#cancelled || this.#aborting)) throw signal.reason;
    if (this.#cancelled) throw new JobError(this.#id, 'cancelled');
    if (this.#aborting) throw new JobError(this.#id, 'failed', 'the server did not say why');
    return { id: this.#id, offset: this.#offset, length: this.#length };
  }

  #isOurs({ data }: QmpEvent): boolean {
    return isJsonObject(data) && (data.id ?? data.device) === this.#id;
  }

  /** @returns whether the job is over */
  async #handle({ event, data }: QmpEvent<string, JsonObject>): Promise<boolean> {
    this.#offset = integer(data.offset) ?? this.#offset;
    this.#length = integer(data.len) ?? this.#length;
    switch (event) {
      case 'JOB_STATUS_CHANGE':
        return this.#statusChange(String(data.status));
      case 'BLOCK_JOB_READY':
        await this.#complete();
        return false;
      case 'BLOCK_JOB_PENDING':
        await this.#finalize();
        return false;
      case 'BLOCK_JOB_ERROR':
        tell(this.#options.onError, data);
        return false;
      case 'BLOCK_JOB_CANCELLED':
        this.#cancelled = true;
        return this.#over();
      case 'BLOCK_JOB_COMPLETED':
        if (data.error !== undefined) this.#failure = String(data.error);
        return this.#over();
      default:
        return false;
    }
  }

  async #statusChange(status: string): Promise<boolean> {
    this.#status = status;
    this.#aborting ||= status === 'aborting';
    if (status === 'ready') await this.#complete();
    if (status === 'concluded') return this.#conclude();
    return status === 'null';
  }

  /** The block job is over; where the job API says so too, that is waited for. */
  async #over(): Promise<boolean> {
    if (this.#status !== undefined) return false;
    if (this.#arguments['auto-dismiss'] === false) await this.#client.execute('block-job-dismiss', { id: this.#id });
    return true;
  }

  /** The job has ended. If it is still there, no other client will dismiss it; only then can its error be asked for. */
  async #conclude(): Promise<boolean> {
    const job = await this.#query();
    if (job?.status !== 'concluded') return false;
    if (job.error !== undefined) this.#failure ??= String(job.error);
    await this.#client.execute('job-dismiss', { id: this.#id }).catch(ignoreRefusal);
    return true;
  }

  /** The job is ready: it goes on until a command ends it. */
  async #complete(): Promise<void> {
    if (this.#completing || this.#options.signal?.aborted) return;
    this.#completing = true;
    const end = (await this.#options.onReady?.()) ?? 'complete';
    if (end === 'cancel') await this.#cancel(false);
    else if (this.#status === undefined) await this.#client.execute('block-job-complete', { device: this.#id });
    else await this.#client.execute('job-complete', { id: this.#id }).catch((error) => this.#retryComplete(error));
  }

  /** For a moment a job that is ready can be on standby, and then refuses to be completed: it will be ready again. */
  async #retryComplete(error: unknown): Promise<void> {
    ignoreRefusal(error);
    const job = await this.#query();
    if (job?.status === 'ready') await this.#client.execute('job-complete', { id: this.#id });
    else if (job?.status === 'standby') this.#completing = false;
  }

  async #finalize(): Promise<void> {
    try {
      await this.#options.onPending?.();
    } catch (error) {
      await this.#cancel(true);
      throw error;
    }
    if (this.#options.signal?.aborted) return;
    const command = this.#status === undefined ? 'block-job-finalize' : 'job-finalize';
    await this.#client.execute(command, { id: this.#id });
  }

  /** @param force whether a job that is ready is to be broken off, too, and not just ended */
  async #cancel(force: boolean): Promise<void> {
    try {
      await this.#client.execute('block-job-cancel', { device: this.#id, ...(force && { force }) });
    } catch (error) {
      // It is another kind of job, or it has just ended.
      ignoreRefusal(error);
      await this.#client.execute('job-cancel', { id: this.#id }).catch(ignoreRefusal);
    }
  }

  #watchProgress(onProgress: (progress: JobProgress) => void): NodeJS.Timeout {
    const ask = async (): Promise<void> => {
      const job = await this.#query();
      const current = integer(job?.['current-progress'] ?? job?.offset);
      const total = integer(job?.['total-progress'] ?? job?.len);
      const status = typeof job?.status === 'string' ? job.status : undefined;
      if (current !== undefined && total !== undefined) tell(onProgress, { current, total, status });
    };
    const quietly = (): void => void ask().catch(() => {});
    quietly();
    return setInterval(quietly, Math.min(LONGEST_DELAY, this.#options.progressInterval ?? PROGRESS_INTERVAL));
  }

  /** What the server says of the job; undefined when it is gone. */
  async #query(): Promise<JsonObject | undefined> {
    const jobs = await this.#client.execute(this.#status === undefined ? 'query-block-jobs' : 'query-jobs');
    return (Array.isArray(jobs) ? jobs : []).filter(isJsonObject).find((job) => (job.id ?? job.device) === this.#id);
  }
}

const integer = (value: JsonValue | undefined): number | bigint | undefined =>
  typeof value === 'number' || typeof value === 'bigint' ? value : undefined;

/** The server's refusal means that the job has moved on, which its events will tell. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof QmpError)) throw error;
}
