import { describe, expectTypeOf, test } from 'vitest';
import type { JsonObject, JsonValue } from '../../../runtime/json/value.js';
import type { QmpClient } from '../../../runtime/qmp/client.js';
import type { Needs, QmpEvent } from '../../../runtime/qmp/schema.js';

/** As the generator writes them. */
interface Commands {
  stop: { arguments: Record<string, never>; returns: Record<string, never> };
  'query-status': { arguments: Record<string, never>; returns: { running: boolean } };
  'query-jobs': { arguments: undefined; returns: { id: string }[] };
  'device-list': { arguments: { path?: string }; returns: string[] };
  block_resize: { arguments: { device?: string; size: number | bigint }; returns: Record<string, never> };
  'object-del': { arguments: { id: string }; returns: Record<string, never> };
  'blockdev-add': {
    arguments: { driver: 'file'; filename: string } | { driver: 'null-co'; size?: number };
    returns: Record<string, never>;
  };
}

interface Events {
  STOP: { data: undefined };
  BLOCK_JOB_READY: { data: { device: string } };
  BLOCK_JOB_COMPLETED: { data: { device: string; error?: string } };
  JOB_STATUS_CHANGE: { data: { id: string; status: 'created' | 'running' } };
}

interface Schema {
  commands: Commands;
  events: Events;
}

/** Only its type is of interest: nothing here is called. */
declare const client: QmpClient<Schema>;
declare const anything: QmpClient;
const never = (_: (absent?: never) => unknown): void => {};

describe('commands', () => {
  test('results of commands are typed', () => {
    never(() => {
      expectTypeOf(client.execute('query-status')).resolves.toEqualTypeOf<{ running: boolean }>();
      expectTypeOf(client.execute('query-jobs')).resolves.toEqualTypeOf<{ id: string }[]>();
    });
  });

  test('several commands at once take the arguments that all of them have', () => {
    const [command, name] = ['block_resize', 'stop'] as ['block_resize' | 'object-del', keyof Commands];
    never(() => {
      client.execute('object-del', { id: 'x' });
      // @ts-expect-error the arguments are missing
      client.execute('object-del');
      client.execute(command);
      // @ts-expect-error the other one has no such argument
      client.execute(command, { id: 'x' });
      client.execute(name, undefined, { timeout: 1 });
    });
  });

  test('a command without arguments takes none, one with arguments takes its own', () => {
    never(() => {
      client.execute('stop', undefined, { timeout: 1 });
      // @ts-expect-error it has no arguments
      client.execute('stop', { force: true });
      // @ts-expect-error it has no arguments
      client.execute('query-jobs', { id: 'x' });
      client.execute('device-list');
      client.execute('device-list', undefined, { timeout: 1 });
      client.execute('device-list', { path: '/' });
      client.execute('block_resize', { size: 2n ** 40n }, { signal: AbortSignal.timeout(1), oob: true });
      // @ts-expect-error the arguments are missing
      client.execute('block_resize');
      // @ts-expect-error one of them is missing
      client.execute('block_resize', { device: 'd' });
      // @ts-expect-error there is no such argument
      client.execute('block_resize', { device: 'd', size: 1, force: true });
      client.execute('blockdev-add', { driver: 'null-co', size: 1 });
      // @ts-expect-error of another branch
      client.execute('blockdev-add', { driver: 'null-co', filename: 'x' });
      // @ts-expect-error no such driver
      client.execute('blockdev-add', { driver: 'qcow' });
    });
  });

  test('execute takes only commands of the schema; executeUnknown takes others', () => {
    never(() => {
      // @ts-expect-error not in the schema
      client.execute('query-stauts');
      expectTypeOf(client.executeUnknown('x-new', { a: [1n] })).resolves.toEqualTypeOf<JsonValue>();
    });
  });

  test('a client without a schema accepts any command', () => {
    never(() => {
      expectTypeOf(anything.execute('whatever', { a: 1 })).resolves.toEqualTypeOf<JsonValue>();
      expectTypeOf(anything.execute('whatever')).resolves.toEqualTypeOf<JsonValue>();
      anything.on('WHATEVER', (event) => expectTypeOf(event).toEqualTypeOf<QmpEvent<string, JsonObject>>());
    });
  });
});

describe('commands as methods', () => {
  test('take and return what the schema says', () => {
    never(() => {
      expectTypeOf(client.commands['query-status']()).resolves.toEqualTypeOf<{ running: boolean }>();
      client.commands.stop(undefined, { timeout: 1 });
      client.commands.block_resize({ size: 1 }, { signal: AbortSignal.timeout(1), oob: true });
      // @ts-expect-error the arguments are missing
      client.commands.block_resize();
      // @ts-expect-error of another branch
      client.commands['blockdev-add']({ driver: 'null-co', filename: 'x' });
      // @ts-expect-error not in the schema
      client.commands['query-stauts']();
      expectTypeOf(anything.commands.whatever?.({ a: 1 })).resolves.toEqualTypeOf<unknown>();
    });
  });
});

/** The schema of another release: a command more, an argument more, a value more, a member more. */
interface LaterSchema {
  commands: {
    stop: { arguments: Record<string, never>; returns: Record<string, never> };
    'query-status': { arguments: Record<string, never>; returns: { running: boolean; suspended: boolean } };
    'blockdev-add': {
      arguments:
        | { driver: 'file'; filename: string; discard?: boolean }
        | { driver: 'null-co'; size?: number }
        | { driver: 'nvme'; device: string };
      returns: Record<string, never>;
    };
    'query-new': { arguments: undefined; returns: string };
  };
  events: {
    STOP: { data: undefined };
    JOB_STATUS_CHANGE: { data: { id: string; status: 'created' | 'running' | 'paused' } };
    NEW: { data: { a: number } };
  };
}
type Later = LaterSchema['commands'];
declare const later: QmpClient<LaterSchema>;

/** Takes what a function takes: passed by compiling. */
const takes = <T>(_: T): void => {};

describe('a client fits where', () => {
  test('fewer commands and events are needed', () => {
    never(() => {
      takes<QmpClient<Needs<Commands, 'stop' | 'query-status'>>>(client);
      takes<QmpClient<Needs<Commands, 'stop', Events, 'STOP' | 'BLOCK_JOB_READY'>>>(client);
      // @ts-expect-error a command more than the client has
      takes<QmpClient<Needs<Later, 'stop' | 'query-new'>>>(client);
      // @ts-expect-error an event more than the client has
      takes<QmpClient<Needs<Later, 'stop', LaterSchema['events'], 'NEW'>>>(client);
    });
  });

  test('another release is spoken, as far as the commands agree', () => {
    never(() => {
      takes<QmpClient<Needs<Commands, 'stop' | 'query-status' | 'blockdev-add', Events, 'STOP'>>>(later);
      // @ts-expect-error an earlier server does not say whether it is suspended
      takes<QmpClient<Needs<Later, 'query-status'>>>(client);
      // @ts-expect-error an earlier server has no such driver
      takes<QmpClient<Needs<Later, 'blockdev-add'>>>(client);
      // @ts-expect-error a later server has another status
      takes<QmpClient<Needs<Commands, 'stop', Events, 'JOB_STATUS_CHANGE'>>>(later);
    });
  });

  test('no schema is known, but not the other way round', () => {
    never(() => {
      takes<QmpClient>(client);
      takes<QmpClient>(later);
      // @ts-expect-error it may have no such command
      takes<QmpClient<Needs<Commands, 'stop'>>>(anything);
    });
  });

  test('it has been given a name by an interface', () => {
    interface Machine extends QmpClient<Schema> {
      readonly name: string;
    }
    never((machine?: Machine) => {
      expectTypeOf(machine?.execute('query-status')).resolves.toEqualTypeOf<{ running: boolean }>();
      machine?.on('STOP', (event) => expectTypeOf(event).toEqualTypeOf<QmpEvent<'STOP', undefined>>());
    });
  });
});

describe('events', () => {
  test('a name selects one event with its type', () => {
    never(() => {
      expectTypeOf(client.on('STOP', () => {})).toEqualTypeOf<typeof client>();
      client.on('STOP', (event) => expectTypeOf(event).toEqualTypeOf<QmpEvent<'STOP', undefined>>());
      expectTypeOf(client.waitFor('BLOCK_JOB_READY')).resolves.toEqualTypeOf<
        QmpEvent<'BLOCK_JOB_READY', { device: string }>
      >();
      client.waitFor('JOB_STATUS_CHANGE', ({ data }) => data.status === 'running');
      // @ts-expect-error no such status
      client.waitFor('JOB_STATUS_CHANGE', ({ data }) => data.status === 'nul');
    });
  });

  test('a pattern stands for the events that match', () => {
    never(async () => {
      for await (const event of client.events('BLOCK_JOB_*')) {
        expectTypeOf(event.event).toEqualTypeOf<'BLOCK_JOB_READY' | 'BLOCK_JOB_COMPLETED'>();
        expectTypeOf(event.data.device).toBeString();
        if (event.event === 'BLOCK_JOB_COMPLETED') expectTypeOf(event.data.error).toEqualTypeOf<string | undefined>();
      }
      for await (const event of client.events(['STOP', '*_CHANGE'])) {
        expectTypeOf(event.event).toEqualTypeOf<'STOP' | 'JOB_STATUS_CHANGE'>();
      }
      for await (const event of client.events('*')) {
        expectTypeOf(event.event).toEqualTypeOf<keyof Events>();
      }
    });
  });

  test('what matches nothing does not compile', () => {
    never(() => {
      // @ts-expect-error no such event
      client.events('STOPP');
      // @ts-expect-error nothing matches
      client.on('BLOK_*', () => {});
      // @ts-expect-error one of them matches nothing
      client.events(['STOP', 'BLOK_*']);
    });
  });

  test('listeners have a member for each event under its name', () => {
    never(async () => {
      client.on.STOP((event) => expectTypeOf(event).toEqualTypeOf<QmpEvent<'STOP', undefined>>());
      client.once.STOP((event) => expectTypeOf(event).toEqualTypeOf<QmpEvent<'STOP', undefined>>());
      expectTypeOf(client.waitFor.BLOCK_JOB_READY()).resolves.toEqualTypeOf<
        QmpEvent<'BLOCK_JOB_READY', { device: string }>
      >();
      for await (const { data } of client.events.JOB_STATUS_CHANGE()) {
        expectTypeOf(data.status).toEqualTypeOf<'created' | 'running'>();
      }
      // @ts-expect-error no such event
      client.on.STOPP(() => {});
    });
  });

  test('onUnknown takes the events that the schema lacks', () => {
    never(() => {
      client.onUnknown('X_NEW', ({ data }) => expectTypeOf(data).toEqualTypeOf<JsonObject | undefined>());
      // @ts-expect-error what is known is a matter for on
      client.on('X_NEW', () => {});
    });
  });
});
