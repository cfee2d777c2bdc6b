import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type CommandContext, type CommandTable, codec, QmpError, visitEmpty } from '../../../../runtime/index.js';
import { ListenError } from '../../../../runtime/qmp/server/listen-error.js';
import type { ServerProblem } from '../../../../runtime/qmp/server/problem.js';
import { createQmpServer, type QmpServer } from '../../../../runtime/qmp/server/server.js';
import { type Base, type Node, visitBase, visitNode } from '../../visit/__golden__/index.js';

/** Commands as the generator writes them. */
interface Handlers {
  'get-node'(args: Base, context: CommandContext): Node | Promise<Node>;
  nothing(args: Record<string, never>, context: CommandContext): void | Promise<void>;
  urgent(args: Record<string, never>, context: CommandContext): void | Promise<void>;
  'no-reply'(args: Record<string, never>, context: CommandContext): void | Promise<void>;
  'x-old'(args: Record<string, never>, context: CommandContext): void | Promise<void>;
}

const empty = codec(visitEmpty);
const dispatch: CommandTable<Handlers> = new Map([
  [
    'get-node',
    {
      name: 'get-node',
      arguments: codec(visitBase),
      returns: codec(visitNode),
      call: (h: Handlers, a: unknown, c) => h['get-node'](a as Base, c),
    },
  ],
  [
    'nothing',
    {
      name: 'nothing',
      arguments: empty,
      allowPreconfig: true,
      call: (h: Handlers, _a: unknown, c) => h.nothing({}, c),
    },
  ],
  [
    'urgent',
    { name: 'urgent', arguments: empty, allowOob: true, call: (h: Handlers, _a: unknown, c) => h.urgent({}, c) },
  ],
  [
    'no-reply',
    {
      name: 'no-reply',
      arguments: empty,
      successResponse: false,
      call: (h: Handlers, _a: unknown, c) => h['no-reply']({}, c),
    },
  ],
  [
    'x-old',
    {
      name: 'x-old',
      arguments: empty,
      features: ['deprecated'],
      call: (h: Handlers, _a: unknown, c) => h['x-old']({}, c),
    },
  ],
]) as CommandTable<Handlers>;

let folder: string;
let path: string;
let server: QmpServer | undefined;
let problems: ServerProblem[];
const clients: Client[] = [];

const quiet = {
  'get-node': (args: Base): Node => ({ id: args.id, count: 2n ** 63n - 1n }),
  nothing: () => {},
  urgent: () => {},
  'no-reply': () => {},
  'x-old': () => {},
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qmp-'));
  path = join(folder, 'socket');
  problems = [];
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

async function start(options: Partial<Parameters<typeof createQmpServer<Handlers>>[0]> = {}): Promise<QmpServer> {
  server = await createQmpServer<Handlers>({
    dispatch,
    handlers: quiet,
    listen: { path },
    onProblem: (problem) => problems.push(problem),
    ...options,
  });
  return server;
}

/** A client that writes text and reads messages, a line each. */
class Client {
  readonly socket: Socket;
  readonly #lines: AsyncIterator<string>;

  constructor(socket: Socket = createConnection(path)) {
    this.socket = socket;
    socket.on('error', () => {});
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    clients.push(this);
  }

  async next(): Promise<Record<string, never>> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the connection was closed');
    return JSON.parse(value) as Record<string, never>;
  }

  send(...messages: (object | string)[]): void {
    this.socket.write(
      messages.map((message) => (typeof message === 'string' ? message : JSON.stringify(message))).join(''),
    );
  }

  async ask(message: object | string): Promise<Record<string, never>> {
    this.send(message);
    return this.next();
  }
}

async function connected(enable: string[] = []): Promise<Client> {
  const client = new Client();
  await client.next();
  expect(await client.ask({ execute: 'qmp_capabilities', arguments: { enable } })).toEqual({ return: {} });
  return client;
}

const failure = (kind: string, text = '') => ({ class: kind, desc: expect.stringContaining(text) });

describe('negotiation', () => {
  it('greets at once and knows one command until it has negotiated', async () => {
    await start({ version: { major: 7, minor: 2, micro: 1, package: 'p' } });
    const client = new Client();
    expect(await client.next()).toEqual({
      QMP: { version: { qemu: { major: 7, minor: 2, micro: 1 }, package: 'p' }, capabilities: ['oob'] },
    });
    expect(await client.ask({ execute: 'nothing' })).toEqual({ error: failure('CommandNotFound', 'qmp_capabilities') });
    expect(await client.ask({ execute: 'nothing', x: 1 })).toEqual({ error: failure('GenericError', "'x'") });
    expect(await client.ask({ execute: 'qmp_capabilities', arguments: { enable: ['x'] }, id: 1 })).toEqual({
      error: failure('GenericError', 'enable[0]'),
      id: 1,
    });
    expect(await client.ask({ execute: 'qmp_capabilities' })).toEqual({ return: {} });
    expect(await client.ask({ execute: 'qmp_capabilities' })).toEqual({ error: failure('CommandNotFound') });
    expect(await client.ask({ execute: 'qmp_capabilities', arguments: { x: 1 } })).toEqual({
      error: failure('GenericError'),
    });
  });

  it('keeps the mode of every client apart', async () => {
    const { events } = await start();
    const ready = await connected();
    const fresh = new Client();
    await fresh.next();
    events.emit('HAPPENED', { n: 1 });
    expect(await ready.next()).toMatchObject({ event: 'HAPPENED', data: { n: 1 } });
    expect(await fresh.ask({ execute: 'nothing' })).toEqual({ error: failure('CommandNotFound') });
  });
});

describe('requests', () => {
  it.each<[object | string, object]>([
    [
      { execute: 'nothing', id: { a: [null] } },
      { return: {}, id: { a: [null] } },
    ],
    [
      { execute: 'nothing', id: null },
      { return: {}, id: null },
    ],
    ["{'execute':'nothing'}", { return: {} }],
    [{ execute: 'get-node', arguments: { id: 'x' } }, { return: { id: 'x', count: 2 ** 63 } }],
    [
      { execute: 'get-node', arguments: { id: 5 }, id: 1 },
      { error: failure('GenericError', 'id'), id: 1 },
    ],
    [{ execute: 'get-node', arguments: { id: 'x', y: 1 } }, { error: failure('GenericError', 'y') }],
    [{ execute: 'nothing', arguments: { y: 1 } }, { error: failure('GenericError', 'y') }],
    [{ execute: 'nope', arguments: { x: 1 } }, { error: failure('CommandNotFound', "'nope'") }],
    [{ execute: 'toString' }, { error: failure('CommandNotFound', "'toString'") }],
    [{ execute: 5 }, { error: failure('GenericError', "'execute'") }],
    [{ id: 7 }, { error: failure('GenericError', "'execute'"), id: 7 }],
    [{ execute: 'nothing', arguments: null }, { error: failure('GenericError', "'arguments'") }],
    [{ execute: 'nothing', 'exec-oob': 'urgent' }, { error: failure('GenericError', "'exec-oob'") }],
    [[], { error: failure('GenericError', 'object') }],
    ['{"execute" "x"}', { error: failure('GenericError', 'JSON') }],
    [{ execute: 'query-version' }, { return: expect.objectContaining({ qemu: { major: 0, minor: 0, micro: 0 } }) }],
    [{ execute: 'query-qmp-schema' }, { return: [{ name: 'x', 'meta-type': 'event' }] }],
    [{ execute: 'query-version', arguments: { x: 1 } }, { error: failure('GenericError', 'x') }],
  ])('answers %j', async (request, reply) => {
    await start({ introspection: [{ name: 'x', 'meta-type': 'event' }] });
    const client = await connected();
    expect(await client.ask(request)).toEqual(reply);
    expect(await client.ask({ execute: 'nothing' })).toEqual({ return: {} });
  });

  it('lists its commands', async () => {
    await start();
    const client = await connected();
    const { return: commands } = await client.ask({ execute: 'query-commands' });
    expect(commands).toEqual(
      expect.arrayContaining([{ name: 'get-node' }, { name: 'qmp_capabilities' }, { name: 'quit' }]),
    );
  });

  it('answers pipelined requests in order, and nothing for a command without reply', async () => {
    await start();
    const client = await connected();
    client.send(
      { execute: 'nothing', id: 1 },
      '[',
      ']',
      { execute: 'no-reply', id: 2 },
      { execute: 'nope', id: 3 },
      { execute: 'nothing', id: 4 },
    );
    expect(
      [await client.next(), await client.next(), await client.next(), await client.next()].map((reply) => reply.id),
    ).toEqual([1, undefined, 3, 4]);
  });

  it('passes on what a handler tells the client, and hides what it does not', async () => {
    const secret = new Error('/etc/secret: no such key');
    await start({
      handlers: {
        ...quiet,
        nothing: () => {
          throw new QmpError('No such thing', { class: 'DeviceNotFound' });
        },
        urgent: async () => {
          throw secret;
        },
        'get-node': () => ({ id: 'x' }) as Node,
      },
    });
    const client = await connected();
    expect(await client.ask({ execute: 'nothing' })).toEqual({
      error: { class: 'DeviceNotFound', desc: 'No such thing' },
    });
    const reply = await client.ask({ execute: 'urgent' });
    expect(reply).toEqual({ error: failure('GenericError', 'urgent') });
    expect(JSON.stringify(reply)).not.toContain('secret');
    expect(problems).toEqual([{ kind: 'handler', command: 'urgent', error: secret }]);
    expect(await client.ask({ execute: 'get-node', arguments: { id: 'y' } })).toHaveProperty(
      'error.class',
      'GenericError',
    );
  });

  it('holds back what must wait for the machine, and what the policy rejects', async () => {
    const { completePreconfig } = await start({ preconfig: true, policy: { deprecatedInput: 'reject' } }).then(
      (started) => ({
        completePreconfig: () => started.completePreconfig(),
      }),
    );
    const client = await connected();
    expect(await client.ask({ execute: 'get-node', arguments: { id: 5 } })).toEqual({
      error: failure('GenericError', 'machine'),
    });
    expect(await client.ask({ execute: 'nothing' })).toEqual({ return: {} });
    expect(await client.ask({ execute: 'x-old', arguments: { x: 1 } })).toEqual({
      error: failure('CommandNotFound', 'deprecated'),
    });
    completePreconfig();
    expect(await client.ask({ execute: 'get-node', arguments: { id: 'x' } })).toHaveProperty('return');
  });
});

describe('order of execution', () => {
  /** Handlers of which `nothing` waits until it is let go. */
  function held() {
    const waiting: (() => void)[] = [];
    const handlers = { ...quiet, nothing: () => new Promise<void>((resolve) => waiting.push(resolve)) };
    const release = async () => {
      while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      waiting.shift()?.();
    };
    return { handlers, release, waiting };
  }

  it('lets out-of-band requests overtake, also wrong ones', async () => {
    const { handlers, release } = held();
    await start({ handlers });
    const client = await connected(['oob']);
    client.send(
      { execute: 'nothing', id: 1 },
      { 'exec-oob': 'urgent', id: 2 },
      { 'exec-oob': 'nope', id: 3 },
      { 'exec-oob': 'get-node', id: 4 },
      { 'exec-oob': 'urgent', arguments: { x: 1 }, id: 5 },
    );
    const replies = [await client.next(), await client.next(), await client.next(), await client.next()];
    expect(new Map(replies.map(({ id, error }) => [id, (error as { class: string } | undefined)?.class]))).toEqual(
      new Map<unknown, unknown>([
        [2, undefined],
        [3, 'CommandNotFound'],
        [4, 'GenericError'],
        [5, 'GenericError'],
      ]),
    );
    await release();
    expect(await client.next()).toEqual({ return: {}, id: 1 });
  });

  it('stops reading when eight requests wait', async () => {
    const { handlers, release } = held();
    await start({ handlers });
    const client = await connected(['oob']);
    client.send(...Array.from({ length: 9 }, (_, id) => ({ execute: 'nothing', id })), {
      'exec-oob': 'urgent',
      id: 'o',
    });
    await release();
    const replies = [await client.next(), await client.next()];
    expect(replies.map((reply) => reply.id)).toEqual(expect.arrayContaining([0, 'o']));
    expect(replies[0]?.id).toBe(0);
    for (let id = 1; id < 9; id++) await release();
    for (let id = 1; id < 9; id++) expect((await client.next()).id).toBe(id);
  });

  it('executes one in-band request at a time over all clients, in turns', async () => {
    const order: string[] = [];
    let running = 0;
    const handlers = {
      ...quiet,
      'get-node': async ({ id }: Base) => {
        expect(++running).toBe(1);
        order.push(id);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running--;
        return { id, count: 0 };
      },
    };
    await start({ handlers });
    const [a, b] = [await connected(['oob']), await connected(['oob'])];
    const requests = (who: string) => [1, 2, 3].map((n) => ({ execute: 'get-node', arguments: { id: `${who}${n}` } }));
    a.send(...requests('a'));
    b.send(...requests('b'));
    for (let n = 0; n < 3; n++) await Promise.all([a.next(), b.next()]);
    expect(order.filter((id) => id.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
    expect(order.slice(0, 4).some((id) => id.startsWith('b'))).toBe(true);
  });

  it('tells a handler that its client is gone, drops what waits and serves others', async () => {
    const signals: AbortSignal[] = [];
    const calls: string[] = [];
    const { handlers, release } = held();
    await start({
      linger: 20,
      handlers: {
        ...handlers,
        nothing: (_args: Record<string, never>, context: CommandContext) => {
          signals.push(context.signal);
          return handlers.nothing();
        },
        urgent: () => void calls.push('urgent'),
      },
    });
    const client = await connected(['oob']);
    client.send({ execute: 'nothing' }, { execute: 'urgent' });
    while (signals.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    client.socket.destroy();
    while (!signals[0]?.aborted) await new Promise((resolve) => setTimeout(resolve, 1));
    await release();
    const next = await connected();
    expect(await next.ask({ execute: 'get-node', arguments: { id: 'x' } })).toHaveProperty('return');
    expect(calls).toEqual([]);
  });

  it('answers what a client sent before it closed its side', async () => {
    await start();
    const client = await connected();
    client.send({ execute: 'get-node', arguments: { id: 'x' }, id: 1 });
    client.socket.end();
    expect(await client.next()).toHaveProperty('id', 1);
    await expect(client.next()).rejects.toThrow('closed');
  });
});

describe('events', () => {
  it('limits their rate by kind, keeps the last and the time when it happened', async () => {
    const { events } = await start({ rateLimits: { BAD: { window: 50, by: 'node' } } });
    const client = await connected();
    for (const n of [1, 2, 3]) events.emit('BAD', { node: 'a', n });
    events.emit('BAD', { node: 'b', n: 4 });
    events.emit('GOOD', { n: 5 });
    const order = [];
    for (let i = 0; i < 4; i++) order.push(await client.next());
    expect(order.map((event) => (event.data as unknown as { n: number }).n)).toEqual([1, 4, 5, 3]);
    const [times, late] = [order[2]?.timestamp, order[3]?.timestamp] as unknown as {
      seconds: number;
      microseconds: number;
    }[];
    expect((late as { seconds: number }).seconds).toBeLessThanOrEqual((times as { seconds: number }).seconds);
  });

  it('sends none that the policy hides', async () => {
    const { events } = await start({ policy: { deprecatedOutput: 'hide' } });
    const client = await connected();
    events.emit('OLD', undefined, ['deprecated']);
    events.emit('NEW');
    expect(await client.next()).toMatchObject({ event: 'NEW' });
  });

  it('disconnects a client that does not read, and says so to the operator', async () => {
    const { events } = await start({ maxBuffered: 1 << 20 });
    const client = await connected();
    client.socket.pause();
    const data = { text: 'x'.repeat(100_000) };
    for (let n = 0; n < 200 && problems.length === 0; n++) {
      events.emit('BIG', data);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(problems).toEqual([{ kind: 'client', message: expect.stringContaining('does not read') }]);
  });
});

describe('listening', () => {
  it('makes a socket for this user only, and removes it', async () => {
    const { close } = await start().then((started) => ({ close: () => started.close() }));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await close();
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  it('replaces a stale socket, and nothing else', async () => {
    const { spawnSync } = await import('node:child_process');
    // A process that is killed leaves its socket behind.
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    await start();
    await expect(createQmpServer<Handlers>({ dispatch, handlers: quiet, listen: { path } })).rejects.toThrow(
      /another process/,
    );
    const file = join(folder, 'file');
    await writeFile(file, 'precious');
    await expect(createQmpServer<Handlers>({ dispatch, handlers: quiet, listen: `unix:${file}` })).rejects.toThrow(
      ListenError,
    );
    await symlink(file, join(folder, 'link'));
    await expect(
      createQmpServer<Handlers>({ dispatch, handlers: quiet, listen: `unix:${join(folder, 'link')}` }),
    ).rejects.toThrow(/no socket/);
  });

  it('replaces the socket of a process that has just ended, which may still take connections', async () => {
    // As when io_uring lets go of it late: what connects meanwhile is cut off.
    const ending = createServer((socket) => {
      socket.destroy();
      ending.close();
    });
    await new Promise<void>((listening) => ending.listen(path, listening));
    await start();
    expect((await stat(path)).isSocket()).toBe(true);
  });

  it('answers a client that has said all it wants, also when that takes time', async () => {
    await start({ handlers: { ...quiet, nothing: () => new Promise<void>((resolve) => setTimeout(resolve, 20)) } });
    const socket = createConnection({ path, allowHalfOpen: true });
    socket.end('{"execute": "qmp_capabilities"} {"execute": "nothing", "id": 1} {"execute": "nothing", "id": 2}');
    const lines: string[] = [];
    for await (const line of createInterface(socket)) lines.push(line);
    expect(lines.slice(1)).toEqual(['{"return": {}}', '{"return": {}, "id": 1}', '{"return": {}, "id": 2}']);
    expect(server?.clients).toBe(0);
  });

  it('takes TCP clients on the loopback interface only', async () => {
    const { addresses } = await start({ listen: 'tcp::0' });
    const port = Number(addresses[0]?.split(':').at(-1));
    const client = new Client(createConnection({ host: 'localhost', port }));
    expect(await client.next()).toHaveProperty('QMP');
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, 'localhost', resolve));
    const { port: used } = taken.address() as { port: number };
    await expect(server?.listen(`tcp:localhost:${used}`)).rejects.toThrow(
      'Failed to find an available port: Address already in use',
    );
    taken.close();
  });

  it.each(['unix:', 'tcp:x', 'tcp:localhost:99999', 'nonsense'])('refuses %j', async (address) => {
    await expect(start({ listen: address as 'stdio' })).rejects.toThrow(ListenError);
  });

  it('ends by quit: answers it, and nothing after it', async () => {
    const { closed } = await start().then((started) => ({ closed: started.closed }));
    const client = await connected(['oob']);
    client.send({ execute: 'quit', id: 1 }, { execute: 'nothing', id: 2 });
    expect(await client.next()).toEqual({ return: {}, id: 1 });
    await expect(client.next()).rejects.toThrow('closed');
    await closed;
  });
});

it('wants every handler, of the right type, but for the built-in commands', () => {
  const check = (_options: Parameters<typeof createQmpServer<Handlers & { quit(): void }>>[0]): void => {};
  check({ dispatch: dispatch as never, handlers: quiet });
  // @ts-expect-error a handler is missing
  check({ dispatch: dispatch as never, handlers: { nothing: () => {} } });
  // @ts-expect-error a handler returns the wrong type
  check({ dispatch: dispatch as never, handlers: { ...quiet, 'get-node': () => 5 } });
});

describe('a server that has handlers of some commands', () => {
  it('reports the other commands as not found, like unknown ones', async () => {
    server = await createQmpServer<Handlers>({
      dispatch,
      partial: true,
      handlers: { nothing() {} },
      listen: { path },
    });
    const client = await connected();
    expect(await client.ask({ execute: 'nothing' })).toEqual({ return: {} });
    for (const execute of ['get-node', 'no-such', 'toString']) {
      expect(await client.ask({ execute })).toMatchObject({ error: { class: 'CommandNotFound' } });
    }
    const listed = await client.ask({ execute: 'query-commands' });
    expect(listed).toMatchObject({ return: expect.arrayContaining([{ name: 'nothing' }, { name: 'quit' }]) });
    expect(listed).not.toMatchObject({ return: expect.arrayContaining([{ name: 'get-node' }]) });
  });

  it('the types allow handlers of some commands only', () => {
    const check = (_options: Parameters<typeof createQmpServer<Handlers>>[0]): void => {};
    check({ dispatch, partial: true, handlers: () => ({ nothing: () => {} }) });
    // @ts-expect-error a handler returns the wrong type
    check({ dispatch, partial: true, handlers: { 'get-node': () => 5 } });
    // @ts-expect-error no such command
    check({ dispatch, partial: true, handlers: { 'put-node': () => {} } });
  });
});

it('writes an unexpected error to the standard error when there is no listener for problems', async () => {
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  onTestFinished(() => void vi.restoreAllMocks());
  const fails = (): never => {
    throw new RangeError('of our own');
  };
  server = await createQmpServer<Handlers>({ dispatch, handlers: { ...quiet, nothing: fails }, listen: { path } });
  const client = await connected();
  expect(await client.ask({ execute: 'nothing' })).toMatchObject({ error: { class: 'GenericError' } });
  expect(written.join('')).toMatch(/^The handler of 'nothing' failed: RangeError: of our own\n {4}at /);
});
