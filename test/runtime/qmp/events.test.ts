import { describe, expect, test } from 'vitest';
import { eventMatcher } from '../../../runtime/qmp/event-hub.js';
import { QmpConnectionError, QmpTimeoutError } from '../../../runtime/qmp/failure.js';
import { connected } from './fake-server.js';

describe('patterns', () => {
  test.each([
    ['STOP', ['STOP'], ['STOPPED', 'A_STOP', '']],
    ['BLOCK_JOB_*', ['BLOCK_JOB_READY', 'BLOCK_JOB_'], ['BLOCK_JOB', 'JOB_STATUS_CHANGE', 'XBLOCK_JOB_']],
    ['*', ['STOP', '', 'a\nb'], []],
    ['*_CHANGE', ['JOB_STATUS_CHANGE'], ['CHANGE', 'RTC_CHANGED']],
    ['A*B*C', ['ABC', 'AxByC'], ['ACB']],
    ['a.b*', ['a.bc'], ['axbc']],
  ])('%s', (pattern, matching, others) => {
    const matches = eventMatcher([pattern]);
    for (const name of matching) expect(matches(name)).toBe(true);
    for (const name of others) expect(matches(name)).toBe(false);
  });
});

describe('listeners', () => {
  test('get name, data, timestamp and date', async () => {
    const { client, server } = await connected();
    const seen: unknown[] = [];
    client.on('BLOCK_JOB_*', (event) => seen.push(event));
    server.event('BLOCK_JOB_READY', { device: 'd', len: 2n ** 63n });
    server.event('STOP');
    server.event('BLOCK_JOB_COMPLETED', undefined, -1);
    await client.execute('x');
    expect(seen).toEqual([
      {
        event: 'BLOCK_JOB_READY',
        data: { device: 'd', len: 2n ** 63n },
        timestamp: { seconds: 1_600_000_000, microseconds: 123_456 },
        date: new Date('2020-09-13T12:26:40.123Z'),
      },
      {
        event: 'BLOCK_JOB_COMPLETED',
        data: undefined,
        timestamp: { seconds: -1, microseconds: 123_456 },
        date: new Date(NaN),
      },
    ]);
  });

  test('an event without a usable timestamp is an event', async () => {
    const { client, server } = await connected();
    const seen: unknown[] = [];
    client.on('*', ({ event, timestamp }) => seen.push([event, timestamp]));
    server.send({ event: 'A' });
    server.send({ event: 'B', timestamp: 'now' });
    await client.execute('x');
    const unknown = { seconds: -1, microseconds: -1 };
    expect(seen).toEqual([
      ['A', unknown],
      ['B', unknown],
    ]);
  });

  test('removes listeners, also while an event is handed out', async () => {
    const { client, server } = await connected();
    const seen: string[] = [];
    const second = (): unknown => seen.push('second');
    client.once('*', ({ event }) => seen.push(`once ${event}`));
    client.on('*', ({ event }) => {
      seen.push(event);
      client.off('*', second);
    });
    client.on('*', second);
    client.off('STOP', second);
    server.event('A');
    server.event('B');
    await client.execute('x');
    expect(seen).toEqual(['once A', 'A', 'B']);
  });
});

describe('members with the names of events', () => {
  test('listen, stream and wait like the methods that they belong to', async () => {
    const { client, server } = await connected<{ commands: { x: object }; events: { A: { data: undefined } } }>();
    const seen: string[] = [];
    client.on.A(({ event }) => seen.push(`on ${event}`));
    client.once.A(({ event }) => seen.push(`once ${event}`));
    const stream = client.events.A({ buffer: 1 });
    const second = client.waitFor.A(() => seen.length > 2);
    server.event('A');
    server.event('B');
    server.event('A');
    expect((await second).event).toBe('A');
    expect(seen).toEqual(['on A', 'once A', 'on A']);
    await expect(stream.next().then(() => stream.next())).rejects.toThrow(RangeError);
  });
});

test('onUnknown hears of events that the schema lacks, until off takes it back', async () => {
  const { client, server } = await connected<{ commands: { x: object }; events: Record<never, never> }>();
  const seen: unknown[] = [];
  const listener = ({ event, data }: { event: string; data: unknown }): unknown => seen.push([event, data]);
  client.onUnknown('X_*', listener);
  server.event('X_NEW', { a: 1 });
  await client.executeUnknown('x');
  client.off('X_*', listener);
  server.event('X_NEW', { a: 2 });
  await client.executeUnknown('x');
  expect(seen).toEqual([['X_NEW', { a: 1 }]]);
});

describe('streams', () => {
  test('hold what came before it was read', async () => {
    const { client, server } = await connected();
    const events = client.events('*');
    server.event('A');
    server.event('B');
    await client.execute('x');
    expect((await events.next()).value?.event).toBe('A');
    expect((await events.next()).value?.event).toBe('B');
    const reads = [events.next(), events.next()];
    server.event('C');
    server.event('D');
    expect((await Promise.all(reads)).map(({ value }) => value?.event)).toEqual(['C', 'D']);
  });

  test('end with the loop', async () => {
    const { client, server } = await connected();
    const events = client.events(['A', 'B*']);
    for (const name of ['A', 'C', 'BB', 'A']) server.event(name);
    const seen: string[] = [];
    for await (const { event } of events) {
      seen.push(event);
      if (event === 'BB') break;
    }
    expect(seen).toEqual(['A', 'BB']);
    expect(await events.next()).toEqual({ value: undefined, done: true });
  });

  test('end when the client is closed', async () => {
    const { client } = await connected();
    const events = client.events('*');
    const read = events.next();
    await client.close();
    expect(await read).toEqual({ value: undefined, done: true });
    expect(await client.events('*').next()).toEqual({ value: undefined, done: true });
  });

  test('fail when the connection is lost, after what had come', async () => {
    const { client, server } = await connected();
    const events = client.events('*');
    server.event('A');
    server.end();
    await client.closed;
    expect((await events.next()).value?.event).toBe('A');
    await expect(events.next()).rejects.toThrow(QmpConnectionError);
    expect(await events.next()).toEqual({ value: undefined, done: true });
  });

  test('fail when their signal is aborted', async () => {
    const { client } = await connected();
    const controller = new AbortController();
    const events = client.events('*', { signal: controller.signal });
    const reads = [events.next(), events.next()];
    controller.abort(new Error('enough'));
    await expect(reads[0]).rejects.toThrow('enough');
    expect(await reads[1]).toEqual({ value: undefined, done: true });
    await expect(client.events('*', { signal: controller.signal }).next()).rejects.toThrow('enough');
  });

  test.each([
    ['error', ['0', '1'], 0],
    ['drop-oldest', ['2', '3'], 2],
    ['drop-newest', ['0', '1'], 2],
  ] as const)('drops or fails when the buffer is full: %s', async (overflow, kept, dropped) => {
    const { client, server } = await connected();
    const events = client.events('*', { buffer: 2, overflow });
    for (let count = 0; count < 4; count++) server.event(String(count));
    await client.execute('x');
    const names = [(await events.next()).value?.event, (await events.next()).value?.event];
    expect(names).toEqual(kept);
    expect(events.dropped).toBe(dropped);
    if (overflow === 'error') await expect(events.next()).rejects.toThrow(/2 events wait unread/);
  });

  test('no room at all keeps nothing', async () => {
    const { client, server } = await connected();
    const events = client.events('*', { buffer: 0, overflow: 'drop-oldest' });
    server.event('A');
    await client.execute('x');
    expect(events.dropped).toBe(1);
    const read = events.next();
    server.event('B');
    expect((await read).value?.event).toBe('B');
  });
});

describe('waiting', () => {
  test('misses nothing from the call on', async () => {
    const { client } = await connected({}, (_, server) => {
      server.event('RESUME', { n: 1 });
      server.event('STOP', { n: 2 });
      server.event('STOP', { n: 3 });
      return { return: {} };
    });
    const stopped = client.waitFor('STOP', ({ data }) => data.n === 3);
    await client.execute('stop');
    expect((await stopped).data).toEqual({ n: 3 });
  });

  test('limits the wait by time and by signal', async () => {
    const { client } = await connected();
    await expect(client.waitFor('STOP', undefined, { timeout: 10 })).rejects.toThrow(
      new QmpTimeoutError('STOP did not come within 10 ms'),
    );
    const signal = AbortSignal.abort(new Error('never mind'));
    await expect(client.waitFor('STOP', undefined, { signal })).rejects.toThrow('never mind');
    const waiting = client.waitFor('STOP');
    await client.close();
    await expect(waiting).rejects.toThrow(new QmpConnectionError('the client was closed before STOP came'));
  });

  test('fails with the connection', async () => {
    const { client, server } = await connected();
    const waiting = client.waitFor('STOP');
    server.end();
    await expect(waiting).rejects.toThrow('closed by the peer');
  });

  test('fails with its predicate', async () => {
    const { client, server } = await connected();
    const waiting = client.waitFor('*', () => {
      throw new Error('my bug');
    });
    server.event('A');
    await expect(waiting).rejects.toThrow('my bug');
  });
});
