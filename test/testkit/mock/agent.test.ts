import { connect as connectSocket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { generate } from '../../../generator/emit/generate.js';
import { loadSchema } from '../../../generator/schema/load.js';
import type { JsonObject } from '../../../runtime/json/value.js';
import { type AgentClient, connectAgent } from '../../../runtime/qmp/agent.js';
import type { ConnectOptions } from '../../../runtime/qmp/client-options.js';
import { guestExec } from '../../../runtime/qmp/guest-exec.js';
import { type MockAgent, type MockAgentOptions, mockAgent, Values } from '../../../testkit/index.js';
import { schemaOf } from '../../cli/serve/serve.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';
import { compileGenerated } from '../../generator/emit/compile.js';

const schema = await schemaOf(`
  { 'pragma': { 'command-returns-exceptions': [ 'guest-sync', 'guest-sync-delimited', 'guest-fsfreeze-freeze' ] } }
  { 'struct': 'HostName', 'data': { 'host-name': 'str' } }
  { 'struct': 'Exec', 'data': { 'pid': 'int' } }
  { 'struct': 'ExecStatus', 'data': { 'exited': 'bool', '*exitcode': 'int', '*out-data': 'str' } }
  { 'command': 'guest-sync', 'data': { 'id': 'int' }, 'returns': 'int' }
  { 'command': 'guest-sync-delimited', 'data': { 'id': 'int' }, 'returns': 'int' }
  { 'command': 'guest-ping' }
  { 'command': 'guest-get-host-name', 'returns': 'HostName' }
  { 'command': 'guest-fsfreeze-freeze', 'returns': 'int' }
  { 'command': 'guest-exec', 'data': { 'path': 'str', '*arg': [ 'str' ], '*capture-output': 'bool' }, 'returns': 'Exec' }
  { 'command': 'guest-exec-status', 'data': { 'pid': 'int' }, 'returns': 'ExecStatus' }
  { 'command': 'guest-shutdown', 'data': { '*mode': 'str' }, 'success-response': false }`);

interface Handlers {
  'guest-get-host-name': () => { 'host-name': string };
  [command: string]: (...args: never[]) => unknown;
}

async function both(
  options: MockAgentOptions<Handlers> = {},
  connecting: ConnectOptions = {},
): Promise<[MockAgent<Handlers>, AgentClient]> {
  const mock = await mockAgent<Handlers>(schema, options);
  onTestFinished(() => mock.close());
  const agent = await connectAgent(mock.address, connecting);
  onTestFinished(() => agent.close());
  return [mock, agent];
}

test('a mock of an agent says nothing first, and marks the reply that a client waits for', async () => {
  const [mock] = await both();
  const socket = connectSocket(mock.path);
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.write(
    Buffer.from('\xff{"execute":"guest-sync-delimited","arguments":{"id":7}}{"execute":"guest-ping"}', 'latin1'),
  );
  await expect.poll(() => text.split('\n')).toHaveLength(4);
  expect(text).toMatch(/^\{"error": .*\}\n\xff\{"return": 7\}\n\{"return": \{\}\}\n$/);
});

test('a mock of an agent answers by its schema, by handlers, and by what the test expects', async () => {
  const [mock, agent] = await both({
    handlers: { 'guest-get-host-name': () => ({ 'host-name': 'vm' }) },
    version: '9.1',
  });
  mock.expect('guest-fsfreeze-freeze').replyError('GenericError', 'frozen already');
  mock.expect('guest-ping');
  mock.expect('guest-exec', { path: 'ls' });
  expect(await agent.execute('guest-get-host-name')).toEqual({ 'host-name': 'vm' });
  await expect(agent.execute('guest-fsfreeze-freeze')).rejects.toThrow('frozen already');
  expect(await agent.execute('guest-fsfreeze-freeze')).toBe(1);
  expect(await guestExec(agent, 'ls')).toMatchObject({ exitCode: 0, signal: undefined });
  await expect(agent.execute('guest-exec', { path: 1 })).rejects.toThrow(/path/);
  expect(await agent.execute('guest-info')).toMatchObject({ version: '9.1' });
  expect(() => mock.verify()).toThrow(/guest-ping: expected once, and came never/);
  await agent.execute('guest-ping');
  mock.verify();
  expect(mock.unhandled).toEqual(['guest-fsfreeze-freeze', 'guest-exec-status']);
});

test('a mock of an agent does not answer the success of a command without a response', async () => {
  const [mock, agent] = await both();
  mock.expect('guest-shutdown', { mode: 'reboot' });
  mock.expect('guest-shutdown').replyError('GenericError', 'not now');
  expect(await agent.execute('guest-shutdown', { mode: 'reboot' })).toEqual({});
  await expect(agent.execute('guest-shutdown')).rejects.toThrow('not now');
  mock.verify();
});

test('a mock of an agent refuses what its administrator has disabled', async () => {
  const [, agent] = await both({ disabled: ['guest-exec'] });
  await expect(agent.execute('guest-exec', { path: 'ls' })).rejects.toMatchObject({ class: 'CommandNotFound' });
  const { supported_commands: commands } = (await agent.execute('guest-info')) as { supported_commands: JsonObject[] };
  expect(commands.filter(({ enabled }) => enabled === false)).toMatchObject([{ name: 'guest-exec' }]);
  await expect(mockAgent(schema, { disabled: ['guest-exek'] })).rejects.toThrow(
    "the schema has no command 'guest-exek'",
  );
});

test('a client finds its place behind what is left of an earlier one, and in a slow channel', async () => {
  const stale = '{"return": 12}\r\n{"ret\xff{"return": 4}\n';
  const [mock, agent] = await both({ stale, split: 3 }, { connectTimeout: 10_000 });
  mock.expect('guest-get-host-name').stall();
  mock.expect('guest-get-host-name').split(2, 1);
  await expect(agent.execute('guest-get-host-name', undefined, { timeout: 100 })).rejects.toThrow(/not answered/);
  const again = await connectAgent(mock.address);
  onTestFinished(() => again.close());
  expect(await again.execute('guest-get-host-name')).toEqual({ 'host-name': 'host-name0' });
  mock.verify();
});

test('what an agent does not have can be neither expected nor changed', async () => {
  const [mock] = await both();
  expect(() => mock.expect('guest-sync')).toThrow('guest-sync begins the conversation, and is not counted');
  expect(() => mock.when('guest-ping').reply()).toThrow(/the server itself executes guest-ping/);
  expect(() => mock.when('guest-exec').thenEmit('X')).toThrow("the schema has no event 'X'");
  expect(() => mock.when('guest-exec').job({})).toThrow('guest-exec starts no job');
});

describeWithCorpus("a mock of QEMU's agents", 'releases', () => {
  const releases = ['2.8-dev', '6.0', '7.2', '9.0-rc', '10.1', '11.1'];

  test.each(releases)(
    'the agent of %s answers all its commands',
    async (release) => {
      const loaded = await loadSchema(corpusPath('releases', release, 'qga/qapi-schema.json'), { advice: false });
      if (!loaded.schema) throw new Error('the schema has errors');
      await using mock = await mockAgent(loaded.schema);
      await using agent = await connectAgent(mock.address);
      const values = new Values();
      let answered = 0;
      for (const definition of loaded.schema.definitions) {
        if (definition.kind !== 'command') continue;
        // A suspended or halted guest is waited for.
        if (!definition.successResponse) continue;
        const args = definition.arguments && (values.of(definition.arguments) as JsonObject);
        await agent.executeUnknown(definition.name, args, { timeout: 10_000 });
        answered++;
      }
      expect(answered).toBeGreaterThan(25);
      expect(await guestExec(agent, 'ls')).toMatchObject({ exitCode: 0 });
      mock.verify();
    },
    60_000,
  );

  test('generated code of an agent is a source of mocks, and types what a test expects', async () => {
    const { schema: qga } = await loadSchema(corpusPath('releases/10.1/qga/qapi-schema.json'), { advice: false });
    if (!qga) throw new Error('the schema has errors');
    const text = `import { mockAgent } from 'qapi-ts/testkit';
      import * as generated from '../generated/index.js';
      const mock = await mockAgent(generated, { handlers: { 'guest-get-time': () => 5 } });
      mock.expect('guest-file-open', { path: '/etc/hosts' }).reply(3);
      mock.expect('guest-ping');
      // @ts-expect-error: it returns a number
      mock.expect('guest-file-open').reply('three');
      // @ts-expect-error: the agent has no such command
      mock.expect('guest-file-opne');`;
    const generated = generate(qga);
    expect(await compileGenerated({ generated, test: [{ path: 'test.ts', text }] })).toEqual([]);
  }, 60_000);
});
