import { existsSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { dirname } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import * as generated from '../../../generated/index.js';
import { type CommandHandlers, emitBlockJobReady } from '../../../generated/index.js';
import { loadSchema } from '../../../generator/schema/load.js';
import type { Command, Schema } from '../../../generator/schema/model.js';
import type { JsonObject } from '../../../runtime/json/value.js';
import { connect, type QmpClient } from '../../../runtime/qmp/client.js';
import type { ConnectOptions } from '../../../runtime/qmp/client-options.js';
import { examine } from '../../../runtime/visit/codec.js';
import {
  type AnyHandlers,
  checkConformance,
  MockError,
  type MockOptions,
  type MockQmp,
  type MockSource,
  ModelVisits,
  mockQmp,
  Values,
} from '../../../testkit/index.js';
import { schemaOf } from '../../cli/serve/serve.js';

const text = `
{ 'enum': 'Mode', 'data': [ 'slow', 'fast' ] }
{ 'struct': 'State', 'data': { 'mode': 'Mode', 'heat': 'int', '*note': 'str' } }
{ 'command': 'query-state', 'returns': 'State' }
{ 'command': 'query-disks', 'returns': [ 'str' ] }
{ 'command': 'device_del', 'data': { 'id': 'str', '*force': 'bool', '*size': 'size' } }
{ 'command': 'device_add', 'data': { 'driver': 'str' }, 'gen': false }
{ 'command': 'stop', 'allow-oob': true }
{ 'event': 'HOT', 'data': { 'heat': 'int' } }
{ 'event': 'COLD' }`;

const schema = await schemaOf(
  `{ 'pragma': { 'command-name-exceptions': ['device_del', 'device_add'], 'command-returns-exceptions': ['query-disks'] } }\n${text}`,
);

async function started<H extends object = AnyHandlers>(
  source: MockSource<H>,
  options?: MockOptions<H>,
): Promise<MockQmp<H>> {
  const mock = await mockQmp(source, options);
  onTestFinished(() => mock.close());
  return mock;
}

async function connected(mock: { readonly address: string }, options?: ConnectOptions): Promise<QmpClient> {
  const client = await connect(mock.address, options);
  onTestFinished(() => client.close());
  return client;
}

async function both(options?: MockOptions<AnyHandlers>): Promise<[MockQmp, QmpClient]> {
  const mock = await started(schema, options);
  return [mock, await connected(mock)];
}

describe('answers without any set-up', () => {
  test('a mock answers every command of our schema with what the schema allows, and counts them as unhandled', async () => {
    const ours = (await loadSchema('qapi/qapi-schema.json')).schema as Schema;
    const commands = ours.definitions.filter((definition): definition is Command => definition.kind === 'command');
    const builtin = new Set(['qmp_capabilities', 'query-version', 'query-commands', 'query-qmp-schema', 'quit']);
    const [values, visits] = [new Values(), new ModelVisits()];
    const tried = commands.filter(({ name }) => !builtin.has(name));
    expect(tried.length).toBeGreaterThan(50);
    for (const source of [ours, generated] as MockSource<AnyHandlers>[]) {
      const mock = await started(source, { jobs: false });
      const client = await connected(mock);
      for (const { name, arguments: args, returns } of tried) {
        const given = args && (values.of(args) as JsonObject);
        const result = await client.executeUnknown(name, given).catch((error: Error) => error);
        if (result instanceof Error) throw new Error(`${name} ${JSON.stringify(given)}: ${result.message}`);
        if (returns) expect(examine(visits.of(returns), result), name).toEqual([]);
      }
      expect(mock.unhandled).toEqual(tried.map(({ name }) => name));
      mock.verify();
    }
  }, 60_000);

  test('a mock answers a query the same every time, and otherwise with another seed', async () => {
    const ask = async (seed?: number): Promise<unknown> => {
      const client = await connected(await started(schema, seed === undefined ? {} : { seed }));
      return client.execute('query-state');
    };
    expect(await ask()).toEqual({ mode: 'slow', heat: 1 });
    expect(await ask(3)).toEqual(await ask(3));
    const answers = await Promise.all([1, 2, 3, 4, 5].map((seed) => ask(seed)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBeGreaterThan(1);
  });

  test('a mock of our schema conforms to it', async () => {
    const ours = (await loadSchema('qapi/qapi-schema.json')).schema as Schema;
    const { checks } = await checkConformance(await connected(await started(ours)), ours);
    expect(checks.flatMap(({ problems }) => problems)).toEqual([]);
  }, 60_000);

  test('a mock refuses what its schema does not allow, and lets a command without marshalling take anything', async () => {
    const [, client] = await both();
    await expect(client.execute('device_del', { id: 1 })).rejects.toThrow(/id/);
    await expect(client.execute('device_dell', {})).rejects.toMatchObject({ class: 'CommandNotFound' });
    expect(await client.execute('device_add', { driver: 'x', bus: 'y' })).toEqual({});
  });
});

describe('handlers', () => {
  test('a typed handler answers its command, and the others are answered by the schema', async () => {
    const resized: unknown[] = [];
    const mock = await started<CommandHandlers>(generated, {
      handlers: (events) => ({
        block_resize({ device, size }) {
          resized.push([device, size]);
          emitBlockJobReady(events, { type: 'mirror', device: 'd', len: 8, offset: 8, speed: 0 });
        },
      }),
    });
    const client = await connected(mock);
    const ready = client.waitFor('BLOCK_JOB_READY', undefined, { timeout: 5000 });
    await client.execute('block_resize', { device: 'd', size: 2n ** 60n });
    expect(resized).toEqual([['d', 2n ** 60n]]);
    expect((await ready).data).toMatchObject({ device: 'd', len: 8 });
    expect(await client.execute('query-block')).toHaveLength(1);
    expect(mock.unhandled).toEqual(['query-block']);
  });

  test('what generated code does not allow in an expectation does not compile', async () => {
    const mock = await started<CommandHandlers>(generated);
    // @ts-expect-error: the size is a number
    mock.expect('block_resize', { size: 'large' });
    // @ts-expect-error: there is no such argument
    mock.expect('block_resize', { sise: 1 });
    // @ts-expect-error: the schema has no such command
    expect(() => mock.expect('block_risize')).toThrow(TypeError);
    // @ts-expect-error: it returns a list
    expect(() => mock.expect('query-block-jobs').reply('none')).toThrow();
    mock.expect('block_resize', { size: 1 }).reply();
  });

  test('verify names the handler that failed', async () => {
    const mock = await started(schema, { handlers: { stop: () => Promise.reject(new Error('broken')) } });
    await expect((await connected(mock)).execute('stop')).rejects.toThrow();
    expect(() => mock.verify()).toThrow(/stop: its handler failed: Error: broken/);
  });
});

describe('expectations', () => {
  test('an expected command is answered as the test says, once, by its arguments', async () => {
    const [mock, client] = await both();
    mock.expect('device_del', { id: 'd0' }).replyError('DeviceNotFound', 'no d0');
    mock.expect('query-state').reply({ mode: 'fast', heat: 2n ** 60n });
    await client.execute('device_del', { id: 'd1' });
    await expect(client.execute('device_del', { id: 'd0', force: true })).rejects.toMatchObject({
      class: 'DeviceNotFound',
      message: 'no d0',
    });
    await client.execute('device_del', { id: 'd0' });
    expect(await client.execute('query-state')).toEqual({ mode: 'fast', heat: 2n ** 60n });
    expect(await client.execute('query-state')).toEqual({ mode: 'slow', heat: 1 });
    mock.verify();
  });

  test('verify names what did not come, how often, what came, and what had no handler', async () => {
    const [mock, client] = await both();
    mock.expect('device_del', { id: 'd0' }).times(2);
    mock.expect('quit');
    await client.execute('device_del', { id: 'd0', size: 5 });
    await client.execute('stop');
    expect(() => mock.verify()).toThrow(MockError);
    expect(() => mock.verify()).toThrow(
      [
        'the mock was not used as expected',
        '  device_del {"id":"d0"}: expected 2 times, and came once',
        '  quit: expected once, and came never',
        'it was sent',
        '  device_del {"id":"d0","size":5}',
        '  stop',
        'without a handler: stop',
      ].join('\n'),
    );
  });

  test('a large integer is expected as a number or as a bigint', async () => {
    const [mock, client] = await both();
    mock.expect('device_del', { size: 2n ** 60n });
    mock.expect('device_del', { size: 5n });
    await client.execute('device_del', { id: 'a', size: 5 });
    await client.execute('device_del', { id: 'a', size: 2n ** 60n });
    mock.verify();
  });

  test('only an ordered mock minds the order', async () => {
    for (const ordered of [false, true]) {
      const [mock, client] = await both({ ordered });
      mock.expect('stop');
      mock.expect('query-state');
      await client.execute('query-state');
      await client.execute('stop');
      if (ordered) expect(() => mock.verify()).toThrow(/query-state: came before stop/);
      else mock.verify();
    }
  });

  test('a mock that refuses the unhandled names them', async () => {
    const [mock, client] = await both({ unhandled: 'refuse' });
    mock.when('stop').reply();
    await client.execute('stop');
    await client.execute('stop');
    await expect(client.execute('query-disks')).rejects.toThrow(/does not expect 'query-disks'/);
    expect(() => mock.verify()).toThrow(/query-disks: not expected, and without a handler/);
  });

  test('the last rule without an expectation applies, and an expectation goes before it', async () => {
    const [mock, client] = await both();
    mock.when('query-disks').reply(['a']);
    mock.when('query-disks').reply(['b']);
    mock.expect('query-disks').reply(['c']);
    expect(await client.execute('query-disks')).toEqual(['c']);
    expect(await client.execute('query-disks')).toEqual(['b']);
  });

  test('quit ends the mock, and can be expected, and nothing else', async () => {
    const [mock, client] = await both();
    expect(() => mock.expect('quit').reply()).toThrow(/the server itself executes quit/);
    const folder = dirname(mock.path);
    expect(existsSync(folder)).toBe(true);
    await client.execute('quit');
    mock.verify();
    await mock.close();
    expect(existsSync(folder)).toBe(false);
  });

  test('a test that expects what the schema lacks or does not allow fails where it says so', async () => {
    const [mock] = await both();
    expect(() => mock.expect('device_dell')).toThrow(/no command 'device_dell'/);
    expect(() => mock.expect('query-state').reply({ mode: 'warm', heat: 1 })).toThrow(/mode/);
    expect(() => mock.expect('stop').reply({})).toThrow(/stop returns nothing/);
    expect(() => mock.emit('HOTT')).toThrow(/no event 'HOTT'/);
    expect(() => mock.emit('HOT', { heat: 'x' })).toThrow(/HOT.*heat/);
    expect(() => mock.emit('COLD', {})).toThrow(/COLD carries no data/);
  });
});

describe('events', () => {
  test('an event is sent by hand, with data of the test or of the schema', async () => {
    const [mock, client] = await both();
    const hot = client.events('HOT');
    mock.emit('HOT', { heat: 7 });
    mock.emit('HOT');
    expect((await hot.next()).value).toMatchObject({ data: { heat: 7 } });
    expect((await hot.next()).value).toMatchObject({ data: { heat: 1 } });
  });

  test('an event follows the reply to a command', async () => {
    const order: string[] = [];
    const mock = await started(schema);
    const client = await connected(mock, {
      onWire: (direction, message) => {
        if (direction === 'received') order.push(...Object.keys(message as JsonObject).filter((key) => key !== 'id'));
      },
    });
    mock.expect('stop').thenEmit('COLD');
    order.length = 0;
    const cold = client.waitFor('COLD', undefined, { timeout: 5000 });
    await client.execute('stop');
    await cold;
    expect(order).toEqual(['return', 'timestamp', 'event']);
  });
});

describe('faults', () => {
  test('a stalled command is not answered, and the next one is', async () => {
    const [mock, client] = await both();
    mock.expect('stop').stall();
    await expect(client.execute('stop', undefined, { timeout: 50 })).rejects.toThrow(/not answered/);
    expect(await client.execute('query-disks')).toEqual(['query-disks0']);
  });

  test('a command that ends the connection leaves that of another client', async () => {
    const [mock, client] = await both();
    const other = await connected(mock);
    mock.expect('stop').close();
    await expect(client.execute('stop')).rejects.toThrow(/connection/);
    expect(await other.execute('query-disks')).toEqual(['query-disks0']);
    mock.verify();
  });

  test('a late reply comes after the reply to the next command', async () => {
    const [mock, client] = await both();
    mock.expect('query-disks').reply(['late']).late(100);
    const done: string[] = [];
    await Promise.all([
      client.execute('query-disks').then((disks) => done.push(`late ${disks}`)),
      client.execute('stop').then(() => done.push('stop')),
    ]);
    expect(done).toEqual(['stop', 'late late']);
  });

  test('replies to commands out of band overtake those in line, or come behind them when they are late', async () => {
    let go: (disks: string[]) => void = () => {};
    const disks = new Promise<string[]>((resolve) => {
      go = resolve;
    });
    const mock = await started(schema, { handlers: { 'query-disks': () => disks } });
    const client = await connected(mock);
    const done: string[] = [];
    const inLine = client.execute('query-disks').then(() => done.push('in line'));
    await client.execute('stop', undefined, { oob: true });
    done.push('out of band');
    go([]);
    await inLine;
    mock.expect('stop').late(100);
    await Promise.all([
      client.execute('stop', undefined, { oob: true }).then(() => done.push('late')),
      client.execute('query-state').then(() => done.push('next in line')),
    ]);
    expect(done).toEqual(['out of band', 'in line', 'next in line', 'late']);
  });

  test('a duplicate reply reaches the client as an oddity', async () => {
    const mock = await started(schema);
    const oddities: unknown[] = [];
    const client = await connected(mock, { onOddity: (oddity) => oddities.push(oddity) });
    mock.expect('query-disks').reply(['a']).duplicate();
    expect(await client.execute('query-disks')).toEqual(['a']);
    await client.execute('stop');
    expect(oddities).toHaveLength(1);
  });

  test('garbage comes instead of the reply', async () => {
    const mock = await started(schema);
    const oddities: unknown[] = [];
    const client = await connected(mock, { onOddity: (oddity) => oddities.push(oddity) });
    mock.expect('stop').garbage();
    const asked = client.execute('stop', undefined, { timeout: 200 });
    await expect(asked).rejects.toThrow();
    expect(oddities.length).toBeGreaterThan(0);
  });

  test('a faulty error keeps its class and the id of its request', async () => {
    const [mock, client] = await both();
    mock.expect('stop').replyError('DeviceNotActive').split(1);
    await expect(client.execute('stop')).rejects.toMatchObject({ class: 'DeviceNotActive' });
  });

  test('a client understands what comes in pieces, and events before the greeting', async () => {
    const mock = await started(schema, { split: 3, beforeGreeting: ['HOT', 'COLD'] });
    const socket = connectSocket(mock.path);
    const chunks: string[] = [];
    let end: () => void = () => {};
    const greeted = new Promise<void>((resolve) => {
      end = resolve;
    });
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk.toString());
      if (chunks.join('').includes('"capabilities": ["oob"]}}\r\n')) end();
    });
    await greeted;
    socket.destroy();
    expect(chunks.length).toBeGreaterThan(3);
    const messages = chunks
      .join('')
      .trim()
      .split('\r\n')
      .map((line) => Object.keys(JSON.parse(line) as object).at(-1));
    expect(messages).toEqual(['data', 'event', 'QMP']);
    expect(await (await connected(mock)).execute('query-disks')).toEqual(['query-disks0']);
  });

  test('a silent mock takes a client and says nothing', async () => {
    const mock = await started(schema, { silent: true });
    await expect(connect(mock.address, { connectTimeout: 100 })).rejects.toThrow();
  });

  test('a mock that disconnects its clients takes new ones', async () => {
    const [mock, client] = await both();
    mock.disconnect();
    expect(await client.closed).toBeInstanceOf(Error);
    expect(await (await connected(mock)).execute('query-disks')).toEqual(['query-disks0']);
  });
});

test('a mock listens where it is asked to', async () => {
  const mock = await started(schema, { listen: 'tcp:127.0.0.1:0', version: { major: 9, minor: 1, micro: 2 } });
  expect(mock.address).toMatch(/^tcp:127\.0\.0\.1:\d+$/);
  expect(mock.path).toBe('');
  expect((await connected(mock)).greeting.version.qemu).toEqual({ major: 9, minor: 1, micro: 2 });
});
