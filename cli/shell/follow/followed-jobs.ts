import { isJsonObject, type JsonObject, type JsonValue } from '../../../runtime/json/value.js';
import type { QmpClient } from '../../../runtime/qmp/client.js';
import { QmpError } from '../../../runtime/qmp/error.js';

/** How far a job is. */
export interface JobProgress {
  readonly id: string;
  /** The kind of job: `backup`, `mirror`, … Empty when it is not known. */
  readonly type: string;
  /** `running`, `paused`, `ready`, … */
  readonly status: string | undefined;
  /** In the job's own unit: bytes, mostly. */
  readonly current: number;
  readonly total: number;
}

/** Why a job is not followed any more: it is over, it waits for a command, or it is left alone. */
export interface JobEnd {
  readonly id: string;
  readonly end: 'completed' | 'failed' | 'cancelled' | 'ready' | 'pending' | 'gone' | 'left';
  readonly error?: string;
}

interface Followed extends Mutable<JobProgress> {
  aborting: boolean;
  end: JobEnd | undefined;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Milliseconds between two looks at jobs. */
const interval = 500;

/** Jobs that are watched, and not led: what they wait for is left to the user. */
export class FollowedJobs {
  readonly #client: QmpClient;
  readonly #jobs: ReadonlyMap<string, Followed>;
  /** How the program lists its jobs. */
  #query: 'query-jobs' | 'query-block-jobs' = 'query-jobs';
  #left = false;
  #wake = (): void => {};

  /** Watches from now on: a job may be over before the command that starts it is answered. */
  constructor(client: QmpClient, ids: readonly string[]) {
    this.#client = client;
    const fresh = { type: '', status: undefined, current: 0, total: 0, aborting: false, end: undefined };
    this.#jobs = new Map(ids.map((id) => [id, { id, ...fresh }]));
    client.onUnknown('BLOCK_JOB_*', this.#take);
    client.onUnknown('JOB_STATUS_CHANGE', this.#take);
  }

  /** The jobs that are still followed. */
  get ids(): string[] {
    return this.#unfinished.map(({ id }) => id);
  }

  /**
   * Resolves when no job is followed any more, with why that is.
   *
   * @param onProgress called now and then with how far those are that are followed still
   */
  async ends(onProgress: (jobs: readonly JobProgress[]) => void): Promise<JobEnd[]> {
    while (this.#unfinished.length > 0 && !this.#left) {
      await this.#ask();
      const jobs = this.#unfinished;
      if (jobs.length === 0 || this.#left) break;
      onProgress(jobs);
      await this.#awhile();
    }
    return [...this.#jobs.values()].map(({ id, end }) => end ?? { id, end: 'left' });
  }

  /** Cancels the jobs. Their end is still to come. @throws QmpError when the program refuses that */
  async cancel(): Promise<void> {
    for (const { id } of this.#unfinished) {
      try {
        await this.#client.executeUnknown('block-job-cancel', { device: id });
      } catch (error) {
        // Jobs of other kinds have another command.
        const cancelled = await this.#client.executeUnknown('job-cancel', { id }).catch(() => undefined);
        if (cancelled === undefined) throw error;
      }
    }
  }

  /** Lets the jobs go on by themselves. */
  leave(): void {
    this.#left = true;
    this.#wake();
  }

  /** Watches no more. */
  close(): void {
    this.#client.off('BLOCK_JOB_*', this.#take);
    this.#client.off('JOB_STATUS_CHANGE', this.#take);
  }

  get #unfinished(): Followed[] {
    return [...this.#jobs.values()].filter(({ end }) => end === undefined);
  }

  readonly #take = ({ event, data }: { readonly event: string; readonly data?: unknown }): void => {
    if (!isJsonObject(data as JsonValue)) return;
    const { id, device, status, error } = data as JsonObject;
    const job = this.#jobs.get(String(id ?? device));
    if (job === undefined) return;
    if (event === 'JOB_STATUS_CHANGE') this.#changed(job, String(status));
    else if (event === 'BLOCK_JOB_COMPLETED') finish(job, error === undefined ? 'completed' : 'failed', error);
    else if (event === 'BLOCK_JOB_CANCELLED') finish(job, 'cancelled');
    else if (event === 'BLOCK_JOB_READY') finish(job, 'ready');
    else if (event === 'BLOCK_JOB_PENDING') finish(job, 'pending');
    if (job.end !== undefined) this.#wake();
  };

  #changed(job: Followed, status: string): void {
    job.status = status;
    job.aborting ||= status === 'aborting';
    if (status === 'null') finish(job, job.aborting ? 'failed' : 'completed');
    // How it ended is to be asked for as long as it is there.
    else if (status === 'concluded') this.#wake();
  }

  async #ask(): Promise<void> {
    const listed = await this.#list();
    for (const job of this.#unfinished) {
      const found = listed.find(({ id, device }) => (id ?? device) === job.id);
      if (found === undefined) {
        finish(job, 'gone');
        continue;
      }
      const { type, status, error } = found;
      job.type = String(type ?? '');
      job.current = Number(found['current-progress'] ?? found.offset ?? 0);
      job.total = Number(found['total-progress'] ?? found.len ?? 0);
      job.status = typeof status === 'string' ? status : blockJobStatus(found);
      if (job.status === 'concluded') finish(job, error === undefined ? 'completed' : 'failed', error);
      else if (job.status === 'ready' || job.status === 'pending') finish(job, job.status);
    }
  }

  async #list(): Promise<JsonObject[]> {
    try {
      const listed = await this.#client.executeUnknown(this.#query);
      return Array.isArray(listed) ? listed.filter(isJsonObject) : [];
    } catch (error) {
      if (!(error instanceof QmpError && error.class === 'CommandNotFound') || this.#query === 'query-block-jobs') {
        throw error;
      }
      this.#query = 'query-block-jobs';
      return this.#list();
    }
  }

  #awhile(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, interval);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function finish(job: Followed, end: JobEnd['end'], error?: JsonValue): void {
  job.end ??= { id: job.id, end, ...(error !== undefined && { error: String(error) }) };
}

/** What programs say of block jobs that do not know others. */
function blockJobStatus({ paused, ready }: JsonObject): string {
  if (paused === true) return 'paused';
  return ready === true ? 'ready' : 'running';
}
