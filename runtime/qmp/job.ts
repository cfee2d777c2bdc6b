import { isJsonObject, type JsonObject, type JsonValue } from '../json/value.js';
import type { QmpClient } from './client.js';
import { LONGEST_DELAY } from './deadline.js';
import { QmpError } from './error.js';
import type { EventStream } from './event-stream.js';
import { QmpConnectionError } from './failure.js';
import { type FollowOptions, JobError, type JobOptions, type JobProgress, type JobResult } from './job-options.js';
import { tell } from './listener.js';
import type { ArgumentsOf, CommandName, QmpEvent, QmpSchema } from './schema.js';

const PROGRESS_INTERVAL = 500;

/** Stands in the stream of events for what the server says of the job when it is asked. */
const ANSWER = 'what the server says of the job';

/**
 * Starts a job and follows it to its end: completes it when it is ready, finalizes and dismisses it where the server leaves that
 * to the client. It works with the block job events of all releases and with the job API of 3.0. A client that connects again
 * asks what has become of the job, and goes on.
 *
 * @param command a command that starts a job: `blockdev-mirror`, `blockdev-backup`, `block-commit`, `blockdev-create`, …
 * @throws {@link QmpError} when the job cannot be started
 * @throws {@link JobError} when it fails, another client cancels it, or it has gone while there was no connection
 * @throws {@link QmpConnectionError} when the connection is lost for good; the job goes on without us
 * @example
 * await runJob(client, 'blockdev-backup', { 'job-id': 'b', device: 'disk', target: 'copy', sync: 'full' }, { signal });
 */
export async function runJob<S extends QmpSchema, N extends CommandName<S>>(
  client: QmpClient<S>,
  command: N,
  args: ArgumentsOf<S, N>,
  options: JobOptions = {},
): Promise<JobResult> {
  const given = args as JsonObject;
  const id = options.id ?? given['job-id'] ?? given.device;
  if (typeof id !== 'string')
    throw new TypeError("a job needs an id: give 'job-id' among the arguments, or the option 'id'");
  const job = new Job(client as unknown as QmpClient, id, given['auto-dismiss'] === false, options);
  return job.run(async (ask) => {
    try {
      await client.executeUnknown(command, given);
    } catch (error) {
      // It may have been started all the same: after a new connection that is asked.
      if (!(error instanceof QmpConnectionError) || !(await ask().catch(() => false))) throw error;
    }
  });
}

/**
 * Follows a job that runs already to its end, as {@link runJob} does: one that another client has started, that `transaction` has
 * started, or that was there before this program was.
 *
 * @throws {@link JobError} when there is no such job, it fails, another client cancels it, or it has gone while there was no connection
 * @throws {@link QmpConnectionError} when the connection is lost for good; the job goes on without us
 * @example
 * await client.execute('transaction', { actions: [{ type: 'blockdev-backup', data: { 'job-id': 'a', device, target, sync: 'full' } }] });
 * await followJob(client, 'a');
 */
export async function followJob<S extends QmpSchema>(
  client: QmpClient<S>,
  id: string,
  options: FollowOptions = {},
): Promise<JobResult> {
  return new Job(client as unknown as QmpClient, id, false, options).run(async (ask) => {
    if (!(await ask())) throw new JobError(id, 'unknown', 'the server has no such job');
  });
}

class Job {
  readonly #client: QmpClient;
  readonly #options: FollowOptions;
  readonly #id: string;
  /** The server's block job API leaves it to the client to dismiss the job. */
  readonly #isDismissed: boolean;
  /** The status that the job API has reported last; undefined with servers that do not have it. */
  #status: string | undefined;
  #completing = false;
  #cancelled = false;
  /** The job is being broken off, for whatever reason. */
  #aborting = false;
  #failure: string | undefined;
  #offset: number | bigint | undefined;
  #length: number | bigint | undefined;

  constructor(client: QmpClient, id: string, isDismissed: boolean, options: FollowOptions) {
    this.#client = client;
    this.#id = id;
    this.#isDismissed = isDismissed;
    this.#options = options;
  }

  /** @param start starts the job, or finds it; what it is given asks the server for the job, and says whether it is there */
  async run(start: (ask: () => Promise<boolean>) => Promise<void>): Promise<JobResult> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    const ask = async (): Promise<boolean> => {
      const job = await this.#ask();
      // In its place among the events: those that came before it have their effect before.
      events.event({ event: ANSWER, data: job ?? null } as unknown as QmpEvent);
      return job !== undefined;
    };
    let started = false;
    // A job can be over before its command is answered, so its events are collected from before it starts.
    const events: EventStream<QmpEvent> = this.#client.events(['JOB_STATUS_CHANGE', 'BLOCK_JOB_*'], {
      buffer: Number.POSITIVE_INFINITY,
      onReconnect: () => {
        // A command that should have completed it was lost with the connection.
        this.#completing = false;
        // What fails because the connection is lost once more is asked again.
        if (started) ask().catch(() => {});
      },
    });
    const abort = (): void => void this.#cancel(true).catch(() => {});
    let progress: NodeJS.Timeout | undefined;
    try {
      await start(ask);
      started = true;
      signal?.addEventListener('abort', abort);
      if (signal?.aborted) abort();
      if (this.#options.onProgress) progress = this.#watchProgress(this.#options.onProgress);
      for await (const event of events) if (this.#isOurs(event) && (await this.#handled(event))) break;
    } finally {
      clearInterval(progress);
      signal?.removeEventListener('abort', abort);
      await events.return();
    }
    if (this.#failure !== undefined) throw new JobError(this.#id, 'failed', this.#failure);
    if (signal?.aborted && (this.#cancelled || this.#aborting)) throw signal.reason;
    if (this.#cancelled) throw new JobError(this.#id, 'cancelled');
    if (this.#aborting) throw new JobError(this.#id, 'failed');
    return { id: this.#id, offset: this.#offset, length: this.#length };
  }

  /** A command that is lost with the connection is none that failed: after the next connection the job is asked for. */
  async #handled(event: QmpEvent<string, JsonObject>): Promise<boolean> {
    try {
      return await this.#handle(event);
    } catch (error) {
      if (error instanceof QmpConnectionError) return false;
      throw error;
    }
  }

  #isOurs(event: QmpEvent): event is QmpEvent<string, JsonObject> {
    const { data } = event;
    return event.event === ANSWER || (isJsonObject(data) && (data.id ?? data.device) === this.#id);
  }

  /** @returns whether the job is over */
  async #handle({ event, data }: QmpEvent<string, JsonObject>): Promise<boolean> {
    if (event === ANSWER) return this.#answered(data);
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

  /** The server was asked for the job: what events would have said, had they arrived. */
  async #answered(job: JsonObject | null): Promise<boolean> {
    if (job === null) throw new JobError(this.#id, 'unknown', 'it has gone, and its end was not reported');
    this.#offset = integer(job['current-progress'] ?? job.offset) ?? this.#offset;
    this.#length = integer(job['total-progress'] ?? job.len) ?? this.#length;
    if (this.#options.signal?.aborted && job.status !== 'concluded') await this.#cancel(true);
    // Only the job API has jobs that are dismissed.
    else if (job.id !== undefined) return this.#statusChange(String(job.status));
    else if (job.ready === true) await this.#complete();
    return false;
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
    if (this.#isDismissed) await this.#client.execute('block-job-dismiss', { id: this.#id });
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
    const end = (await this.#decision(this.#options.onReady)) ?? 'complete';
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

  /** Asks the user; an error cancels the job. */
  async #decision<T>(ask: (() => T | Promise<T>) | undefined): Promise<T | undefined> {
    try {
      return await ask?.();
    } catch (error) {
      await this.#cancel(true);
      throw error;
    }
  }

  async #finalize(): Promise<void> {
    await this.#decision(this.#options.onPending);
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

  /** What the server says of the job by the newest API that it has; undefined when it is gone. */
  async #ask(): Promise<JsonObject | undefined> {
    try {
      return await this.#query('query-jobs');
    } catch (error) {
      if (!(error instanceof QmpError && error.class === 'CommandNotFound')) throw error;
      return this.#query('query-block-jobs');
    }
  }

  /** What the server says of the job; undefined when it is gone. */
  async #query(
    command = this.#status === undefined ? 'query-block-jobs' : 'query-jobs',
  ): Promise<JsonObject | undefined> {
    const jobs = await this.#client.execute(command);
    return (Array.isArray(jobs) ? jobs : []).filter(isJsonObject).find((job) => (job.id ?? job.device) === this.#id);
  }
}

const integer = (value: JsonValue | undefined): number | bigint | undefined =>
  typeof value === 'number' || typeof value === 'bigint' ? value : undefined;

/** The server's refusal means that the job has moved on, which its events will tell. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof QmpError)) throw error;
}
