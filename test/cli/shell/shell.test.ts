import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { run } from '../../../cli/program.js';
import { historyFile } from '../../../cli/shell/history.js';
import { QmpError } from '../../../runtime/qmp/error.js';
import { type Deviation, serveSchema } from '../../testkit/conformance/model-server.js';
import { folderWith, qapiTs } from '../command-line.js';
import { schemaOf } from '../serve/serve.js';
import { text } from './known.js';

/** What the server was given as transactions. */
const transactions: unknown[] = [];
/** How long it takes to pause the job that is slow. */
let slow = async (): Promise<void> => {};

/** A server with the schema, a job, and a node called `gone` that cannot be removed. */
const program: Deviation = {
  commands: (commands) => {
    const [jobs, del] = [commands.get('query-jobs'), commands.get('node-del')];
    const [hmp, pause, transaction] = ['human-monitor-command', 'job-pause', 'transaction'].map((name) =>
      commands.get(name),
    );
    if (!jobs || !del || !hmp || !pause || !transaction) throw new Error('the schema has changed');
    hmp.call = (_handlers, args) => {
      const { 'command-line': line, 'cpu-index': cpu } = args as { 'command-line': string; 'cpu-index'?: number };
      return line === 'help' ? 'info [topic] -- tells\r\n' : `${line} of ${cpu}\r\n`;
    };
    pause.call = async (_handlers, args) => {
      if ((args as { id: string }).id === 'slow') await slow();
    };
    transaction.call = (_handlers, args) => void transactions.push(args);
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

  test('a transaction takes an action on each line, also on its first', async () => {
    transactions.length = 0;
    const lines = [
      'transaction(',
      ' node-del node-name=a',
      '# and another',
      ' abort',
      'help node-del',
      ')',
      'query-jobs',
    ];
    const { code, stdout } = await qapiTs(['shell', await start()], { stdin: lines.join('\n') });
    expect([code, stdout.split('\n').at(-3), stdout.split('\n').length]).toEqual([0, '{}', 8]);
    await qapiTs(['shell', await start(), '-x', 'transaction( node-del {"node-name": "b"} )']);
    const whole = `transaction(\n{"type": "node-del",\n"data": {"node-name": "c"}}\n)`;
    await qapiTs(['shell', await start()], { stdin: whole });
    const del = (name: string) => ({ type: 'node-del', data: { 'node-name': name } });
    expect(transactions).toEqual([
      { actions: [del('a'), { type: 'abort', data: {} }] },
      { actions: [del('b')] },
      { actions: [del('c')] },
    ]);
  });

  test.each([
    ['transaction(\nnode-dell node-name=a\n)', "transactions have no action 'node-dell': did you mean 'node-del'?"],
    ['transaction(\nnode-del node-name=a', 'the transaction is not complete'],
    ['transaction(\nnode-del node-name=a colour=red', "'colour': "],
    ['node-del {"node-name":\n"a"', 'the JSON text is not complete'],
    ['query-jubs', 'CommandNotFound: '],
    ['query-jubs', "did you mean 'query-jobs'?"],
    ['exiit', "did you mean 'exit'?"],
  ])('a script ends with what is wrong with %j', async (stdin, problem) => {
    const { code, stderr } = await qapiTs(['shell', await start()], { stdin });
    expect(code).toBe(1);
    expect(stderr).toContain(problem);
  });

  test('JSON goes on over lines, and stands among other arguments', async () => {
    const stdin =
      '{\n  "execute": "node-del",\n  "arguments": {"node-name": "a"}\n}\nnode-add driver=raw file={\n"driver": "file",\n"filename": "x"} offset=1K\n';
    expect(await qapiTs(['shell', await start()], { stdin })).toEqual({ code: 0, stdout: '{}\n{}\n', stderr: '' });
  });

  test('lines of HMP are printed as text, also when all are', async () => {
    const socket = await start();
    const { stdout } = await qapiTs([
      'shell',
      socket,
      '-x',
      '!info block',
      '-x',
      '!cpu 1',
      '-x',
      '! info cpus',
      '-x',
      'query-commands',
    ]);
    expect(stdout).toMatch(/^info block of undefined\ncpu 1 of 1\ninfo cpus of 1\n\[/);
    expect((await qapiTs(['shell', socket, '--hmp', '-x', 'info block', '-x', 'query-jobs {'])).stdout).toBe(
      'info block of undefined\nquery-jobs { of undefined\n',
    );
    const without = await start({ commands: (commands) => void commands.delete('human-monitor-command') });
    expect((await qapiTs(['shell', without, '-x', '!info'])).stderr).toContain('the program has no monitor for people');
  });

  test('shows what is sent, keeps a log of the wire, and prints JSON for people where that is wanted', async () => {
    const cwd = folderWith({});
    const args = ['--verbose', '--pretty', '--log', 'wire.log', '-x', 'node-del node-name=a', '-x', 'query-jobs'];
    const { stdout, stderr } = await qapiTs(['shell', await start(), ...args], { cwd });
    expect(stdout).toBe('{}\n[\n  { "id": "job0", "progress": 9223372036854775808 }\n]\n');
    expect(stderr).toBe('> {"execute":"node-del","arguments":{"node-name":"a"}}\n> {"execute":"query-jobs"}\n');
    const log = readFileSync(join(cwd, 'wire.log'), 'utf8').trim().split('\n');
    expect(log[0]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z < \{"QMP": /);
    expect(log.at(-1)).toMatch(/Z < \{"return": \[\{"id": "job0", "progress": 9223372036854775808\}\], "id": "/);
    expect(statSync(join(cwd, 'wire.log')).mode & 0o777).toBe(0o600);
    expect((await qapiTs(['shell', await start(), '--log', 'no/such/folder'], { cwd })).stderr).toMatch(
      /^error: cannot write the log: /,
    );
  });

  test('an interrupt ends it, and says which command was under way', async () => {
    const controller = new AbortController();
    slow = () => {
      controller.abort();
      return new Promise((resolve) => setTimeout(resolve, 50));
    };
    const args = ['shell', await start(), '-x', 'job-pause id=slow', '-x', 'query-jobs'];
    expect(await qapiTs(args, { signal: controller.signal })).toEqual({
      code: 130,
      stdout: '',
      stderr: 'error: interrupted: job-pause was sent and may still be carried out\nin: job-pause id=slow\n',
    });
    const stdin = new PassThrough();
    setTimeout(() => second.abort(), 150);
    const second = new AbortController();
    expect(await qapiTs(['shell', await start()], { signal: second.signal, stdin })).toMatchObject({
      code: 130,
      stderr: '',
    });
  });

  test.each([
    [[], 'give the address of a socket, or a program to start with --exec'],
    [['x.sock', '--exec', 'y'], 'and not both'],
    [['x.sock', '--agent', '--hmp'], 'a guest agent has no monitor for people'],
    [['--agent', '--exec', 'y'], '--exec starts a program with a QMP monitor'],
    [['--exec', ' '], '--exec needs the command line of a program'],
    [['--exec', 'a "b'], `the quote " in 'a "b' is not closed`],
    [['--exec', './no-such-program'], 'cannot start ./no-such-program: it is not installed'],
  ])('refuses %j', async (args, problem) => {
    const { code, stderr } = await qapiTs(['shell', ...args]);
    expect(code).toBe(1);
    expect(stderr).toContain(problem);
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
      '-x',
      '? Drver',
      '-x',
      'help node-d',
      '-x',
      'help x-hidden-command ',
    ];
    const { stdout } = await qapiTs([...args, '-x', 'help node-add'], { cwd });
    expect(stdout).toBe(
      'node-del  command, unstable\n  Removes a node.\n  node-name  str\n      the node\n  modes  [Driver], optional\n' +
        '  tag  any, optional\nSince 2.9\n' +
        'Driver  enum\n  How a node gets its data.\n  file\n      from a file\n  raw\n' +
        "nothing is known of 'x'\n" +
        "nothing is known of 'Drver': did you mean 'Driver'?\n" +
        "nothing is known of 'node-d': did you mean 'node-del'?\n" +
        "nothing is known of 'x-hidden-command'\n" +
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
      'NODE_GONE ?',
      '-x',
      '?node-del',
    ]);
    expect(stdout).toContain('node-del  command');
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
  async function open(deviation = program, screen: { rows?: number } = {}, ...args: string[]) {
    const socket = await start(deviation);
    const state = folderWith({});
    const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
    const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 80, ...screen });
    let shown = '';
    stdout.on('data', (chunk: Buffer) => {
      shown += chunk;
    });
    const ended = run(['shell', socket, ...args], {
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
    await shell.sees("QEMU 1.2.3: 13 commands. 'help' explains");
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

  test('a comment and an empty line do nothing, and JSON goes on over lines', async () => {
    const shell = await open();
    await shell.sees('qmp> ');
    shell.type('# query-jobs\r\rnode-del {\r');
    await shell.sees('...> ');
    shell.type('"node-name": "gone"}\r');
    await shell.sees('DeviceNotFound: There is no such node');
    await shell.sees('qmp> ');
    shell.type('node-del {\r');
    await shell.sees('...> ');
    shell.type('\u0003');
    await shell.sees('the JSON text is dropped');
    await shell.sees('qmp> ');
    shell.type('exit\r');
    expect(await shell.ended).toBe(0);
  });

  test('a transaction has a prompt of its own, keeps its actions when one is wrong, and is dropped by Ctrl-C', async () => {
    transactions.length = 0;
    const shell = await open();
    await shell.sees('qmp> ');
    shell.type('transaction(\r');
    await shell.sees('transaction> ');
    shell.type('node-del node-name=a\rnode-dell\r');
    await shell.sees("did you mean 'node-del'?");
    shell.type('node-d\t');
    await shell.sees('node-del ');
    shell.type('node-name=b\r)\r');
    await shell.sees('{}');
    expect(transactions).toMatchObject([{ actions: [{ data: { 'node-name': 'a' } }, { data: { 'node-name': 'b' } }] }]);
    shell.type('transaction( node-del node-name=a\r');
    await shell.sees('transaction> ');
    shell.type('\u0003');
    await shell.sees('the transaction is dropped');
    shell.type('exit\r');
    expect(await shell.ended).toBe(0);
    expect(transactions).toHaveLength(1);
  });

  test('Ctrl-C stops waiting for a command, whose reply is shown when it comes', async () => {
    let finish: (() => void) | undefined;
    slow = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    const shell = await open();
    await shell.sees('qmp> ');
    shell.type('job-pause id=slow\r');
    await vi.waitFor(() => expect(finish).toBeDefined(), 10_000);
    shell.type('\u0003');
    await shell.sees('job-pause was sent and may still be carried out; what it returns is shown when it comes');
    await shell.sees('qmp> ');
    shell.type('# the prompt is back\rhelp no');
    await shell.sees('help no');
    finish?.();
    await shell.sees('late reply to job-pause: {}');
    await shell.sees('help no');
    shell.type('\u0003');
    await shell.sees('qmp> ');
    shell.type('\u0003');
    await shell.sees('Ctrl-D or exit leaves');
    shell.type('\u0004');
    expect(await shell.ended).toBe(0);
  });

  test('a long reply comes page by page', async () => {
    const shell = await open(program, { rows: 6 });
    await shell.sees('qmp> ');
    shell.type('help\r');
    await shell.sees('command { "key": … }');
    await shell.sees('more lines: Enter goes on, a shows all, q ends -- ');
    shell.type('\r');
    await shell.sees('help <name>');
    await shell.sees('more lines');
    shell.type('q\r');
    await shell.sees('qmp> ');
    shell.type('help\r');
    await shell.sees('more lines');
    shell.type('a\r');
    await shell.sees('13 commands: Tab lists them\n');
    await shell.sees('qmp> ');
    shell.type('help\r');
    await shell.sees('more lines');
    shell.type('query-jobs\r');
    await shell.sees('"job0"');
    shell.type('help\r');
    await shell.sees('more lines');
    shell.type('\u0003');
    await shell.sees('qmp> ');
    shell.type('help\r');
    await shell.sees('more lines');
    shell.type('\u0004');
    expect(await shell.ended).toBe(0);
  });

  test('shows what is sent, and lines of HMP, where that is wanted', async () => {
    const shell = await open(program, {}, '--verbose', '--hmp');
    await shell.sees('(hmp) ');
    shell.type('inf\t');
    await shell.sees('info');
    shell.type(' block\r');
    await shell.sees('info block of undefined\n');
    shell.type('exit\r');
    expect(await shell.ended).toBe(0);
    const other = await open(program, {}, '--verbose');
    await other.sees('qmp> ');
    other.type('query-jobs\r');
    await other.sees('> {"execute":"query-jobs"}\n');
    await other.sees('"job0"');
    other.type('exit\r');
    expect(await other.ended).toBe(0);
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
