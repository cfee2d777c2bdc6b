import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../../cli/program.js';
import { connect, type QmpClient } from '../../runtime/qmp/client.js';
import { spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { folderWith, qapiTs } from '../cli/command-line.js';
import { describeWithPrograms } from './programs.js';

/** Starts `qapi-ts serve` with two disks that read as zeroes. */
async function served(): Promise<{ folder: string; socket: string; client: QmpClient }> {
  const folder = folderWith({});
  const socket = join(folder, 'qmp.sock');
  const controller = new AbortController();
  let ready = (): void => {};
  const started = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const disk = (id: string) => ['--drive', `driver=null-co,read-zeroes=on,size=8M,id=${id}`];
  const ended = qapiTs(['serve', '--qmp', `unix:${socket}`, ...disk('d0'), ...disk('d1')], {
    signal: controller.signal,
    onOutput: (text) => void (text.includes('"msg":"ready"') && ready()),
  });
  onTestFinished(async () => {
    controller.abort();
    await ended;
  });
  await Promise.race([started, ended.then(({ stderr }) => expect.unreachable(stderr))]);
  const client = await connect(socket);
  onTestFinished(() => client.close());
  return { folder, socket, client };
}

/** A shell with a person in front of it. */
function person(socket: string, state: string) {
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
    ended,
    type: (keys: string) => void stdin.write(keys),
    async sees(what: RegExp): Promise<void> {
      await expect.poll(() => shown, { timeout: 15_000, interval: 20 }).toMatch(what);
      shown = shown.replace(new RegExp(`^.*?(?:${what.source})`, 's'), '');
    },
  };
}

describe('the shell follows jobs of a server', () => {
  // Loading the two for the first time takes long, which is not the first test's.
  beforeAll(async () => {
    await qapiTs(['serve', '--qmp', 'stdio', '--check-config']);
    await qapiTs(['shell', '/nonexistent']);
  }, 60_000);

  test('in a script, a command with --follow ends when its job does', async () => {
    const { folder, socket } = await served();
    const backup = (id: string, device: string) =>
      `drive-backup job-id=${id} device=${device} sync=full format=raw target=${folder}/${id}.raw`;
    const lines = [
      `${backup('a', 'd0')} --follow`,
      'query-block-jobs',
      'transaction(',
      backup('b', 'd0'),
      backup('c', 'd1'),
      ') --follow',
      `drive-mirror job-id=m device=d0 sync=full format=raw target=${folder}/m.raw --follow`,
      'follow m',
      'block-job-cancel device=m',
      'block_resize device=d0 size=4M --follow',
    ];
    const { stdout, stderr, code } = await qapiTs(['shell', socket], { stdin: lines.join('\n') });
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { id: 'a', end: 'completed' },
      [],
      [
        { id: 'b', end: 'completed' },
        { id: 'c', end: 'completed' },
      ],
      // What becomes of a mirror is decided by the next command.
      { id: 'm', end: 'ready' },
      { id: 'm', end: 'ready' },
      {},
    ]);
    expect(stderr).toContain('block_resize starts no job that could be followed');
    expect(code).toBe(1);
  });

  test('a job that is cancelled, cannot be started or is not there ends a script', async () => {
    const { folder, socket, client } = await served();
    const args = { device: 'd0', sync: 'full', format: 'raw' };
    await client.execute('drive-backup', { ...args, 'job-id': 'slow', target: join(folder, 'slow'), speed: 1 });
    const follow = qapiTs(['shell', socket, '-x', 'follow slow']);
    const timer = setTimeout(() => void client.execute('block-job-cancel', { device: 'slow' }), 1000);
    expect(await follow).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'error: job slow was cancelled\nin: follow slow\n',
    });
    clearTimeout(timer);
    expect(await qapiTs(['shell', socket, '-x', 'follow slow'])).toMatchObject({
      code: 1,
      stderr: 'error: there is no job slow, or no more, and its end was not reported\nin: follow slow\n',
    });
    expect(await qapiTs(['shell', socket, '-x', 'block-stream device=nothing --follow'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: \w+: .*\nin: block-stream device=nothing --follow\n$/),
    });
  });

  test('at a prompt, a line shows how far the job is, and Ctrl-C asks whether to cancel it', async () => {
    const { folder, socket, client } = await served();
    const shell = person(socket, folder);
    await shell.sees(/qmp> /);
    const start = `device=d0 sync=full format=raw target=${folder}/copy.raw speed=1M`;
    shell.type(`drive-backup job-id=b ${start} --follow\r`);
    await shell.sees(/backup b {2}\[=*> *\] +\d+% {2}[\d.]+ \w+\/s {2}\d:\d\d left/);
    shell.type('\u0003');
    await shell.sees(/Cancel b\? y cancels, l leaves it running, Enter goes on following: /);
    shell.type('\r');
    await shell.sees(/backup b {2}\[/);
    shell.type('\u0003');
    await shell.sees(/Cancel b\?/);
    shell.type('l\r');
    await shell.sees(/\{ "id": "b", "end": "left" \}/);
    expect(await client.execute('query-block-jobs')).toMatchObject([{ device: 'b' }]);
    shell.type('follow \t');
    await shell.sees(/follow b/);
    shell.type('\r');
    await shell.sees(/backup b {2}\[/);
    shell.type('\u0003');
    await shell.sees(/Cancel b\?/);
    shell.type('y\r');
    await shell.sees(/job b was cancelled/);
    await shell.sees(/qmp> /);
    expect(await client.execute('query-block-jobs')).toEqual([]);
    shell.type('exit\r');
    expect(await shell.ended).toBe(0);
  });

  test('a question about a job that ends meanwhile is taken back', async () => {
    const { folder, socket, client } = await served();
    const shell = person(socket, folder);
    await shell.sees(/qmp> /);
    const backup = (id: string, device: string) =>
      `drive-backup job-id=${id} device=${device} sync=full format=raw target=${folder}/${id} speed=1`;
    shell.type(`transaction( \r${backup('b', 'd0')}\r${backup('c', 'd1')}\r) --follow\r`);
    await shell.sees(/backup b {2}\[[^\n]*\nbackup c {2}\[/);
    shell.type('\u0003');
    await shell.sees(/Cancel b, c\?/);
    for (const device of ['b', 'c']) await client.execute('block-job-cancel', { device });
    await shell.sees(/job b was cancelled; job c was cancelled/);
    shell.type('query-block-jobs\r');
    await shell.sees(/\[\]/);
    shell.type('exit\r');
    expect(await shell.ended).toBe(0);
  });
});

describeWithPrograms('the shell follows jobs of the storage daemon', ['qemu-storage-daemon'], () => {
  test('to their end, or to where they wait for a command', async () => {
    const daemon = await spawnStorageDaemon();
    onTestFinished(async () => void (await daemon.close()));
    // A monitor talks to one client at a time.
    await daemon.client.close();
    const folder = folderWith({ 'disk.raw': '' });
    const mirror = 'blockdev-mirror device=a target=b sync=full';
    const lines = [
      `blockdev-add driver=file node-name=f filename=${folder}/disk.raw`,
      'blockdev-create job-id=made options={"driver": "qcow2", "file": "f", "size": 1048576} --follow',
      'job-dismiss id=made',
      'blockdev-create job-id=broken options={"driver": "qcow2", "file": "f", "size": 1} --follow',
    ];
    const { stdout, stderr } = await qapiTs(['shell', daemon.socket], { stdin: lines.join('\n') });
    expect(stdout).toBe('{}\n{"id":"made","end":"completed"}\n{}\n');
    expect(stderr).toMatch(/^error: job broken failed: .*512/);
    const disks = ['a', 'b'].map((name) => `blockdev-add driver=null-co node-name=${name} size=1M`);
    const others = [...disks, `${mirror} job-id=ready --follow`];
    const ran = await qapiTs(['shell', daemon.socket], { stdin: others.join('\n') });
    expect(ran.stdout).toContain('{"id":"ready","end":"ready"}\n');
    const pending = [
      ...['c', 'd'].map((name) => `blockdev-add driver=null-co node-name=${name} size=1M`),
      'blockdev-backup device=c target=d sync=full job-id=waits auto-finalize=off --follow',
      'job-finalize id=waits',
    ];
    expect((await qapiTs(['shell', daemon.socket], { stdin: pending.join('\n') })).stdout).toContain(
      '{"id":"waits","end":"pending"}\n',
    );
  });
});
