import { isJsonObject, type JsonObject } from '../json/value.js';
import type { QmpClient } from './client.js';
import { LONGEST_DELAY, onAbort } from './deadline.js';
import { QmpConnectionError } from './failure.js';
import { tell } from './listener.js';
import type { ArgumentsOf, CommandName, Having, QmpEvent, QmpSchema, ReturnsOf } from './schema.js';

/** How a migration is followed. */
export interface MigrateOptions<Info = JsonObject> {
  /** Cancels the migration. The call is rejected with the signal's reason once it has ended, unless it was completed all the same. */
  readonly signal?: AbortSignal;
  /** With the capability `pause-before-switchover`: the last moment before the guest goes. An error cancels the migration. */
  readonly onPreSwitchover?: () => void | Promise<void>;
  /** Called with what `query-migrate` returns. */
  readonly onProgress?: (info: Info) => void;
  /** How often to ask for that, in milliseconds. Default: 500. */
  readonly progressInterval?: number;
}

/** A migration failed, or another client cancelled it: the guest stays here. */
export class MigrationError extends Error {
  override readonly name: string = 'MigrationError';
  readonly outcome: 'failed' | 'cancelled';

  constructor(outcome: 'failed' | 'cancelled', reason?: string) {
    super(
      outcome === 'failed'
        ? `the migration failed: ${reason ?? 'QEMU did not say why'}`
        : 'the migration was cancelled',
    );
    this.outcome = outcome;
  }
}

type Info<S extends QmpSchema> = ReturnsOf<S, 'query-migrate' & CommandName<S>>;

const PROGRESS_INTERVAL = 500;

/** Stands in the stream of events for what QEMU says of the migration when it is asked. */
const ANSWER = 'what query-migrate returned';

/**
 * Migrates the guest, or saves it, and follows that to its end. The capability `events` is turned on, without which QEMU (since 2.4)
 * does not report the end. Other capabilities and parameters are set before.
 *
 * A client that connects again asks how far it is, and goes on.
 *
 * @param args those of the command `migrate`
 * @returns what `query-migrate` returns at the end
 * @throws {@link QmpError} when it cannot be started
 * @throws {@link MigrationError} when it fails, or another client cancels it
 * @example
 * const { ram } = await migrate(client, { uri: 'tcp:other.example:4444' }, { signal });
 * console.log(ram?.transferred);
 */
export async function migrate<S extends QmpSchema>(
  client: QmpClient<S> & Having<S, 'migrate' | 'query-migrate' | 'migrate-set-capabilities', 'MIGRATION'>,
  args: ArgumentsOf<S, 'migrate' & CommandName<S>>,
  options: MigrateOptions<Info<S>> = {},
): Promise<Info<S>> {
  const any = client as unknown as QmpClient;
  return (await new Migration(any, options as unknown as MigrateOptions).run(args as JsonObject)) as Info<S>;
}

class Migration {
  readonly #client: QmpClient;
  readonly #options: MigrateOptions;

  constructor(client: QmpClient, options: MigrateOptions) {
    this.#client = client;
    this.#options = options;
  }

  async run(args: JsonObject): Promise<JsonObject> {
    const client = this.#client;
    const { signal } = this.#options;
    signal?.throwIfAborted();
    await client.execute('migrate-set-capabilities', { capabilities: [{ capability: 'events', state: true }] });
    // It can be over before the command is answered.
    const events = client.events('MIGRATION', {
      buffer: Number.POSITIVE_INFINITY,
      onReconnect: () => {
        const insert = (data: JsonObject): void =>
          events.event({ event: ANSWER, data } as QmpEvent<string, JsonObject>);
        this.#ask().then(insert, () => {});
      },
    });
    let progress: NodeJS.Timeout | undefined;
    let ignoreSignal: (() => void) | undefined;
    try {
      await client.execute('migrate', args);
      ignoreSignal = onAbort(signal, () => this.#cancel());
      progress = this.#watchProgress();
      for await (const { data } of events) {
        const info = await this.#handle(String((data as JsonObject).status));
        if (info) return info;
      }
      throw new QmpConnectionError('the client was closed before the migration ended');
    } finally {
      ignoreSignal?.();
      clearInterval(progress);
      await events.return();
    }
  }

  /** @returns what became of the migration, if it is over */
  async #handle(status: string): Promise<JsonObject | undefined> {
    switch (status) {
      case 'completed':
        return this.#ask();
      case 'failed': {
        const { 'error-desc': reason } = await this.#ask();
        throw new MigrationError('failed', typeof reason === 'string' ? reason : undefined);
      }
      case 'cancelled':
        this.#options.signal?.throwIfAborted();
        throw new MigrationError('cancelled');
      case 'pre-switchover':
        await this.#switchOver();
        return undefined;
      default:
        return undefined;
    }
  }

  async #switchOver(): Promise<void> {
    try {
      await this.#options.onPreSwitchover?.();
    } catch (error) {
      this.#cancel();
      throw error;
    }
    if (!this.#options.signal?.aborted) await this.#client.execute('migrate-continue', { state: 'pre-switchover' });
  }

  #cancel(): void {
    // Where it is refused there is nothing to cancel any more, as the events tell.
    this.#client.execute('migrate_cancel').catch(() => {});
  }

  async #ask(): Promise<JsonObject> {
    const info = await this.#client.execute('query-migrate');
    return isJsonObject(info) ? info : {};
  }

  #watchProgress(): NodeJS.Timeout | undefined {
    const { onProgress, progressInterval = PROGRESS_INTERVAL } = this.#options;
    if (!onProgress) return undefined;
    const ask = (): void =>
      void this.#ask().then(
        (info) => tell(onProgress, info),
        () => {},
      );
    ask();
    return setInterval(ask, Math.min(LONGEST_DELAY, progressInterval));
  }
}
