import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CommandTable } from '../../runtime/qmp/command-table.js';
import { createAgentServer } from '../../runtime/qmp/server/agent-server.js';
import { codec } from '../../runtime/visit/codec.js';
import { visitAny, visitEmpty } from '../../runtime/visit/scalars.js';
import { folderWith, qapiTs } from './command-line.js';

const schema = `
  { 'struct': 'HostName', 'data': { 'host-name': 'str' } }
  { 'struct': 'Info', 'data': { 'version': 'str', 'supported_commands': [ 'CommandInfo' ] } }
  { 'struct': 'CommandInfo', 'data': { 'name': 'str', 'enabled': 'bool', 'success-response': 'bool' } }
  { 'command': 'guest-sync', 'data': { 'id': 'int' }, 'returns': 'int' }
  { 'command': 'guest-sync-delimited', 'data': { 'id': 'int' }, 'returns': 'int' }
  { 'command': 'guest-ping' }
  { 'command': 'guest-info', 'returns': 'Info' }
  { 'command': 'guest-get-host-name', 'returns': 'HostName' }
  { 'command': 'guest-set-time', 'data': { '*time': 'int' } }
  { 'command': 'guest-shutdown', 'success-response': false }`;
const pragma = `{ 'pragma': { 'command-returns-exceptions': [ 'guest-sync', 'guest-sync-delimited' ] } }`;

/** How commands of a table that is not generated are called. */
type Handlers = Record<string, () => unknown>;

const entry = (name: string, more: object = {}) => ({
  name,
  arguments: codec(visitEmpty),
  call: (handlers: Handlers) => handlers[name]?.(),
  ...more,
});

/** An agent that has the commands of the schema, one of which is disabled; and what deviates. */
async function agent(hostName: unknown = { 'host-name': 'vm' }, extra: string[] = []): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-agent-'));
  const path = join(folder, 'qga.sock');
  const commands = [
    entry('guest-get-host-name', { returns: codec(visitAny) }),
    entry('guest-set-time', { arguments: codec(visitAny) }),
    entry('guest-shutdown', { successResponse: false }),
    ...extra.map((name) => entry(name)),
  ];
  const server = await createAgentServer<Handlers>({
    dispatch: new Map(commands.map((command) => [command.name, command])) as unknown as CommandTable<Handlers>,
    handlers: {
      'guest-get-host-name': () => hostName,
      'guest-shutdown': () => undefined,
      ...Object.fromEntries(extra.map((name) => [name, () => undefined])),
    },
    version: '9.1.2',
    listen: { path },
  });
  onTestFinished(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });
  return path;
}

const files = { 'qga.json': `${pragma}\n${schema}` };

describe('shell --agent', () => {
  test('executes commands of a guest agent, with the schema by key=value', async () => {
    const cwd = folderWith(files);
    const lines = ['-x', 'guest-get-host-name', '-x', 'guest-sync id=7', '-x', 'guest-shutdown'];
    const ran = await qapiTs(['shell', '--agent', await agent(), '--schema', 'qga.json', ...lines], { cwd });
    expect(ran).toEqual({ code: 0, stdout: '{"host-name":"vm"}\n7\n{}\n', stderr: '' });
  });

  test('does without a schema, and stops at the first command that fails', async () => {
    const ran = await qapiTs([
      'shell',
      '--agent',
      await agent(),
      '-x',
      'guest-ping',
      '-x',
      'guest-set-time',
      '-x',
      'x',
    ]);
    expect(ran).toMatchObject({ code: 1, stdout: '{}\n' });
    expect(ran.stderr).toMatch(/^error: CommandNotFound: .*\nin: guest-set-time\n$/);
  });

  test('says so when no agent is there', async () => {
    const { code, stderr } = await qapiTs(['shell', '--agent', '/no/such.sock', '-x', 'guest-ping']);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^error: cannot connect to \/no\/such/),
    });
  });
});

describe('conformance --agent', () => {
  async function check(path: string) {
    const args = ['conformance', '--agent', path, '--schema', 'qga.json', '--format', 'json'];
    const { code, stdout, stderr } = await qapiTs(args, { cwd: folderWith(files) });
    expect(stderr).toBe('');
    const report = JSON.parse(stdout) as { program: string; checks: { problems: string[] }[] };
    return { code, program: report.program, problems: report.checks.flatMap(({ problems }) => problems) };
  }

  test('finds nothing wrong with an agent that is as its schema says', async () => {
    const path = await agent();
    expect(await check(path)).toEqual({ code: 0, program: `QEMU guest agent 9.1.2 at ${path}`, problems: [] });
  });

  test('finds a result of the wrong type, and a command that the schema lacks', async () => {
    const { code, problems } = await check(await agent({ 'host-name': 5 }, ['guest-extra']));
    expect(code).toBe(1);
    expect(problems).toEqual([
      'guest-extra: the schema lacks it',
      expect.stringMatching(/^guest-get-host-name\.returns: .*host-name/),
    ]);
  });
});

describe('generate --agent', () => {
  const generate = (cwd: string, ...args: string[]) => qapiTs(['generate', '-o', 'out', ...args], { cwd });

  test('takes the commands that the agent has of the schema, and names what the schema lacks', async () => {
    const cwd = folderWith(files);
    const from = await agent(undefined, ['guest-extra']);
    const { code, stderr } = await generate(cwd, 'qga.json', '--agent', '--from', from);
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'note: the agent has what the schema lacks: guest-extra\n' });
    const commands = readFileSync(join(cwd, 'out/qga/client.ts'), 'utf8');
    expect(commands).toContain("'guest-get-host-name':");
    expect(commands).not.toContain("'guest-set-time':");
  });

  test.each([
    [['qga.json', '--agent'], '--agent says what the program of --from is: give both'],
    [['qga.json', '--agent', '--from', 'x', '--watch'], '--agent and --watch exclude each other'],
  ])('refuses %j', async (args, complaint) => {
    const { code, stderr } = await generate(folderWith(files), ...args);
    expect({ code, stderr }).toEqual({ code: 1, stderr: `error: ${complaint}\n` });
  });
});
