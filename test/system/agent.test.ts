import { connect as connectSocket } from 'node:net';
import { beforeAll, expect, test } from 'vitest';
import type { JsonObject } from '../../runtime/json/value.js';
import { connectAgent } from '../../runtime/qmp/agent.js';
import { connect } from '../../runtime/qmp/client.js';
import { QmpError } from '../../runtime/qmp/error.js';
import { QmpConnectionError } from '../../runtime/qmp/failure.js';
import { guestExec } from '../../runtime/qmp/guest-exec.js';
import { backOff } from '../../runtime/qmp/reconnect.js';
import { checkedBy, type SchemaDifference, type SchemaTables } from '../../runtime/qmp/validation.js';
import { qapiTs } from '../cli/command-line.js';
import { corpusPath, describeWithCorpus } from '../corpus.js';
import { compileGenerated } from '../generator/emit/compile.js';
import { generateRelease, loadRelease, RELEASE } from './generated-7.2.js';
import { describeWithPrograms } from './programs.js';
import { realAgent } from './real-agent.js';

describeWithPrograms('a real guest agent', ['qemu-ga'], () => {
  test('the agent answers requests, and refuses unknown commands', async () => {
    await using agent = await connectAgent((await realAgent()).socket);
    expect(await agent.execute('guest-ping')).toEqual({});
    expect(await agent.execute('guest-info')).toMatchObject({ version: expect.any(String) });
    await expect(agent.execute('guest-nope')).rejects.toMatchObject({ class: 'CommandNotFound' });
    await expect(agent.execute('guest-ping', { x: 1 })).rejects.toThrow(QmpError);
    const answers = Array.from({ length: 50 }, (_, id) => agent.execute('guest-sync', { id }));
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 50 }, (_, id) => id));
  });

  test('connects although an earlier client has left half a request', async () => {
    const { socket } = await realAgent();
    const earlier = connectSocket(socket);
    await new Promise<void>((resolve) => earlier.end('{"execute": "guest-pi', resolve));
    await using agent = await connectAgent(socket);
    expect(await agent.execute('guest-ping')).toEqual({});
  });

  test('connects again after the agent was restarted', async () => {
    const { socket, restart } = await realAgent();
    await using agent = await connectAgent(socket, { reconnect: backOff({ initialDelay: 20 }) });
    expect(await agent.execute('guest-ping')).toEqual({});
    await restart();
    expect(await agent.execute('guest-ping', undefined, { timeout: 10_000 })).toEqual({});
  });

  test('the agent runs programs', async () => {
    await using agent = await connectAgent((await realAgent()).socket);
    const script = 'cat; echo "$NAME" >&2; exit 3';
    const ran = await guestExec(agent, '/bin/sh', ['-c', script], { input: 'from here', env: { NAME: 'value' } });
    expect({ ...ran, stdout: String(ran.stdout), stderr: String(ran.stderr) }).toEqual({
      exitCode: 3,
      signal: undefined,
      stdout: 'from here',
      stderr: 'value\n',
      truncated: false,
    });
    expect(await guestExec(agent, '/bin/sh', ['-c', 'kill -9 $$'])).toMatchObject({ exitCode: undefined, signal: 9 });
    await expect(guestExec(agent, '/no/such/program')).rejects.toThrow(QmpError);
    await expect(guestExec(agent, '/bin/sleep', ['5'], { timeout: 100 })).rejects.toThrow('/bin/sleep did not end');
    expect(await agent.execute('guest-ping')).toEqual({});
  });

  test('reports a command that the agent forbids, also where success would not be answered', async () => {
    await using agent = await connectAgent((await realAgent('-b', 'guest-shutdown,guest-exec')).socket);
    await expect(agent.execute('guest-shutdown')).rejects.toThrow(/guest-shutdown/);
    await expect(guestExec(agent, '/bin/true')).rejects.toThrow(/guest-exec/);
    expect(await agent.execute('guest-ping')).toEqual({});
  });

  test('does not greet, and a client of QMP finds out what it is', async () => {
    const { socket } = await realAgent();
    await expect(connect(socket, { connectTimeout: 3000 })).rejects.toThrow(
      new QmpConnectionError(`${socket} is a guest agent and no QMP monitor: use connectAgent`),
    );
  });

  test('reports an agent that is not there', async () => {
    await expect(connectAgent('/no/such/socket')).rejects.toThrow(QmpConnectionError);
  });
});

describeWithCorpus("with the agent's schema of 7.2", RELEASE, () => {
  let schema: SchemaTables;
  beforeAll(async () => {
    schema = await loadRelease('qga');
  }, 60_000);

  describeWithPrograms('every query of the real guest agent', ['qemu-ga'], () => {
    test('the agent answers as its schema says', async () => {
      const differences: SchemaDifference[] = [];
      await using agent = await connectAgent((await realAgent()).socket, {
        validate: 'report',
        schema: checkedBy(schema),
        onDifference: (difference) => void differences.push(difference),
      });
      const info = (await agent.execute('guest-info')) as JsonObject;
      const enabled = (info.supported_commands as JsonObject[]).filter((command) => command.enabled);
      const queries = enabled.map(({ name }) => String(name)).filter((name) => /^guest-(network-)?get-/.test(name));
      const answered: string[] = [];
      for (const name of queries) {
        await agent.execute(name).then(
          () => answered.push(name),
          (error) => expect(error).toBeInstanceOf(QmpError),
        );
      }
      expect(differences).toEqual([]);
      expect(answered.length).toBeGreaterThan(8);
    });
  });

  describeWithPrograms('conformance of the real guest agent', ['qemu-ga'], () => {
    test('finds that it does what its schema says', { timeout: 120_000 }, async () => {
      const { socket } = await realAgent();
      const root = corpusPath(RELEASE, 'qga/qapi-schema.json');
      const args = ['conformance', '--agent', socket, '--schema', root, '--format', 'json'];
      const { code, stdout } = await qapiTs(args);
      const report = JSON.parse(stdout) as { checks: { group: string; problems: string[]; requests?: number }[] };
      expect(report.checks.flatMap(({ problems }) => problems)).toEqual([]);
      expect(code).toBe(0);
      const refusals = report.checks.filter(({ group }) => group === 'refusals');
      expect(refusals.reduce((sum, { requests = 0 }) => sum + requests, 0)).toBeGreaterThan(100);
    });
  });

  test('a program is typed by it', async () => {
    const program = `
      import { connectAgent, guestExec } from 'qapi-ts/runtime';
      import type { Commands } from '../generated/index.js';
      export async function main(): Promise<string | undefined> {
        await using agent = await connectAgent<{ commands: Commands }>('/run/qga.sock');
        await agent.execute('guest-shutdown', { mode: 'reboot' });
        // @ts-expect-error a mode is text
        await agent.execute('guest-shutdown', { mode: 1 });
        // @ts-expect-error no such command
        await agent.execute('query-status');
        // @ts-expect-error an agent has no events
        agent.on('STOP', () => {});
        const { stdout } = await guestExec(agent, 'uname');
        const { 'host-name': name } = await agent.execute('guest-get-host-name');
        return name + stdout.toString('utf8');
      }
    `;
    const files = { generated: await generateRelease('qga'), program: [{ path: 'main.ts', text: program }] };
    expect(await compileGenerated(files)).toEqual([]);
  });
});
