import { describe, expect, test } from 'vitest';
import { connect } from '../../../runtime/qmp/client.js';
import { QmpConnectionError } from '../../../runtime/qmp/failure.js';
import { backOff, type ConnectionLoss, type Reconnection } from '../../../runtime/qmp/reconnect.js';
import { FakeServer, GREETING, place } from './fake-server.js';

describe('reconnecting', () => {
  test('negotiates again and reports what was lost', async () => {
    const first = new FakeServer(() => undefined);
    const second = new FakeServer(({ execute }) => ({ return: execute }));
    const losses: ConnectionLoss[] = [];
    const again: Reconnection[] = [];
    await using client = await connect(place(first, second).open, {
      reconnect: backOff({
        initialDelay: 1,
        onLost: (loss) => losses.push(loss),
        onReconnect: (reconnection) => again.push(reconnection),
      }),
    });
    const events = client.events('*');
    const lost = client.execute('lost');
    await first.until(1);
    first.end();
    await expect(lost).rejects.toThrow(
      'closed by the peer before lost was answered; whether it was carried out is unknown',
    );
    // It has not been sent, so it can wait for the next connection.
    expect(await client.execute('next')).toBe('next');
    second.event('HELLO');
    expect((await events.next()).value?.event).toBe('HELLO');
    expect(losses).toEqual([{ error: expect.any(QmpConnectionError), commands: ['lost'] }]);
    expect(again).toEqual([{ ...losses[0], attempts: 1, downtime: expect.any(Number) }]);
  });

  test('gives up after so many attempts', async () => {
    const server = new FakeServer();
    const there = place(server);
    const client = await connect(there.open, { reconnect: backOff({ initialDelay: 1, attempts: 3 }) });
    server.end();
    await new Promise(setImmediate);
    await expect(client.execute('x')).rejects.toThrow('no server is there');
    expect(await client.closed).toEqual(new QmpConnectionError('no server is there'));
    expect(there.opened).toBe(4);
  });

  test('waits longer each time, up to a limit', async () => {
    const server = new FakeServer();
    const times: number[] = [];
    const there = place(server);
    const client = await connect(
      () => {
        times.push(performance.now());
        return there.open();
      },
      { reconnect: backOff({ initialDelay: 10, maxDelay: 20, attempts: 4 }) },
    );
    server.end();
    await new Promise(setImmediate);
    expect(client.connected).toBe(false);
    await client.closed;
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(pauses[0]).toBeGreaterThanOrEqual(7);
    for (const pause of pauses.slice(1)) expect(pause).toBeGreaterThanOrEqual(15);
    expect(pauses[3]).toBeLessThan(500);
  });

  test('stops when the client is closed', async () => {
    const server = new FakeServer();
    const client = await connect(place(server).open, { reconnect: backOff({ initialDelay: 60_000 }) });
    server.end();
    await new Promise(setImmediate);
    const waiting = client.execute('x');
    const rejected = expect(waiting).rejects.toThrow('was closed by this side');
    await client.close();
    await rejected;
    expect(await client.closed).toBeUndefined();
  });

  test('the first connection is not tried again', async () => {
    const there = place();
    await expect(connect(there.open, { reconnect: backOff() })).rejects.toThrow('no server is there');
    expect(there.opened).toBe(1);
  });

  test('the first connection waits for a server that is not there yet, where that is wanted', async () => {
    const server = new FakeServer();
    let attempts = 0;
    await using client = await connect(
      () => {
        if (++attempts < 3) throw new QmpConnectionError('no server is there');
        server.send(GREETING);
        return server.peer;
      },
      { reconnect: backOff({ initialDelay: 1, waitForServer: true }) },
    );
    expect(client.connected).toBe(true);
    expect(attempts).toBe(3);
  });

  test('the wait for a server ends with the signal, and after so many attempts', async () => {
    const options = { initialDelay: 1, waitForServer: true };
    const signal = AbortSignal.timeout(30);
    await expect(connect(place().open, { signal, reconnect: backOff(options) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    const there = place();
    await expect(connect(there.open, { reconnect: backOff({ ...options, attempts: 2 }) })).rejects.toThrow(
      'no server is there',
    );
    expect(there.opened).toBe(3);
  });

  test('the signal that bounds the first connection does not keep the client from connecting again', async () => {
    const controller = new AbortController();
    const [first, second] = [new FakeServer(), new FakeServer()];
    const reconnect = backOff({ initialDelay: 1 });
    await using client = await connect(place(first, second).open, { signal: controller.signal, reconnect });
    controller.abort(new Error('much later'));
    first.end();
    await new Promise(setImmediate);
    expect(await client.execute('x')).toEqual({});
    expect(second.received).toMatchObject([{ execute: 'x' }]);
  });

  test.each([true, false])('after its own quit the client is at its end; answered: %s', async (answered) => {
    const server = new FakeServer(() => (answered ? { return: {} } : undefined));
    const there = place(server, new FakeServer());
    const client = await connect(there.open, { reconnect: backOff({ initialDelay: 1 }) });
    const quitting = client.execute('quit');
    await server.until(1);
    server.end();
    expect(await quitting).toEqual({});
    expect(await client.closed).toBeInstanceOf(QmpConnectionError);
    expect(there.opened).toBe(1);
  });

  test('a quit that is refused is no end', async () => {
    const refusal = { error: { class: 'GenericError', desc: 'not now' } };
    const [first, second] = [new FakeServer(() => refusal), new FakeServer()];
    await using client = await connect(place(first, second).open, { reconnect: backOff({ initialDelay: 1 }) });
    await expect(client.execute('quit')).rejects.toThrow('not now');
    first.end();
    await new Promise(setImmediate);
    expect(await client.execute('x')).toEqual({});
    expect(second.received).toMatchObject([{ execute: 'x' }]);
  });

  test('requires an address that can be opened again', async () => {
    await expect(connect(new FakeServer().peer, { reconnect: backOff() })).rejects.toThrow(
      /a stream cannot be opened again/,
    );
  });
});
