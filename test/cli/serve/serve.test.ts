import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { connect, type QmpClient } from '../../../runtime/qmp/client.js';
import { runJob } from '../../../runtime/qmp/job.js';
import { folderWith, qapiTs, type Ran } from '../command-line.js';

// Loading it is no part of the first test.
beforeAll(() => import('../../../cli/serve/serve.js'), 120_000);

interface Serving {
  /** The line that tells that it is ready. */
  readonly ready: { readonly qmp: readonly string[]; readonly nbd: readonly string[] };
  readonly ended: Promise<Ran>;
  /** As Ctrl-C does. */
  interrupt(): Promise<Ran>;
}

/** Starts a server in this process, and waits until it is ready. */
async function serving(args: readonly string[], stdin?: PassThrough): Promise<Serving> {
  const stop = new AbortController();
  let tellReady: (ready: Serving['ready']) => void = () => {};
  const ready = new Promise<Serving['ready']>((resolve) => {
    tellReady = resolve;
  });
  const ended = qapiTs(['serve', ...args], {
    signal: stop.signal,
    ...(stdin && { stdin }),
    onOutput(text) {
      if (text.includes('"msg":"ready"')) tellReady(JSON.parse(text));
    },
  });
  onTestFinished(() => stop.abort());
  const early = await Promise.race([ready, ended]);
  if ('code' in early) throw new Error(`the server ended: ${early.stderr}`);
  return {
    ready: early,
    ended,
    interrupt() {
      stop.abort();
      return ended;
    },
  };
}

/** What the log tells, without time and process. */
const log = ({ stderr }: Ran) =>
  stderr
    .trim()
    .split('\n')
    .map((line) => {
      const { time, pid, ...rest } = JSON.parse(line);
      expect([Date.parse(time), pid]).toEqual([expect.any(Number), process.pid]);
      return rest;
    });

describe('the end of a server', () => {
  test('shows clients that it ends before the answer to quit, and what ends with it after that', async () => {
    const folder = folderWith({ 'disk.img': 'x'.repeat(4096) });
    const at = (name: string): string => join(folder, name);
    const { ended } = await serving([
      ...['--qmp', `unix:${at('qmp.sock')}`, '--nbd-server', `addr.type=unix,addr.path=${at('nbd.sock')}`],
      ...['--blockdev', `file,node-name=f,filename=${at('disk.img')}`],
      ...['--export', 'nbd,id=e1,node-name=f', '--export', 'nbd,id=e2,node-name=f,name=second'],
    ]);
    const client = await connect(at('qmp.sock'));
    const events: unknown[] = [];
    client.on('*', ({ event, data }) => void events.push([event, data]));
    await client.execute('quit');
    expect((await ended).code).toBe(0);
    const both = ['e1', 'e2'].map((id) => ['BLOCK_EXPORT_DELETED', { id }]);
    const shutdown = ['SHUTDOWN', { guest: false, reason: 'host-qmp-quit' }];
    await vi.waitFor(() => expect(events).toEqual([shutdown, ...both]), { timeout: 20_000 });
  });

  test('announces by an event that a signal ends it, unless it was started as the storage daemon', async () => {
    const folder = folderWith({});
    const asDaemon = ['--chardev', `socket,id=c,path=${folder}/c,server=on,wait=off`, '--monitor', 'c'];
    for (const [args, path] of [
      [['--qmp', `unix:${folder}/q`], 'q'],
      [asDaemon, 'c'],
    ] as const) {
      const server = await serving(args);
      const client = await connect(join(folder, path));
      const events: unknown[] = [];
      client.on('*', ({ event, data }) => void events.push([event, data]));
      await server.interrupt();
      await client.closed;
      expect(events).toEqual(path === 'q' ? [['SHUTDOWN', { guest: false, reason: 'host-signal' }]] : []);
    }
  });
});

describe('serve', () => {
  test('takes QMP clients, until it is interrupted', async () => {
    const socket = join(folderWith({}), 'qmp.sock');
    const server = await serving(['--qmp', `unix:${socket}`, '--blockdev', 'null-co,node-name=n,size=4096']);
    expect(server.ready).toMatchObject({ qmp: [`unix:${socket}`], nbd: [] });
    const client = await connect(socket);
    expect(client.greeting.version).toMatchObject({ qemu: { major: 11, minor: 1, micro: 0 } });
    expect(await client.execute('query-named-block-nodes')).toMatchObject([
      { 'node-name': 'n', drv: 'null-co', image: { 'virtual-size': 4096 } },
    ]);
    const ran = await server.interrupt();
    expect(ran).toMatchObject({ code: 0, stdout: '' });
    expect(log(ran).map(({ msg }) => msg)).toEqual(['ready', 'stopping', 'stopped']);
    expect(existsSync(socket)).toBe(false);
    await client.close();
  });

  test('logs when a job begins, and how it ends', async () => {
    const socket = join(folderWith({}), 'qmp.sock');
    const folder = folderWith({});
    const broken =
      'format=raw,file.driver=blkdebug,file.image.driver=null-co,file.image.size=1M,file.inject-error.0.event=read_aio';
    const disk = ['--drive', 'driver=null-co,size=1M,id=d', '--drive', `${broken},file.inject-error.0.errno=5,id=b`];
    const server = await serving(['--qmp', `unix:${socket}`, ...disk, '--allow', folder]);
    const client = await connect(socket);
    const mirror = { device: 'd', sync: 'full', target: join(folder, 'copy'), format: 'raw' };
    await runJob(client, 'drive-mirror', { ...mirror, 'job-id': 'well' });
    await expect(
      runJob(client, 'drive-backup', { ...mirror, 'job-id': 'broken', device: 'b', target: join(folder, 'other') }),
    ).rejects.toThrow('Input/output error');
    const cancelled = client.waitFor('BLOCK_JOB_CANCELLED', undefined, { timeout: 20_000 });
    await client.execute('drive-backup', { ...mirror, 'job-id': 'slow', speed: 1, target: join(folder, 'third') });
    await client.execute('block-job-cancel', { device: 'slow' });
    await cancelled;
    await client.close();
    const jobs = log(await server.interrupt()).filter(({ msg }) => msg.startsWith('job '));
    const job = (id: string, type: string, state: string, error = {}) => ({
      level: 'info',
      id,
      type,
      ...error,
      msg: `job ${state}`,
    });
    expect(jobs).toEqual([
      job('well', 'mirror', 'started'),
      job('well', 'mirror', 'completed'),
      job('broken', 'backup', 'started'),
      job('broken', 'backup', 'failed', { error: 'Input/output error' }),
      job('slow', 'backup', 'started'),
      job('slow', 'backup', 'cancelled'),
    ]);
  });

  test('ends when a client sends quit', async () => {
    const socket = join(folderWith({}), 'qmp.sock');
    const server = await serving(['--qmp', `unix:${socket}`]);
    const client = await connect(socket);
    await client.execute('quit');
    expect(await server.ended).toMatchObject({ code: 0 });
    await client.close();
  });

  test('listens at several places, and reports the ports that it got', async () => {
    const folder = folderWith({});
    const { ready, interrupt } = await serving([
      ...['--qmp', 'tcp:127.0.0.1:0', '--qmp', `unix:${folder}/q`],
      ...['--blockdev', 'null-co,node-name=n', '--nbd', `unix:${folder}/n,node=n`, '--nbd', 'tcp:127.0.0.1:0'],
    ]);
    expect(ready.qmp).toEqual([expect.stringMatching(/^tcp:127\.0\.0\.1:[1-9]\d*$/), `unix:${folder}/q`]);
    expect(ready.nbd).toEqual([`unix:${folder}/n`, expect.stringMatching(/^tcp:127\.0\.0\.1:[1-9]\d*$/)]);
    const client = await connect((ready.qmp[0] ?? '').slice('tcp:'.length));
    await client.close();
    await interrupt();
    expect(existsSync(`${folder}/n`)).toBe(false);
  });

  test('speaks QMP on standard input and output only, and ends when no client can come any more', async () => {
    const stdin = new PassThrough();
    const server = await serving(['--qmp', 'stdio', '--drive', 'driver=null-co,id=d,boot=on'], stdin);
    stdin.end('{"execute": "qmp_capabilities"}\n{"execute": "query-block", "id": 1}\n');
    const ran = await server.ended;
    const replies = ran.stdout
      .trim()
      .split('\r\n')
      .map((line) => JSON.parse(line));
    expect(replies).toEqual([
      { QMP: expect.anything() },
      { return: {} },
      { return: [expect.objectContaining({ device: 'd' })], id: 1 },
    ]);
    expect(ran.code).toBe(0);
    expect(log(ran)[0]).toEqual({
      level: 'warn',
      option: '--drive driver=null-co,id=d,boot=on',
      msg: "'boot' is deprecated and has no effect: remove it",
    });
  });

  test('goes on without standard input when others can come', async () => {
    const socket = join(folderWith({}), 'qmp.sock');
    const stdin = new PassThrough();
    const server = await serving(['--qmp', 'stdio', '--qmp', `unix:${socket}`], stdin);
    stdin.end();
    await once(stdin, 'close');
    const client = await connect(socket);
    expect(await client.execute('query-block')).toEqual([]);
    await client.close();
    expect(await server.interrupt()).toMatchObject({ code: 0 });
  });

  test('logs that it is ready even when the log level is high', async () => {
    const server = await serving(['--qmp', 'tcp:127.0.0.1:0', '--log-level', 'error']);
    expect(log(await server.interrupt()).map(({ msg }) => msg)).toEqual(['ready']);
  });

  test('attaches the devices of --device to drives', async () => {
    const socket = join(folderWith({}), 'qmp.sock');
    const server = await serving([
      ...['--qmp', `unix:${socket}`, '--drive', 'id=a', '--drive', 'if=ide,media=cdrom', '--drive', 'if=floppy'],
      ...['--drive', 'driver=null-co,if=virtio', '--device', 'cdrom,drive=a,id=cd,locked=on'],
    ]);
    const client = await connect(socket);
    expect(await client.execute('query-block')).toMatchObject([
      { device: 'a', removable: true, locked: true, tray_open: false },
      { device: 'ide0-cd0', removable: true, locked: false, tray_open: false },
      { device: 'floppy0', removable: true },
      { device: 'virtio0', removable: false },
    ]);
    await client.close();
    await server.interrupt();
  });
});

describe('commands about what the command line makes', () => {
  /** A client of a server that has some options more than a socket. */
  async function clientOf(...args: string[]): Promise<QmpClient> {
    const socket = join(folderWith({}), 'qmp.sock');
    const server = await serving(['--qmp', `unix:${socket}`, ...args]);
    const client = await connect(socket);
    onTestFinished(async () => {
      await client.close();
      await server.interrupt();
    });
    return client;
  }

  test('drive_add adds drives and drive_del deletes them', async () => {
    const client = await clientOf('--blockdev', 'null-co,node-name=mine');
    const human = (line: string) => client.execute('human-monitor-command', { 'command-line': line });
    const names = async () =>
      ((await client.execute('query-block')) as { device: string }[]).map(({ device }) => device);
    expect(await human('drive_add 0 if=none,id=x,file=/nonexistent/a')).toMatch(/^Error: Could not open .*\r\n$/);
    expect(await human('drive_add 0 if=none,id=x')).toBe('OK\r\n');
    expect(await human('drive_add 0 if=none,id=x')).toMatch(/'x' already/);
    expect(await human('drive_add 0 driver=null-co')).toBe('OK\r\n');
    expect(await human('drive_add 0 if=virtio,driver=null-co')).toMatch(/if=virtio cannot be added/);
    expect(await names()).toEqual(['x', 'none1']);
    // A slot and an id are free again.
    expect(await human('drive_del x')).toBe('');
    expect(await human('drive_add 0 id=x,unit=0')).toBe('OK\r\n');
    expect(await names()).toEqual(['none1', 'x']);
    expect(await human('drive_add -n 0 driver=null-co,node-name=n,size=1048576')).toBe('');
    expect(await client.execute('query-named-block-nodes')).toMatchObject([
      { 'node-name': 'n', image: { 'virtual-size': 1048576 } },
      { drv: 'null-co' },
      { 'node-name': 'mine' },
    ]);
    expect(await human('drive_add -n 0 driver=null-co,node-name=n')).toMatch(/Duplicate nodes with node-name='n'/);
    expect(await human('drive_del n')).toBe('');
    expect(await human('drive_del n')).toBe("Error: Device 'n' not found\r\n");
    expect(await human('info block x')).toMatch(/^x: \[not inserted\]/);
  });

  test('a drive whose medium was added by blockdev-add is not deleted', async () => {
    const client = await clientOf('--blockdev', 'null-co,node-name=n', '--drive', 'id=d');
    await client.execute('x-blockdev-insert-medium', { device: 'd', 'node-name': 'n' });
    const deleted = await client.execute('human-monitor-command', { 'command-line': 'drive_del d' });
    expect(deleted).toMatch(/not supported/);
    await client.execute('x-blockdev-remove-medium', { device: 'd' });
    expect(await client.execute('human-monitor-command', { 'command-line': 'drive_del d' })).toBe('');
  });

  test('query-command-line-options lists the options of the command line', async () => {
    const client = await clientOf();
    const drive = await client.execute('query-command-line-options', { option: 'drive' });
    expect(drive).toEqual([{ option: 'drive', parameters: expect.any(Array) }]);
    await expect(client.execute('query-command-line-options', { option: 'x' })).rejects.toThrow(/no option 'x'/);
  });

  test('nbd-server-start replaces the socket of a dead process, and of no other', async () => {
    const folder = folderWith({});
    const stale = `${folder}/stale`;
    // What a killed process leaves behind: a socket without a listener.
    spawnSync(process.execPath, [
      '-e',
      `require('net').createServer().listen('${stale}', () => process.kill(process.pid, 9))`,
    ]);
    const other = createServer().listen(`${folder}/used`);
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const client = await clientOf();
    const startAt = (path: string) => client.execute('nbd-server-start', { addr: { type: 'unix', data: { path } } });
    await expect(startAt(`${folder}/used`)).rejects.toThrow(/another process listens there/);
    expect(existsSync(stale)).toBe(true);
    await startAt(stale);
    await client.execute('nbd-server-stop');
    expect(existsSync(stale)).toBe(false);
  });

  test('commands name devices by their ids', async () => {
    const client = await clientOf('--drive', 'driver=null-co,id=cd0', '--device', 'cdrom,drive=cd0,id=dev,locked=on');
    const moved = client.waitFor('DEVICE_TRAY_MOVED');
    await expect(client.execute('eject', { id: 'dev' })).rejects.toThrow(/locked/);
    await client.execute('eject', { id: 'dev', force: true });
    expect(await moved).toMatchObject({ data: { device: 'cd0', id: 'dev', 'tray-open': true } });
  });

  test('a drive has the limits of its throttle group', async () => {
    const client = await clientOf(
      '--drive',
      'driver=null-co,id=d,bps=1000,bps_max=5000,group=g,iops_rd=7,iops_size=4096',
    );
    expect(await client.execute('query-block')).toMatchObject([
      { inserted: { bps: 1000, bps_max: 5000, iops_rd: 7, iops_size: 4096, group: 'g' } },
    ]);
  });
});

describe('a server that cannot be started', () => {
  test.each([
    [
      ['--drive', 'file=/nonexistent/a,id=d'],
      /^error: --drive file=\/nonexistent\/a,id=d: Could not open .*No such file/,
    ],
    [['--blockdev', 'file,node-name=n,filename=/nonexistent/a'], /^error: --blockdev file,.*No such file/],
    [
      ['--qmp', 'unix:/nonexistent/q'],
      /^error: --qmp unix:\/nonexistent\/q: Failed to bind socket to \/nonexistent\/q: No such file or directory: /,
    ],
    [['--nbd', 'unix:/nonexistent/n'], /^error: --nbd unix:\/nonexistent\/n: /],
  ])('%j: says why, and leaves nothing behind', async (args, message) => {
    const folder = folderWith({});
    const first = ['--qmp', `unix:${folder}/q`, '--nbd', `unix:${folder}/n`];
    const ran = await qapiTs(['serve', ...first, ...args]);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(message);
    expect([existsSync(`${folder}/q`), existsSync(`${folder}/n`)]).toEqual([false, false]);
  });

  test('does not replace a socket that is in use', async () => {
    const socket = join(folderWith({}), 'used');
    const other = createServer().listen(socket);
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    for (const option of ['--qmp', '--nbd']) {
      const ran = await qapiTs(['serve', option, `unix:${socket}`]);
      expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('another process listens there') });
    }
  });

  test('stops starting when it is interrupted', async () => {
    for (const more of [[], ['--drive', 'file=/nonexistent/a'], ['--nbd', 'unix:/nonexistent/n']]) {
      const ran = await qapiTs(['serve', '--qmp', 'tcp:127.0.0.1:0', ...more], { signal: AbortSignal.abort() });
      expect(ran.code).toBe(130);
      expect(log(ran).map(({ msg }) => msg)).toEqual(['stopping']);
    }
  });
});

describe('serve --check-config', () => {
  const check = (...args: string[]): Promise<Ran> => qapiTs(['serve', '--check-config', ...args]);

  test('opens no image and no socket', async () => {
    const folder = folderWith({});
    const ran = await check(
      ...['--qmp', `unix:${folder}/q`, '--nbd', `unix:${folder}/n,device=d`],
      ...['--drive', 'file=/nonexistent/a,format=raw,id=d', '--device', 'disk,drive=d'],
      ...['--object', 'secret,id=s,data=abc', '--blockdev', '{"driver": "null-co", "node-name": "n"}'],
    );
    expect(ran).toEqual({ code: 0, stdout: 'The configuration is valid.\n', stderr: '' });
    expect(existsSync(`${folder}/q`)).toBe(false);
  });

  test('reports all problems at once', async () => {
    const ran = await check(
      ...['--qmp', 'nowhere', '--drive', 'media=tape', '--drive', 'id=d,bps=1,bps_rd=1', '--device', 'disk,drive=x'],
      ...['--nbd', 'node=x', '--object', 'secret,id=1', '--blockdev', 'null-co'],
    );
    expect(ran.code).toBe(1);
    expect(ran.stdout).toBe('');
    const lines = ran.stderr.trim().split('\n');
    expect(lines).toHaveLength(7);
    for (const line of lines) expect(line).toMatch(/^error: --(qmp|drive|device|nbd|object|blockdev) .+: .+/);
  });

  test('prints warnings about deprecated options', async () => {
    expect(await check('--qmp', 'stdio', '--drive', 'boot=on')).toEqual({
      code: 0,
      stdout: 'The configuration is valid.\n',
      stderr: "warning: --drive boot=on: 'boot' is deprecated and has no effect: remove it\n",
    });
  });

  test('refuses to start when no client could reach it, but for the options of the storage daemon', async () => {
    for (const args of [[], ['--drive', 'driver=null-co']]) {
      expect(await check(...args)).toMatchObject({ code: 1, stderr: expect.stringContaining('--qmp or an --nbd') });
    }
    for (const args of [
      ['--chardev', 'null,id=c'],
      ['--pidfile', 'p'],
      ['--blockdev', 'null-co,node-name=n'],
    ]) {
      expect(await check(...args)).toMatchObject({ code: 0, stderr: 'warning: no client could reach the server\n' });
    }
  });

  test('reports unknown drivers', async () => {
    expect(await check('--qmp', 'stdio', '--drivers', 'raw,bogus')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/Unknown driver 'bogus'/),
    });
    expect(await check('--qmp', 'stdio', '--drivers', 'file', '--blockdev', 'null-co,node-name=n')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/'null-co' is not whitelisted/),
    });
    expect(await check('--qmp', 'stdio', '--log-level', 'warning')).toMatchObject({ code: 1 });
  });

  test('reports files outside of the allowed folders', async () => {
    const folder = folderWith({ 'in/a': '', 'out/b': '' });
    const allow = ['--qmp', 'stdio', '--allow', `${folder}/in`];
    expect(await check(...allow, '--drive', `file=${folder}/in/a`)).toMatchObject({ code: 0 });
    const refused = [
      ['--drive', `file=${folder}/out/b`],
      ['--drive', `driver=raw,file.filename=file:${folder}/in/../out/b`],
      ['--blockdev', `file,node-name=n,filename=${folder}/out/b`],
      ['--object', `secret,id=s,file=${folder}/out/b`],
      ['--object', `memory-backend-file,id=m,size=1M,mem-path=${folder}/out/m`],
    ];
    for (const option of refused) {
      expect(await check(...allow, ...option), option.join(' ')).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^error: --\w+ .*may not be used/),
      });
    }
    expect(await check('--qmp', 'stdio', '--allow', `${folder}/missing`, '--drive', 'if=x')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: --drive .*\nerror: --allow: Cannot allow .*\n$/),
    });
  });
});

describe('serve --allow', () => {
  test('keeps commands to the folders, too', async () => {
    const folder = folderWith({ 'in/a': 'x'.repeat(512), 'out/b': 'x'.repeat(512) });
    symlinkSync('../out/b', `${folder}/in/link`);
    mkdirSync(`${folder}/also`);
    const server = await serving([
      ...['--qmp', `unix:${folder}/q`, '--allow', `${folder}/in`, '--allow', `${folder}/also`],
      ...['--drive', `file=${folder}/in/a,format=raw,id=d`],
    ]);
    const client = await connect(`${folder}/q`);
    const add = (filename: string) =>
      client.execute('blockdev-add', {
        options: { driver: 'raw', 'node-name': 'r', file: { driver: 'file', filename } },
      });
    for (const file of ['out/b', 'in/link', 'in/../out/b', 'also/../out/b']) {
      await expect(add(`${folder}/${file}`), file).rejects.toThrow(/may not be used/);
    }
    await expect(add('/dev/zero')).rejects.toThrow(/may not be used/);
    await expect(add(`${folder}/also/../in/a`)).resolves.toBeDefined();
    await client.close();
    await server.interrupt();
  });
});
