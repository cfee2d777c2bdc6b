import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../runtime/qmp/client.js';
import { folderWith } from '../cli/command-line.js';
import { describeWithPrograms } from './programs.js';
import { bundledProgram, type ServerEnd, startServerProcess } from './serve-program.js';

let program: string;
let remove: () => void;

beforeAll(async () => {
  ({ program, remove } = await bundledProgram());
});

afterAll(() => remove());

const start = (args: readonly string[], env?: Record<string, string>) => startServerProcess(program, args, env);

/** The messages of the log; all of standard error must be log. */
const messages = ({ stderr }: ServerEnd): string[] =>
  stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).msg);

const nullNode = ['--blockdev', 'null-co,node-name=n'];

describe('the process of a server', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('ends in order at %s', async (signal) => {
    const folder = folderWith({});
    const server = start(['--qmp', `unix:${folder}/q`, '--nbd', `unix:${folder}/n,node=n`, ...nullNode]);
    expect(await server.ready).toMatchObject({ qmp: [`unix:${folder}/q`], nbd: [`unix:${folder}/n`] });
    server.process.kill(signal);
    const end = await server.ended;
    expect(end).toMatchObject({ code: 0, signal: null, stdout: '' });
    expect(messages(end)).toEqual(['ready', 'stopping', 'stopped']);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('ends when a client sends quit', async () => {
    const folder = folderWith({});
    const server = start(['--qmp', `unix:${folder}/q`]);
    await server.ready;
    const client = await connect(`${folder}/q`);
    await client.execute('quit');
    expect(await server.ended).toMatchObject({ code: 0 });
    await client.close();
  });

  test('ends at once at the second signal', async () => {
    // Probing reads the first bytes, which takes a minute.
    const slow = '--drive=file.driver=null-co,file.latency-ns=60000000000';
    const folder = folderWith({});
    const server = start(['--nbd', `unix:${folder}/n`, slow, '--log-level', 'debug']);
    await server.logged('starting');
    server.process.kill('SIGTERM');
    await server.logged('stopping');
    expect(server.process.exitCode).toBeNull();
    server.process.kill('SIGINT');
    expect(await server.ended).toMatchObject({ code: 130, signal: null });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('ends in order at a signal also when a thread hangs in the file system', async () => {
    const folder = folderWith({ 'hang.cjs': "require('fs').open(process.env.PIPE, 'r', () => {});" });
    execFileSync('mkfifo', [`${folder}/pipe`]);
    const hang = { NODE_OPTIONS: `--require=${folder}/hang.cjs`, PIPE: `${folder}/pipe` };
    const server = start(['--qmp', `unix:${folder}/q`], hang);
    await server.ready;
    server.process.kill('SIGTERM');
    const end = await server.ended;
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(messages(end).at(-1)).toBe('stopped');
    expect(readdirSync(folder).sort()).toEqual(['hang.cjs', 'pipe']);
  });

  test('ends at once at the second signal also when a thread hangs in the file system', async () => {
    const folder = folderWith({
      // What a network file system that does not answer does to opening, a pipe without a writer does, too.
      'hang.cjs': "require('fs').open(process.env.PIPE, 'r', () => {});",
    });
    execFileSync('mkfifo', [`${folder}/pipe`]);
    const hang = { NODE_OPTIONS: `--require=${folder}/hang.cjs`, PIPE: `${folder}/pipe` };
    const slow = '--drive=file.driver=null-co,file.latency-ns=60000000000';
    const server = start(['--nbd', `unix:${folder}/n`, slow, '--log-level', 'debug'], hang);
    await server.logged('starting');
    server.process.kill('SIGTERM');
    await server.logged('stopping');
    server.process.kill('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 130, signal: null });
    expect(readdirSync(folder).sort()).toEqual(['hang.cjs', 'pipe']);
  });

  test('an object whose file is a pipe holds up no client', async () => {
    const folder = folderWith({});
    execFileSync('mkfifo', [`${folder}/pipe`]);
    const server = start(['--qmp', `unix:${folder}/q`]);
    await server.ready;
    const client = await connect(`${folder}/q`);
    const added = client.execute('object-add', { 'qom-type': 'secret', id: 's', file: `${folder}/pipe` });
    await expect(added).rejects.toThrow('it is a pipe, but must be a regular file');
    await client.close();
    server.process.kill('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 0 });
  });

  test('takes the place of one that was killed', async () => {
    const folder = folderWith({});
    const args = ['--qmp', `unix:${folder}/q`, '--nbd', `unix:${folder}/n`];
    const first = start(args);
    await first.ready;
    first.process.kill('SIGKILL');
    await first.ended;
    expect(readdirSync(folder).sort()).toEqual(['n', 'q']);
    const second = start(args);
    await second.ready;
    second.process.kill();
    expect(await second.ended).toMatchObject({ code: 0 });
  });

  test('speaks QMP on standard output, and nothing else', async () => {
    const server = start(['--qmp', 'stdio', ...nullNode]);
    server.process.stdin.end('{"execute": "qmp_capabilities"}{"execute": "query-named-block-nodes"}');
    const end = await server.ended;
    expect(end.code).toBe(0);
    const replies = end.stdout
      .trim()
      .split('\r\n')
      .map((line) => JSON.parse(line));
    expect(replies).toMatchObject([{ QMP: {} }, { return: {} }, { return: [{ 'node-name': 'n' }] }]);
    expect(messages(end)).toEqual(['ready', 'stopping', 'stopped']);
  });

  test('goes on when the readers of its standard output and its log have closed them', async () => {
    const folder = folderWith({});
    const server = start(['--qmp', 'stdio', '--qmp', `unix:${folder}/q`, ...nullNode]);
    await server.ready;
    server.process.stdout.destroy();
    server.process.stderr.destroy();
    server.process.stdin.write('{"execute": "qmp_capabilities"}{"execute": "query-block"}');
    const client = await connect(`${folder}/q`);
    for (let times = 0; times < 3; times++) expect(await client.execute('query-block')).toEqual([]);
    await client.execute('quit');
    expect(await server.ended).toMatchObject({ code: 0, signal: null });
    await client.close();
  });

  test('a server that cannot be started leaves no socket and no temporary file', async () => {
    const folder = folderWith({ 'a.raw': 'x'.repeat(65536), 'tmp/keep': '' });
    const used = createServer().listen(`${folder}/used`);
    onTestFinished(() => void used.close());
    const server = start(
      [
        ...['--nbd', `unix:${folder}/n`, '--drive', `file=${folder}/a.raw,format=raw,id=d`],
        ...['--qmp', `unix:${folder}/q`, '--qmp', `unix:${folder}/used`],
      ],
      { TMPDIR: `${folder}/tmp` },
    );
    const { code, stdout, stderr } = await server.ended;
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toBe(
      `error: --qmp unix:${folder}/used: Cannot listen on '${folder}/used': another process listens there\n`,
    );
    expect(readdirSync(folder).sort()).toEqual(['a.raw', 'tmp', 'used']);
    expect(readdirSync(`${folder}/tmp`)).toEqual(['keep']);
  });
});

describeWithPrograms('a server with images', ['qemu-img', 'qemu-io', 'nbdcopy'], () => {
  const io = (...commands: string[]) => execFileSync('qemu-io', commands, { encoding: 'utf8', stdio: 'pipe' });

  test('writes everything before it ends, though no client flushed', async () => {
    const folder = folderWith({ 'a.raw': '' });
    execFileSync('qemu-img', ['create', '-q', '-f', 'raw', `${folder}/a.raw`, '1M']);
    const server = start([
      '--drive',
      `file=${folder}/a.raw,format=raw,id=d`,
      '--nbd',
      `unix:${folder}/n,device=d,writable=on`,
    ]);
    await server.ready;
    const uri = `nbd+unix:///d?socket=${folder}/n`;
    io('-f', 'raw', '-t', 'writeback', '-c', 'write -P 0x5a 64k 128k', uri);
    server.process.kill();
    expect(await server.ended).toMatchObject({ code: 0 });
    expect(io('-f', 'raw', '-r', '-c', 'read -P 0x5a 64k 128k', `${folder}/a.raw`)).not.toContain('failed');
  });

  test('leaves an image unchanged with snapshot=on, and hides its overlay', async () => {
    const folder = folderWith({ 'a.raw': 'a'.repeat(1 << 20), 'tmp/keep': '' });
    const server = start(
      [
        '--snapshot',
        '--drive',
        `file=${folder}/a.raw,format=raw,id=d`,
        '--nbd',
        `unix:${folder}/n,device=d,writable=on`,
      ],
      { TMPDIR: `${folder}/tmp` },
    );
    await server.ready;
    expect(readdirSync(`${folder}/tmp`)).toEqual(['keep']);
    const uri = `nbd+unix:///d?socket=${folder}/n`;
    io('-f', 'raw', '-c', 'write -P 0x5a 0 64k', uri);
    expect(io('-f', 'raw', '-c', 'read -P 0x5a 0 64k', '-c', 'read -P 0x61 64k 64k', uri)).not.toContain('failed');
    server.process.kill();
    expect(await server.ended).toMatchObject({ code: 0 });
    expect(readFileSync(`${folder}/a.raw`, 'utf8') === 'a'.repeat(1 << 20)).toBe(true);
    expect(readdirSync(`${folder}/tmp`)).toEqual(['keep']);
  });

  test('does not let clients write without writable=on', async () => {
    const folder = folderWith({ 'a.raw': 'a'.repeat(65536) });
    const server = start([
      '--drive',
      `file=${folder}/a.raw,format=raw,id=d`,
      '--nbd',
      `unix:${folder}/n,device=d,export=x`,
    ]);
    await server.ready;
    const uri = `nbd+unix:///x?socket=${folder}/n`;
    expect(spawnSync('qemu-io', ['-f', 'raw', '-c', 'write 0 512', uri], { encoding: 'utf8' }).stderr).toMatch(
      /Permission denied|read-only/i,
    );
    execFileSync('nbdcopy', [uri, `${folder}/copy`]);
    expect(readFileSync(`${folder}/copy`, 'utf8') === 'a'.repeat(65536)).toBe(true);
  });

  test('ends when blkverify finds that two images differ', async () => {
    const folder = folderWith({ 'a.raw': 'a'.repeat(65536), 'b.raw': 'b'.repeat(65536) });
    const child = (name: string) =>
      `${name}.driver=file,${name}.filename=${join(folder, `${name === 'raw' ? 'a' : 'b'}.raw`)}`;
    const server = start([
      ...['--blockdev', `blkverify,node-name=v,${child('raw')},${child('test')}`],
      ...['--nbd', `unix:${folder}/n,node=v`],
    ]);
    await server.ready;
    spawnSync('qemu-io', ['-f', 'raw', '-r', '-c', 'read 0 512', `nbd+unix:///v?socket=${folder}/n`]);
    const end = await server.ended;
    expect(end.code).toBe(1);
    expect(
      end.stderr
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).level),
    ).toContain('fatal');
    expect(existsSync(`${folder}/n`)).toBe(false);
  });

  test('ends in order also while clients are writing', async () => {
    const folder = folderWith({});
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', `${folder}/a.qcow2`, '1G']);
    const server = start([
      ...['--drive', `file=${folder}/a.qcow2,format=qcow2,id=d`],
      ...['--nbd', `unix:${folder}/n,device=d,writable=on`, '--qmp', `unix:${folder}/q`],
    ]);
    await server.ready;
    const uri = `nbd+unix:///d?socket=${folder}/n`;
    const load = spawn('qemu-img', ['bench', '-w', '-f', 'raw', '-c', '1000000', '-d', '16', '-S', '70000', uri], {
      stdio: 'ignore',
    });
    onTestFinished(() => void load.kill('SIGKILL'));
    const client = await connect(`${folder}/q`);
    const written = async (): Promise<number> => {
      const [{ stats } = { stats: { wr_bytes: 0 } }] = (await client.execute('query-blockstats')) as {
        stats: { wr_bytes: number };
      }[];
      return stats.wr_bytes;
    };
    while ((await written()) < 1 << 20) await new Promise((resolve) => setTimeout(resolve, 10));
    server.process.kill();
    expect(await server.ended).toMatchObject({ code: 0 });
    expect(execFileSync('qemu-img', ['check', `${folder}/a.qcow2`], { encoding: 'utf8' })).toContain('No errors');
    await client.close();
  });

  test('reports it, and ends with 1, when it cannot write everything', async () => {
    const folder = folderWith({ 'a.raw': 'a'.repeat(65536) });
    const faulty = 'file.driver=blkdebug,file.inject-error.0.event=flush_to_disk,file.inject-error.0.errno=5';
    const server = start([
      ...['--blockdev', `raw,node-name=d,${faulty},file.image.driver=file,file.image.filename=${folder}/a.raw`],
      ...['--nbd', `unix:${folder}/n,node=d,writable=on`],
    ]);
    await server.ready;
    io('-f', 'raw', '-t', 'unsafe', '-c', 'write 0 512', `nbd+unix:///d?socket=${folder}/n`);
    server.process.kill();
    const end = await server.ended;
    expect(messages(end)).toContainEqual(expect.stringMatching(/^Flushing node 'd' failed: .*Input\/output error/));
    expect(end.code).toBe(1);
  });

  test('opens no backing file outside of the allowed folders', async () => {
    const folder = folderWith({ 'in/x': '', 'out/base.raw': 'b'.repeat(65536) });
    execFileSync('qemu-img', [
      'create',
      '-q',
      '-f',
      'qcow2',
      '-b',
      '../out/base.raw',
      '-F',
      'raw',
      `${folder}/in/top.qcow2`,
    ]);
    writeFileSync(`${folder}/in/base.raw`, 'c'.repeat(65536));
    const args = ['--qmp', 'stdio', '--allow', `${folder}/in`];
    const outside = await start([...args, '--drive', `file=${folder}/in/top.qcow2,format=qcow2,id=d`]).ended;
    expect(outside).toMatchObject({ code: 1, stderr: expect.stringMatching(/backing file.*may not be used/) });
    execFileSync('qemu-img', ['rebase', '-u', '-b', 'base.raw', '-F', 'raw', `${folder}/in/top.qcow2`]);
    const inside = start([...args, '--drive', `file=${folder}/in/top.qcow2,format=qcow2,id=d`]);
    await inside.ready;
    inside.process.kill();
    await inside.ended;
  });
});
