import { getEventListeners } from 'node:events';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { JsonObject } from '../../../runtime/json/value.js';
import { connect } from '../../../runtime/qmp/client.js';
import { QmpError } from '../../../runtime/qmp/error.js';
import { QmpConnectionError, QmpTimeoutError } from '../../../runtime/qmp/failure.js';
import type { QmpOddity } from '../../../runtime/qmp/link.js';
import { backOff } from '../../../runtime/qmp/reconnect.js';
import { connected, FakeServer, GREETING, place } from './fake-server.js';

const failure = (desc: string, kind = 'GenericError') => ({ error: { class: kind, desc } });
const silent = () => undefined;

function sharedSignal() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: (reason: Error) => controller.abort(reason) };
}

describe('negotiation', () => {
  test('enables out-of-band execution where it is offered', async () => {
    const sent: unknown[] = [];
    const { client } = await connected({ onWire: (direction, message) => direction === 'sent' && sent.push(message) });
    expect(client.oob).toBe(true);
    expect(client.greeting).toEqual(GREETING.QMP);
    expect(sent).toEqual([{ execute: 'qmp_capabilities', arguments: { enable: ['oob'] }, id: expect.any(String) }]);
  });

  test.each([
    ['it is not offered', [], {}],
    ['it is not wanted', ['oob'], { oob: false }],
  ])('does not enable out-of-band execution when %s', async (_, capabilities, options) => {
    const server = new FakeServer();
    server.send({ QMP: { ...GREETING.QMP, capabilities } });
    await using client = await connect(server.peer, options);
    expect(client.oob).toBe(false);
    await expect(client.execute('query-yank', {}, { oob: true })).rejects.toThrow(
      /out-of-band execution is not enabled/,
    );
  });

  test('a server that does not greet is given up, with a guess why', async () => {
    const server = new FakeServer();
    await expect(connect(server.peer, { connectTimeout: 20 })).rejects.toThrow(
      new QmpTimeoutError(
        'the peer, which may be busy with another client or wait for a TLS or websocket handshake, did not greet within 20 ms',
      ),
    );
  });

  test('a server that greets and then says nothing is given up for that reason', async () => {
    const server = new FakeServer();
    server.send({ ...GREETING, id: 1 });
    server.peer.write = () => true;
    await expect(connect(server.peer, { connectTimeout: 20 })).rejects.toThrow(
      'the peer greeted, but did not answer qmp_capabilities within 20 ms',
    );
  });

  test('a function that opens nothing is given up, and what it opens too late is closed', async () => {
    const late = new FakeServer();
    let open: (peer: typeof late.peer) => void = () => {};
    const opening = new Promise<typeof late.peer>((resolve) => {
      open = resolve;
    });
    let given: AbortSignal | undefined;
    const address = (signal: AbortSignal): Promise<typeof late.peer> => {
      given = signal;
      return opening;
    };
    await expect(connect(address, { connectTimeout: 20 })).rejects.toThrow(
      'the peer did not accept the connection within 20 ms',
    );
    expect(given?.aborted).toBe(true);
    open(late.peer);
    await vi.waitFor(() => expect(late.peer.destroyed).toBe(true));
  });

  test('reports a server that hangs up before it greets', async () => {
    const server = new FakeServer();
    server.end();
    await expect(connect(server.peer)).rejects.toThrow(
      new QmpConnectionError('the connection to the peer was closed by the peer before it greeted'),
    );
  });

  test('reports a server that refuses to negotiate', async () => {
    const server = new FakeServer();
    server.send(GREETING);
    const connecting = connect(server.peer);
    server.send({ return: {}, id: 'of another client' });
    // An error without an id is the answer to the oldest request.
    server.send(failure('no'));
    await expect(connecting).rejects.toThrow(QmpError);
  });

  test('a signal aborts connecting', async () => {
    const server = new FakeServer();
    await expect(connect(server.peer, { signal: AbortSignal.timeout(5) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    await expect(connect(server.peer, { signal: AbortSignal.abort(new Error('never mind')) })).rejects.toThrow(
      'never mind',
    );
  });

  test('the reply to a former client is not taken for an own one', async () => {
    const server = new FakeServer();
    const oddities: QmpOddity[] = [];
    server.send(GREETING);
    server.send({ return: {}, id: 1 });
    await using client = await connect(server.peer, { onOddity: (oddity) => oddities.push(oddity) });
    expect(await client.execute('x')).toEqual({});
    expect(oddities).toEqual([{ kind: 'unsolicited-reply', message: { return: {}, id: 1 } }]);
  });
});

describe('execute', () => {
  test('sends name and arguments, returns what is returned', async () => {
    const { client, server } = await connected({}, ({ arguments: args }) => ({ return: [args ?? null] }));
    expect(await client.execute('a', { size: 2n ** 64n - 1n })).toEqual([{ size: 2n ** 64n - 1n }]);
    expect(await client.execute('b')).toEqual([null]);
    expect(server.received).toMatchObject([{ execute: 'a' }, { execute: 'b' }]);
    expect(server.received[1]).not.toHaveProperty('arguments');
  });

  test('matches replies by id, in whatever order they come', async () => {
    const { client, server } = await connected({}, silent);
    const first = client.execute('first');
    const second = client.execute('second');
    await server.until(2);
    server.reply(server.received[1], { return: 2 });
    server.reply(server.received[0], { return: 1 });
    expect(await Promise.all([first, second])).toEqual([1, 2]);
  });

  test('an error has class, description, command and the stack of the caller', async () => {
    const { client } = await connected({}, () => failure("Node 'x' not found", 'DeviceNotFound'));
    async function deleteTheNode(): Promise<void> {
      await client.execute('blockdev-del', { 'node-name': 'x' });
    }
    const error = await deleteTheNode().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(QmpError);
    expect(error).toMatchObject({
      class: 'DeviceNotFound',
      description: "Node 'x' not found",
      command: 'blockdev-del',
    });
    expect((error as QmpError).stack).toMatch(
      /^QmpError: Node 'x' not found\n.*\n {4}at (?:async )?deleteTheNode [^\n]*client\.test\.ts/s,
    );
  });

  test.each<[string, JsonObject]>([
    ['is not an object', { error: 'broken' }],
    ['lacks everything', { error: {} }],
    ['is null', { error: null }],
  ])('an error that %s is an error all the same', async (_, answer) => {
    const { client } = await connected({}, () => answer);
    await expect(client.execute('x')).rejects.toMatchObject({
      class: 'GenericError',
      message: 'the server did not say why',
    });
  });

  test('an error without an id belongs to the oldest request in the queue', async () => {
    const { client, server } = await connected({}, silent);
    const first = client.execute('first');
    const second = client.execute('second');
    const ahead = client.execute('yank', {}, { oob: true });
    await server.until(3);
    server.send(failure('cannot be read'));
    await expect(first).rejects.toMatchObject({ command: 'first', description: 'cannot be read' });
    server.reply(server.received[2], { return: 3 });
    server.reply(server.received[1], { return: 2 });
    expect(await Promise.all([second, ahead])).toEqual([2, 3]);
  });

  test('a signal ends the wait for a reply, and a late reply is ignored', async () => {
    const oddities: QmpOddity[] = [];
    const { client, server } = await connected({ onOddity: (oddity) => oddities.push(oddity) }, silent);
    const controller = new AbortController();
    const aborted = client.execute('slow', {}, { signal: controller.signal });
    await server.until(1);
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await expect(client.execute('slow', {}, { signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow(
      'too late',
    );
    const timedOut = client.execute('slow', {}, { timeout: 10 });
    await expect(timedOut).rejects.toThrow(new QmpTimeoutError('slow was not answered within 10 ms'));
    expect(server.received).toHaveLength(2);
    for (const request of server.received) server.reply(request, { return: {} });
    server.answerWith(() => ({ return: 'on it goes' }));
    expect(await client.execute('next')).toBe('on it goes');
    expect(oddities).toEqual([]);
  });

  test('applies a time limit to all commands, and another to one', async () => {
    const { client } = await connected({ timeout: 10 }, silent);
    await expect(client.execute('a')).rejects.toThrow('a was not answered within 10 ms');
    await expect(client.execute('b', {}, { timeout: 20 })).rejects.toThrow('b was not answered within 20 ms');
  });

  test('out-of-band requests leave room for themselves: at most eight others are under way', async () => {
    const { client, server } = await connected({}, silent);
    const inBand = Array.from({ length: 20 }, (_, index) => client.execute(`c${index}`));
    const ahead = client.execute('yank', {}, { oob: true });
    await server.until(9);
    expect(server.received.map((request) => request.execute ?? request['exec-oob'])).toEqual([
      ...Array.from({ length: 8 }, (_, index) => `c${index}`),
      'yank',
    ]);
    server.reply(server.received[8], { return: 'yanked' });
    expect(await ahead).toBe('yanked');
    for (let index = 0; index < 21; index++) {
      await server.until(index + 1);
      if (index !== 8) server.reply(server.received[index], { return: server.received[index]?.execute ?? null });
    }
    expect(await Promise.all(inBand)).toEqual(Array.from({ length: 20 }, (_, index) => `c${index}`));
  });

  test('a success without an id completes the only command under way, and none of several', async () => {
    const oddities: QmpOddity[] = [];
    const { client, server } = await connected({ onOddity: (oddity) => oddities.push(oddity) }, silent);
    const only = client.execute('only');
    await server.until(1);
    server.send({ return: 'for the only one' });
    expect(await only).toBe('for the only one');
    const two = [client.execute('first'), client.execute('second')];
    await server.until(3);
    server.send({ return: 'for whom?' });
    for (const request of server.received.slice(1)) server.reply(request, { return: request.execute });
    expect(await Promise.all(two)).toEqual(['first', 'second']);
    expect(oddities).toEqual([{ kind: 'unsolicited-reply', message: { return: 'for whom?' } }]);
  });

  test.each([Number.POSITIVE_INFINITY, 2 ** 31, 1e12])('a timeout of %d ms is none', async (timeout) => {
    const { client, server } = await connected({ connectTimeout: timeout, timeout }, silent);
    const answered = client.execute('slow', {}, { timeout });
    const event = client.waitFor('LATE', undefined, { timeout });
    await server.until(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    server.reply(server.received[0], { return: 'at last' });
    server.event('LATE');
    expect(await answered).toBe('at last');
    expect((await event).event).toBe('LATE');
  });

  test('unref and ref reach the streams of the connection, and of the next one', async () => {
    const calls: string[] = [];
    const servers = [new FakeServer(), new FakeServer()];
    for (const [index, { peer }] of servers.entries()) {
      Object.assign(peer, { ref: () => calls.push(`ref ${index}`), unref: () => calls.push(`unref ${index}`) });
    }
    await using client = await connect(place(...servers).open, { reconnect: backOff({ initialDelay: 1 }) });
    calls.length = 0;
    client.unref();
    expect(new Set(calls)).toEqual(new Set(['unref 0']));
    servers[0]?.end();
    await new Promise(setImmediate);
    await client.execute('x');
    expect(calls.at(-1)).toBe('unref 1');
    client.ref();
    expect(calls.at(-1)).toBe('ref 1');
  });

  test('any number of commands and streams share a signal without a warning of listeners', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', warn);
    onTestFinished(() => void process.off('warning', warn));
    const { client } = await connected({}, silent);
    const { signal, abort } = sharedSignal();
    const waiting = Array.from({ length: 40 }, () => client.execute('slow', {}, { signal }));
    const streams = Array.from({ length: 20 }, () => client.events('*', { signal }).next());
    await new Promise(setImmediate);
    abort(new Error('enough'));
    const ends = await Promise.allSettled([...waiting, ...streams]);
    expect(new Set(ends.map((end) => (end as PromiseRejectedResult).reason.message))).toEqual(new Set(['enough']));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(warnings).toEqual([]);
  });

  test('arguments that JSON cannot hold are refused before they are sent', async () => {
    const { client, server } = await connected();
    await expect(client.execute('x', { ratio: Number.NaN })).rejects.toThrow(new TypeError('NaN has no form in JSON'));
    expect(await client.execute('y')).toEqual({});
    expect(server.received).toHaveLength(1);
  });

  test('executes a command that the types do not know', async () => {
    interface Small {
      commands: { 'query-version': { returns: { package: string } } };
      events: Record<never, never>;
    }
    const { client } = await connected<Small>({}, ({ execute }) => ({ return: { package: execute } }));
    expect((await client.execute('query-version')).package).toBe('query-version');
    expect(await client.executeUnknown('x-new', { a: 1 })).toEqual({ package: 'x-new' });
  });
});

describe('loss of the connection', () => {
  test('rejects what waits, and says what became of it', async () => {
    const { client, server } = await connected({}, silent);
    const sent = Array.from({ length: 8 }, (_, index) => client.execute(`c${index}`));
    const unsent = client.execute('c8');
    const settled = Promise.allSettled([...sent, unsent]);
    await server.until(8);
    server.end();
    await settled;
    const why = 'the connection to the peer was closed by the peer before';
    await expect(sent[0]).rejects.toThrow(
      new QmpConnectionError(`${why} c0 was answered; whether it was carried out is unknown`, { command: 'c0' }),
    );
    await expect(unsent).rejects.toThrow('the connection to the peer was closed by the peer; c8 was not sent');
    await expect(unsent).rejects.toMatchObject({ command: 'c8', stack: expect.stringContaining('client.test.ts') });
    expect(await client.closed).toEqual(new QmpConnectionError('the connection to the peer was closed by the peer'));
    await expect(client.execute('later')).rejects.toThrow('closed by the peer');
  });

  test('an error of the stream is the cause', async () => {
    const { client, server } = await connected({}, silent);
    const waiting = client.execute('x');
    await server.until(1);
    server.peer.destroy(new Error('cable cut'));
    await expect(waiting).rejects.toThrow(/was lost: cable cut before x was answered/);
    expect(await client.closed).toMatchObject({ cause: new Error('cable cut') });
  });

  test('quit need not be answered', async () => {
    const { client, server } = await connected({}, silent);
    const quitting = client.execute('quit');
    await server.until(1);
    server.end();
    expect(await quitting).toEqual({});
  });

  test('closing rejects what waits and is no error', async () => {
    const { client, server } = await connected({}, silent);
    const waiting = client.execute('x');
    await server.until(1);
    await Promise.all([
      expect(waiting).rejects.toThrow(
        'was closed by this side before x was answered; whether it was carried out is unknown',
      ),
      client.close(),
    ]);
    expect(await client.closed).toBeUndefined();
    await expect(client.execute('later')).rejects.toThrow(QmpConnectionError);
    await client.close();
  });
});

describe('what should not arrive', () => {
  test('reports what should not arrive, and otherwise ignores it', async () => {
    const oddities: QmpOddity[] = [];
    const { client, server } = await connected({ onOddity: (oddity) => oddities.push(oddity) });
    server.send([1]);
    server.send({ hello: 'world' });
    server.send({ return: {}, id: 'unknown' });
    server.send({ return: {}, id: { a: 1 } });
    server.send('%%%\r\n');
    server.send({ return: {}, id: '__proto__' });
    expect(await client.execute('x')).toEqual({});
    expect(oddities.map(({ kind }) => kind)).toEqual([
      'unknown-message',
      'unknown-message',
      'unsolicited-reply',
      'unsolicited-reply',
      'malformed',
      'unsolicited-reply',
    ]);
  });

  test('a reply that cannot be read fails its command as soon as a later one is answered', async () => {
    const { client, server } = await connected({}, silent);
    const lost = client.execute('lost');
    await server.until(1);
    server.send('{"return": oops}\r\n');
    server.answerWith(() => ({ return: 'fine' }));
    const rejected = expect(lost).rejects.toThrow(
      new QmpConnectionError('the reply to lost could not be read', { command: 'lost' }),
    );
    expect(await client.execute('next')).toBe('fine');
    await rejected;
  });

  test('an error of a listener is the program’s, not the connection’s', async () => {
    const uncaught = vi.fn();
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', uncaught);
    const { client, server } = await connected({
      onOddity: () => {
        throw new Error('my bug');
      },
    });
    server.send([]);
    expect(await client.execute('x')).toEqual({});
    await new Promise(setImmediate);
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(uncaught).toHaveBeenCalledWith(new Error('my bug'), 'uncaughtException');
  });
});
