import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { connectAgent } from '../../../../runtime/qmp/agent.js';
import { QmpError } from '../../../../runtime/qmp/error.js';
import { type AgentServerOptions, createAgentServer } from '../../../../runtime/qmp/server/agent-server.js';
import type { ServerProblem } from '../../../../runtime/qmp/server/problem.js';
import { type EchoHandlers, echoCommands } from './echo.js';

/** A server that plays an agent, and where it listens. */
async function playing(options: Partial<AgentServerOptions<EchoHandlers>> = {}): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-agent-'));
  const path = join(folder, 'qga.sock');
  const server = await createAgentServer<EchoHandlers>({
    dispatch: echoCommands,
    handlers: {},
    ...options,
    listen: { path },
  });
  onTestFinished(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });
  return path;
}

async function raw(path: string): Promise<{ socket: Socket; text: () => string }> {
  const socket = connect(path);
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, text: () => text };
}

describe('a server that plays a guest agent', () => {
  test('says nothing first, marks the reply that is to be marked, and complains of a byte that is no JSON', async () => {
    const { socket, text } = await raw(await playing());
    socket.write(Buffer.from('\xff{"execute": "guest-sync-delimited", "arguments": {"id": 5}}', 'latin1'));
    socket.write('{"execute": "guest-ping", "id": 1}{"execute": "guest-sync", "arguments": {"id": "x"}}');
    socket.write('{"execute": "qmp_capabilities"}{"exec-oob": "guest-ping"}');
    await vi.waitFor(() => expect(text().split('\n')).toHaveLength(7));
    const [stray, mark, ping, sync, capabilities, oob] = text().split('\n') as string[];
    expect(JSON.parse(stray as string)).toMatchObject({ error: { class: 'GenericError' } });
    expect(mark).toBe('\xff{"return": 5}');
    expect(ping).toBe('{"return": {}, "id": 1}');
    expect(JSON.parse(sync as string)).toMatchObject({ error: { class: 'GenericError', desc: /id/ } });
    expect(JSON.parse(capabilities as string)).toMatchObject({ error: { class: 'CommandNotFound' } });
    expect(JSON.parse(oob as string)).toMatchObject({ error: { class: 'GenericError' } });
  });

  test('executes the commands that have handlers, disables the others, and tells which is which', async () => {
    const path = await playing({ version: '9.9', handlers: { echo: (args) => args } });
    await using agent = await connectAgent(path);
    expect(await agent.execute('echo', { value: [1] })).toEqual({ value: [1] });
    const info = (await agent.execute('guest-info')) as {
      version: string;
      supported_commands: { name: string; enabled: boolean }[];
    };
    expect(info.version).toBe('9.9');
    const enabled = info.supported_commands.filter((command) => command.enabled).map(({ name }) => name);
    expect(enabled).toEqual(['guest-sync', 'guest-sync-delimited', 'guest-ping', 'guest-info', 'echo']);
    const [disabled] = info.supported_commands.filter((command) => !command.enabled);
    await expect(agent.execute(disabled?.name as string)).rejects.toMatchObject({ class: 'CommandNotFound' });
  });

  test('keeps what a client need not know to itself, and gives it to the operator', async () => {
    const problems: ServerProblem[] = [];
    const handlers = {
      echo: () => {
        throw new Error('of our own');
      },
    };
    await using agent = await connectAgent(
      await playing({ handlers, onProblem: (problem) => void problems.push(problem) }),
    );
    await expect(agent.execute('echo', { value: 1 })).rejects.toThrow(QmpError);
    await expect(agent.execute('echo', { value: 1 })).rejects.toThrow(/failed unexpectedly/);
    expect(problems).toMatchObject([{ kind: 'handler', command: 'echo' }, { kind: 'handler' }]);
  });
});
