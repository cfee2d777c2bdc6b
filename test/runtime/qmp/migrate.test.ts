import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import type { JsonObject, JsonValue } from '../../../runtime/json/value.js';
import { connect, type QmpClient } from '../../../runtime/qmp/client.js';
import { QmpError } from '../../../runtime/qmp/error.js';
import { QmpConnectionError } from '../../../runtime/qmp/failure.js';
import { type MigrateOptions, MigrationError, migrate } from '../../../runtime/qmp/migrate.js';
import { backOff } from '../../../runtime/qmp/reconnect.js';
import { connected, FakeServer, place, type Received } from './fake-server.js';

type Answer = JsonObject | undefined;

const statuses = (server: FakeServer, ...names: string[]): void => {
  for (const status of names) server.event('MIGRATION', { status });
};

/** A migration from a server that answers each command by its entry, and `{}` to what has none. */
async function migrating(
  answers: Record<string, (server: FakeServer, request: Received) => Answer>,
  options: MigrateOptions<JsonValue> = {},
) {
  const { client, server } = await connected({}, (request, from) => {
    const answer = answers[request.execute];
    return answer ? answer(from, request) : { return: {} };
  });
  const result = migrate(client, { uri: 'tcp:other:4444' }, options);
  result.catch(() => {});
  return { client, server, result, commands: () => server.received.map(({ execute }) => execute) };
}

describe('migrate', () => {
  test('turns on the events, follows them to the end, and returns what there is to know', async () => {
    const { result, server } = await migrating({
      migrate: (from) => {
        statuses(from, 'setup', 'active', 'device', 'completed');
        return { return: {} };
      },
      'query-migrate': () => ({ return: { status: 'completed', 'total-time': 5 } }),
    });
    expect(await result).toEqual({ status: 'completed', 'total-time': 5 });
    expect(server.received.map(({ execute, arguments: args }) => [execute, args])).toEqual([
      ['migrate-set-capabilities', { capabilities: [{ capability: 'events', state: true }] }],
      ['migrate', { uri: 'tcp:other:4444' }],
      ['query-migrate', undefined],
    ]);
  });

  test('rejects with the reason of a failure', async () => {
    const { result } = await migrating({
      migrate: (from) => {
        statuses(from, 'setup', 'failed');
        return { return: {} };
      },
      'query-migrate': () => ({ return: { status: 'failed', 'error-desc': 'no route to host' } }),
    });
    await expect(result).rejects.toThrow(MigrationError);
    await expect(result).rejects.toMatchObject({
      message: 'the migration failed: no route to host',
      outcome: 'failed',
    });
  });

  test('rejects when it cannot be started, when another client cancels it, and when the connection is lost', async () => {
    const refused = await migrating({ migrate: () => ({ error: { class: 'GenericError', desc: 'blocked' } }) });
    await expect(refused.result).rejects.toThrow(QmpError);
    const cancelled = await migrating({});
    await cancelled.server.until(2);
    statuses(cancelled.server, 'active', 'cancelling', 'cancelled');
    await expect(cancelled.result).rejects.toMatchObject({ outcome: 'cancelled' });
    const lost = await migrating({});
    await lost.server.until(2);
    lost.server.end();
    await expect(lost.result).rejects.toThrow(QmpConnectionError);
    const closed = await migrating({});
    await closed.server.until(2);
    await new Promise(setImmediate);
    await closed.client.close();
    await expect(closed.result).rejects.toThrow('the client was closed before the migration ended');
  });

  test('a signal cancels it, and the reason of the signal is the result', async () => {
    const controller = new AbortController();
    const { result, commands } = await migrating(
      {
        migrate_cancel: (from) => {
          statuses(from, 'cancelling', 'cancelled');
          return { return: {} };
        },
      },
      { signal: controller.signal },
    );
    await vi.waitFor(() => expect(commands()).toContain('migrate'));
    await new Promise(setImmediate);
    controller.abort(new Error('enough'));
    await expect(result).rejects.toThrow('enough');
    expect(commands()).toEqual(['migrate-set-capabilities', 'migrate', 'migrate_cancel']);
  });

  test('a signal that is aborted before begins nothing', async () => {
    const { result, commands } = await migrating({}, { signal: AbortSignal.abort(new Error('too late')) });
    await expect(result).rejects.toThrow('too late');
    expect(commands()).toEqual([]);
  });

  test.each([
    ['goes on', undefined, 'migrate-continue'],
    ['is cancelled by an error', new Error('not ready'), 'migrate_cancel'],
  ])('before the guest goes it waits, and then %s', async (_, error, command) => {
    const { result, commands } = await migrating(
      {
        migrate: (from) => {
          statuses(from, 'active', 'pre-switchover');
          return { return: {} };
        },
        'migrate-continue': (from) => {
          statuses(from, 'device', 'completed');
          return { return: {} };
        },
      },
      {
        onPreSwitchover: async () => {
          if (error) throw error;
        },
      },
    );
    if (error) await expect(result).rejects.toThrow(error);
    else expect(await result).toEqual({});
    await vi.waitFor(() => expect(commands()).toContain(command));
  });

  test('tells how far it is', async () => {
    const seen: unknown[] = [];
    const { result, server } = await migrating(
      { 'query-migrate': () => ({ return: { status: 'active', ram: { remaining: 7 } } }) },
      { onProgress: (info) => seen.push(info), progressInterval: 5 },
    );
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(2));
    statuses(server, 'completed');
    await result;
    expect(seen[0]).toEqual({ status: 'active', ram: { remaining: 7 } });
  });

  test('asks after a new connection what became of it', async () => {
    const first = new FakeServer();
    const second = new FakeServer(() => ({ return: { status: 'completed' } }));
    await using client = await connect(place(first, second).open, { reconnect: backOff({ initialDelay: 1 }) });
    const result = migrate(client, { uri: 'x' });
    await first.until(2);
    await new Promise(setImmediate);
    first.end();
    expect(await result).toEqual({ status: 'completed' });
  });

  test('the schema of the client types it', () => {
    interface Schema {
      commands: {
        migrate: { arguments: { uri: string; detach?: boolean }; returns: undefined };
        'query-migrate': { arguments: undefined; returns: { status?: 'active' } };
        'migrate-set-capabilities': { arguments: { capabilities: [] }; returns: undefined };
      };
      events: { MIGRATION: { data: { status: 'active' } } };
    }
    const never = (_: () => unknown): void => {};
    const client = undefined as unknown as QmpClient<Schema>;
    never(() => expectTypeOf(migrate(client, { uri: '' })).resolves.toEqualTypeOf<{ status?: 'active' }>());
    // @ts-expect-error it has no such argument
    never(() => migrate(client, { url: '' }));
    type Less = { commands: Pick<Schema['commands'], 'migrate'>; events: Schema['events'] };
    // @ts-expect-error it lacks query-migrate
    never(() => migrate(undefined as unknown as QmpClient<Less>, { uri: '' }));
  });
});
