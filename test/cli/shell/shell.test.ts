import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { run } from '../../../cli/program.js';
import { historyFile } from '../../../cli/shell/history.js';
import { QmpError } from '../../../runtime/qmp/error.js';
import { type Deviation, serveSchema } from '../../testkit/conformance/model-server.js';
import { folderWith, qapiTs } from '../command-line.js';
import { schemaOf } from '../serve/serve.js';
import { text } from './known.js';

/** A server with the schema, a job, and a node called `gone` that cannot be removed. */
const program: Deviation = {
  commands: (commands) => {
    const [jobs, del] = [commands.get('query-jobs'), commands.get('node-del')];
    if (!jobs || !del) throw new Error('the schema has changed');
    jobs.call = () => [{ id: 'job0', progress: 2n ** 63n }];
    del.call = (_handlers, args) => {
      if ((args as { 'node-name': string })['node-name'] === 'gone') {
        throw new QmpError('There is no such node', { class: 'DeviceNotFound' });
      }
    };
  },
};

async function start(deviation = program): Promise<string> {
  return serveSchema(await schemaOf(text), deviation);
}

describe('in a script', () => {
  test('prints one exact line of JSON for each --execute', async () => {
    const args = ['shell', await start(), '-x', 'query-jobs', '--execute', 'node-del node-name=a'];
    expect(await qapiTs(args)).toEqual({
      code: 0,
      stdout: '[{"id":"job0","progress":9223372036854775808}]\n{}\n',
      stderr: '',
    });
  });

  test('lines come from standard input; comments and empty ones are skipped, exit ends', async () => {
    const stdin = '# jobs\n\nquery-jobs\n{"execute": "node-del", "arguments": {"node-name": "a"}}\nexit\nnonsense\n';
    const { code, stdout } = await qapiTs(['shell', await start()], { stdin });
    expect(code).toBe(0);
    expect(stdout.split('\n')).toHaveLength(3);
  });

  test('stops at the first command that fails', async () => {
    const stdin = 'node-del node-name=gone\nquery-jobs\n';
    expect(await qapiTs(['shell', await start()], { stdin })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: DeviceNotFound: There is no such node\nin: node-del node-name=gone\n',
    });
  });

  test('mistakes are found before anything is sent', async () => {
    const { code, stderr } = await qapiTs(['shell', await start(), '-x', 'node-add driver=blue']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: 'driver': .*"blue".*\nin: node-add driver=blue\n$/);
  });

  test('a program that cannot describe itself takes JSON', async () => {
    const socket = await start({ infos: () => [] });
    expect((await qapiTs(['shell', socket, '-x', 'node-del {"node-name": "a"}'])).stdout).toBe('{}\n');
    expect((await qapiTs(['shell', socket, '-x', 'node-del node-name=a'])).stderr).toContain('must be JSON');
  });

  test('out-of-band execution is a request of its own', async () => {
    const { stderr } = await qapiTs(['shell', await start(), '-x', '{"exec-oob": "query-jobs"}']);
    expect(stderr).toContain('out of band');
  });

  test('help comes from the schema with its documentation', async () => {
    const cwd = folderWith({ 'schema.json': text });
    const args = [
      'shell',
      await start(),
      '--schema',
      'schema.json',
      '-x',
      'help node-del',
      '-x',
      'help Driver',
      '-x',
      'help x',
    ];
    const { stdout } = await qapiTs([...args, '-x', 'help node-add'], { cwd });
    expect(stdout).toBe(
      'node-del  command, unstable\n  Removes a node.\n  node-name  str\n      the node\n  modes  [Driver], optional\n' +
        '  tag  any, optional\nSince 2.9\n' +
        'Driver  enum\n  How a node gets its data.\n  file\n      from a file\n  raw\n' +
        "nothing is known of 'x'\n" +
        'node-add  command\n  driver  Driver\n  node-name  str, optional\n  driver=file  adds File\n  driver=raw  adds Raw\n',
    );
  });

  test('help without a schema comes from introspection', async () => {
    const { stdout } = await qapiTs([
      'shell',
      await start(),
      '-x',
      'help',
      '-x',
      'help job-pause',
      '-x',
      'help NODE_GONE',
    ]);
    expect(stdout).toContain('help <name>');
    expect(stdout).toContain('job-pause  command\n');
    expect(stdout).toContain('  id  str\n');
    expect(stdout).toContain('NODE_GONE  event\n');
  });

  test('reports an address at which no program listens', async () => {
    const { code, stderr } = await qapiTs(['shell', './none.sock', '-x', 'help']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: cannot connect to/);
  });
});

describe('at a prompt', () => {
  /** A shell with a person in front of it. */
  async function open(deviation = program) {
    const socket = await start(deviation);
    const state = folderWith({});
    const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
    const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
    let shown = '';
    stdout.on('data', (chunk: Buffer) => {
      shown += chunk;
    });
    const ended = run(['shell', socket], {
      cwd: state,
      env: { XDG_STATE_HOME: state, NO_COLOR: '1' },
      stdin,
      stdout,
      stderr: stdout,
      catchInterrupt: () => new AbortController().signal,
    });
    return {
      state,
      ended,
      type: (keys: string) => stdin.write(keys),
      /** Waits until something is shown that was not before. */
      async sees(what: string): Promise<void> {
        for (let waited = 0; !shown.includes(what); waited += 10) {
          if (waited > 5000) throw new Error(`${JSON.stringify(what)} is not in ${JSON.stringify(shown)}`);
          await delay(10);
        }
        shown = shown.slice(shown.indexOf(what) + what.length);
      },
    };
  }

  test('completes, executes, shows values and mistakes, and leaves', async () => {
    const shell = await open();
    await shell.sees("QEMU 1.2.3: 9 commands. 'help' explains");
    await shell.sees('qmp> ');
    shell.type('query-j\t');
    await shell.sees('query-jobs ');
    shell.type('\r');
    await shell.sees('[\n  { "id": "job0", "progress": 9223372036854775808 }\n]');
    shell.type('node-del node-name=gone\r');
    await shell.sees('DeviceNotFound: There is no such node');
    shell.type('job-pause id=\t');
    await shell.sees('job-pause id=job0');
    shell.type('\r');
    await shell.sees('{}');
    shell.type('help node-del\r');
    await shell.sees('  node-name  str');
    shell.type('exit\r');
    expect(await shell.ended).toBe(0);
  });

  test('shows events above the line that is being written', async () => {
    const data = { 'node-name': 'a' };
    const shell = await open({ ...program, event: { name: 'NODE_GONE', data, after: 'job-pause' } });
    await shell.sees('qmp> ');
    shell.type('job-pause id=job0\rhelp no');
    await shell.sees('NODE_GONE { "node-name": "a" }\n');
    await shell.sees('qmp> help no');
    shell.type('\u0015\u0004');
    expect(await shell.ended).toBe(0);
  });

  test('shows events that came before the prompt', async () => {
    const shell = await open({ ...program, event: { name: 'NODE_GONE', data: { 'node-name': 'early' } } });
    await shell.sees('NODE_GONE { "node-name": "early" }');
    shell.type('\u0004');
    expect(await shell.ended).toBe(0);
  });

  test('exits with 0 after quit was executed', async () => {
    const shell = await open();
    await shell.sees('qmp> ');
    shell.type('quit\r');
    await shell.sees('was closed by the peer');
    expect(await shell.ended).toBe(0);
  });

  test('keeps its history to itself, without secrets', async () => {
    const shell = await open();
    await shell.sees('qmp> ');
    for (const line of [
      'query-jobs',
      ' query-commands',
      'x-set {"password": "1"}',
      'query-jobs',
      'job-pause id=job0',
      'exit',
    ]) {
      shell.type(`${line}\r`);
    }
    await shell.ended;
    const file = historyFile({ XDG_STATE_HOME: shell.state });
    expect(file).toBe(join(shell.state, 'qapi-ts/history'));
    expect(readFileSync(file, 'utf8')).toBe('query-jobs\njob-pause id=job0\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('ends when the program does', async () => {
    const shell = await open({ ...program, hangUpOn: 'job-pause' });
    await shell.sees('qmp> ');
    shell.type('job-pause id=x\r');
    await shell.sees('was closed by the peer');
    expect(await shell.ended).toBe(1);
  });
});

describe('historyFile', () => {
  test('keeps the history in the folder for the state of programs', () => {
    expect(historyFile({ HOME: '/home/me' })).toBe('/home/me/.local/state/qapi-ts/history');
    expect(historyFile({ HOME: '/home/me', XDG_STATE_HOME: 'relative' })).toBe('/home/me/.local/state/qapi-ts/history');
  });
});
