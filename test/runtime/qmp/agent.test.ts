import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { JsonObject } from '../../../runtime/json/value.js';
import { type AgentClient, connectAgent } from '../../../runtime/qmp/agent.js';
import { AgentReader } from '../../../runtime/qmp/agent-reader.js';
import type { ConnectOptions } from '../../../runtime/qmp/client-options.js';
import { QmpError } from '../../../runtime/qmp/error.js';
import { QmpConnectionError, QmpTimeoutError } from '../../../runtime/qmp/failure.js';
import { guestExec } from '../../../runtime/qmp/guest-exec.js';
import type { QmpOddity } from '../../../runtime/qmp/link.js';
import { backOff } from '../../../runtime/qmp/reconnect.js';
import { FakeAgent } from './fake-agent.js';
import { GREETING } from './fake-server.js';

const failure = (desc: string, kind = 'GenericError') => ({ error: { class: kind, desc } });
const silent = () => undefined;
const echo = ({ execute }: JsonObject) => ({ return: execute ?? null });

async function connected(agent: FakeAgent, options: ConnectOptions = {}): Promise<AgentClient> {
  const client = await connectAgent(agent.peer, options);
  onTestFinished(() => client.close());
  return client;
}

describe('connecting to a guest agent', () => {
  test('skips what an earlier client has left, and does not lose the reply behind an unfinished one', async () => {
    const agent = new FakeAgent(echo);
    agent.send({ return: 'stale' });
    agent.bytes('{"return": {"pid": 12, "text": "unfinis');
    const oddities: QmpOddity[] = [];
    const client = await connected(agent, { onOddity: (oddity) => oddities.push(oddity) });
    expect(await client.execute('guest-ping')).toBe('guest-ping');
    expect(agent.marks).toBe(1);
    expect(agent.requests).toEqual([{ execute: 'guest-ping' }]);
    expect(oddities.map(({ kind }) => kind)).toContain('unsolicited-reply');
  });

  test('waits for an agent that starts late, whose reply to each question it can tell apart', async () => {
    const agent = new FakeAgent(echo);
    agent.sleep();
    const connecting = connected(agent);
    await new Promise((resolve) => setTimeout(resolve, 1700));
    agent.wake();
    const client = await connecting;
    expect(agent.marks).toBe(3);
    expect(await client.execute('guest-ping')).toBe('guest-ping');
  });

  test('asks again when the question is lost', async () => {
    const agent = new FakeAgent(echo);
    agent.sleep();
    const connecting = connected(agent);
    await new Promise((resolve) => setTimeout(resolve, 100));
    agent.forget();
    agent.wake();
    expect(await (await connecting).execute('guest-ping')).toBe('guest-ping');
    expect(agent.marks).toBe(1);
  });

  test('gives up an agent that does not answer, with a guess why', async () => {
    const agent = new FakeAgent();
    agent.sleep();
    await expect(connectAgent(agent.peer, { connectTimeout: 20 })).rejects.toThrow(
      new QmpTimeoutError(
        'the peer: no guest agent answered; it may not run in the guest yet, or be busy, within 20 ms',
      ),
    );
  });

  test('says so when a QMP server is there instead', async () => {
    const server = new FakeAgent();
    server.send(GREETING);
    await expect(connectAgent(server.peer)).rejects.toThrow(
      new QmpConnectionError('the peer is a QMP server and no guest agent: use connect'),
    );
  });

  test('says so when the agent is forbidden to be synchronized with', async () => {
    const agent = new FakeAgent((_, from) => {
      from.send(failure('Command guest-sync-delimited has been disabled', 'CommandNotFound'));
      return 'no mark';
    });
    await expect(connectAgent(agent.peer)).rejects.toThrow(
      'the peer cannot be synchronized with: Command guest-sync-delimited has been disabled',
    );
  });

  test('connects again with a channel that is clean', async () => {
    const agents = [new FakeAgent(silent), new FakeAgent(echo)];
    const [first] = agents as [FakeAgent, FakeAgent];
    await using client = await connectAgent(() => (agents.shift() as FakeAgent).peer, {
      reconnect: backOff({ initialDelay: 1 }),
    });
    const lost = client.execute('guest-fsfreeze-freeze');
    await vi.waitFor(() => expect(first.requests).toHaveLength(1));
    first.end();
    await expect(lost).rejects.toThrow(
      'before guest-fsfreeze-freeze was answered; whether it was carried out is unknown',
    );
    expect(await client.execute('guest-ping')).toBe('guest-ping');
  });
});

describe('commands of a guest agent', () => {
  test('go one at a time, without ids, and get the replies in order', async () => {
    const agent = new FakeAgent(silent);
    const client = await connected(agent);
    const replies = ['a', 'b', 'c'].map((name) => client.execute(name));
    for (const [index, value] of [1, 2, 3].entries()) {
      await vi.waitFor(() => expect(agent.requests).toHaveLength(index + 1));
      await new Promise(setImmediate);
      expect(agent.requests).toHaveLength(index + 1);
      agent.send({ return: value });
    }
    expect(await Promise.all(replies)).toEqual([1, 2, 3]);
    expect(agent.requests).toEqual([{ execute: 'a' }, { execute: 'b' }, { execute: 'c' }]);
  });

  test('rejects a refused command with class and description', async () => {
    const client = await connected(new FakeAgent(() => failure('disabled', 'CommandNotFound')));
    await expect(client.execute('guest-exec')).rejects.toEqual(
      new QmpError('disabled', { class: 'CommandNotFound', command: 'guest-exec' }),
    );
  });

  test('a command that timed out leaves no reply for the next one', async () => {
    const agent = new FakeAgent((request, from) => {
      if (request.execute !== 'slow') return echo(request);
      from.sleep();
      return undefined;
    });
    const client = await connected(agent);
    await expect(client.execute('slow', undefined, { timeout: 20 })).rejects.toBeInstanceOf(QmpTimeoutError);
    const next = client.execute('next');
    await new Promise(setImmediate);
    agent.send({ return: 'late reply of the slow one' });
    agent.wake();
    expect(await next).toBe('next');
  });

  test('whose reply cannot be read fail, and the next one is answered', async () => {
    const agent = new FakeAgent((request, from) => {
      if (request.execute !== 'odd') return echo(request);
      from.bytes('no JSON at all\n');
      return undefined;
    });
    const client = await connected(agent);
    await expect(client.execute('odd')).rejects.toThrow('the reply to odd could not be read');
    expect(await client.execute('next')).toBe('next');
  });

  test('refuses arguments that JSON cannot hold before they are sent', async () => {
    const agent = new FakeAgent(echo);
    const client = await connected(agent);
    await expect(client.execute('x', { n: Number.NaN })).rejects.toThrow(TypeError);
    expect(await client.execute('y')).toBe('y');
  });

  test.each([
    '{"return": 1, "id": 7}\n',
    '\xff{"return": 99}\n',
    '{"return": 1}\n',
    '{"event": "X"}\n',
    '[1]\n',
    '\xff\xff',
  ])('returns the reply although the agent sends %j before it', async (noise) => {
    const agent = new FakeAgent(echo);
    const client = await connected(agent);
    agent.bytes(noise);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await client.execute('guest-ping')).toBe('guest-ping');
  });
});

describe('a command whose success is not answered', () => {
  test('resolves when the agent answers the next request', async () => {
    const agent = new FakeAgent((request) => (request.execute === 'guest-suspend-ram' ? undefined : echo(request)));
    const client = await connected(agent);
    expect(await client.execute('guest-suspend-ram')).toEqual({});
    expect(await client.execute('guest-ping')).toBe('guest-ping');
    expect(agent.marks).toBe(2);
  });

  test('resolves when the agent is gone', async () => {
    const agent = new FakeAgent(({ execute }, from) => {
      if (execute === 'guest-shutdown') {
        from.sleep();
        from.end();
      }
      return undefined;
    });
    const client = await connected(agent);
    expect(await client.execute('guest-shutdown', { mode: 'powerdown' })).toEqual({});
    expect(await client.closed).toBeInstanceOf(QmpConnectionError);
  });

  test('resolves when the agent sends nothing for a while', async () => {
    const agent = new FakeAgent((_, from) => {
      if (from.requests.length === 1) from.sleep();
      return undefined;
    });
    const client = await connected(agent);
    expect(await client.execute('guest-shutdown')).toEqual({});
  });

  test('rejects when the agent refuses the command', async () => {
    const agent = new FakeAgent((request) =>
      request.execute === 'guest-shutdown' ? failure('not permitted') : echo(request),
    );
    const client = await connected(agent);
    await expect(client.execute('guest-shutdown')).rejects.toThrow('not permitted');
    expect(await client.execute('guest-ping')).toBe('guest-ping');
  });
});

describe('guestExec', () => {
  const exited = { exited: true, exitcode: 3, 'out-data': 'aGk=', 'err-truncated': true };

  test('starts a program, waits for its end and decodes what it wrote', async () => {
    let asked = 0;
    const agent = new FakeAgent(({ execute }) => {
      if (execute === 'guest-exec') return { return: { pid: 7 } };
      return { return: asked++ < 3 ? { exited: false } : exited };
    });
    const client = await connected(agent);
    const result = await guestExec(client, 'sh', ['-c', 'x'], { input: 'ü', env: { A: 'b' } });
    expect(result).toEqual({
      exitCode: 3,
      signal: undefined,
      stdout: Buffer.from('hi'),
      stderr: Buffer.alloc(0),
      truncated: true,
    });
    expect(agent.requests[0]?.arguments).toEqual({
      path: 'sh',
      arg: ['-c', 'x'],
      'capture-output': true,
      env: ['A=b'],
      'input-data': 'w7w=',
    });
    expect(agent.requests[1]).toEqual({ execute: 'guest-exec-status', arguments: { pid: 7 } });
  });

  test('does not wait longer than it may', async () => {
    const agent = new FakeAgent(({ execute }) => ({
      return: execute === 'guest-exec' ? { pid: 7 } : { exited: false },
    }));
    const client = await connected(agent);
    await expect(guestExec(client, 'sleep', ['9'], { timeout: 50 })).rejects.toThrow('sleep did not end within 50 ms');
    await expect(guestExec(client, 'x', [], { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
  });
});

test.each([1, 2, 3, 1000])('an agent is read in pieces of %d bytes, and each mark ends what was begun', (size) => {
  const reader = new AgentReader({ nesting: 10, text: 1000 });
  const bytes = Buffer.from('{"return": 1}\n{"ret\xff{"return": 2}\n\xff\xff{"return": 3}\n{"return": 4}', 'latin1');
  const found: unknown[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    reader.push(bytes.subarray(at, at + size));
    for (let next = reader.next(); next; next = reader.next()) {
      found.push([(next.incoming.value as JsonObject | undefined)?.return, next.marked]);
    }
  }
  expect(found).toEqual([
    [1, false],
    [2, true],
    [3, true],
    [4, false],
  ]);
});
