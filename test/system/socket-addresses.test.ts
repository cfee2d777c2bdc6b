import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { connect } from '../../runtime/qmp/client.js';
import { describeWithPrograms } from './programs.js';
import { bundledProgram, startServerProcess } from './serve-program.js';
import { endChild } from './unix-server.js';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'socket-addresses-'));
const image = join(folder, 'disk.raw');

/** A name that no other run has. */
const unique = (name: string): string => `qapi-ts-${process.pid}-${name}`;

/** The options that a `json:` file name stands for. */
function optionsOf(file = ''): { readonly [key: string]: unknown } {
  return JSON.parse(file.replace(/^json:/, ''));
}

describeWithPrograms('sockets of all kinds', ['qemu-storage-daemon', 'qemu-io', 'socat'], () => {
  let program: Awaited<ReturnType<typeof bundledProgram>>;
  beforeAll(async () => {
    writeFileSync(image, Buffer.alloc(65_536, 7));
    program = await bundledProgram();
  });
  afterAll(() => {
    program.remove();
    rmSync(folder, { recursive: true });
  });

  /** Starts a storage daemon, the real one or ours, and waits until a text is in the list of unix sockets. */
  async function startDaemon(which: string, args: readonly string[], socket?: string): Promise<void> {
    if (which === 'ours') {
      await startServerProcess(program.program, args).ready;
    } else {
      const child = spawn('qemu-storage-daemon', args, { stdio: ['ignore', 'ignore', 'inherit'] });
      onTestFinished(() => endChild(child));
      await vi.waitFor(() => expect(readFileSync('/proc/net/unix', 'utf8')).toContain(socket), { timeout: 20_000 });
    }
  }

  it.each([
    ['ours', true],
    ['ours', false],
    ['theirs', true],
    ['theirs', false],
  ])('an NBD server under an abstract name is reached by both, %s, tight %s', async (which, tight) => {
    const name = unique(`nbd-${which}-${tight}`);
    const place = `addr.type=unix,addr.path=${name},addr.abstract=on,addr.tight=${tight ? 'on' : 'off'}`;
    const node = `file,node-name=n,filename=${image}`;
    await startDaemon(which, ['--blockdev', node, '--nbd-server', place, '--export', 'nbd,id=e,node-name=n'], name);
    const server = { type: 'unix', path: name, abstract: true, tight };
    const options = { driver: 'nbd', export: 'n', server };
    const { stdout } = await run('qemu-io', [
      ...['-r', '-c', 'read -P 7 0 64k', `json:${JSON.stringify({ driver: 'raw', file: options })}`],
    ]);
    expect(stdout).toContain('read 65536/65536 bytes');
    const monitor = unique(`monitor-${which}-${tight}`);
    await startServerProcess(program.program, ['--qmp', `abstract:${monitor}`]).ready;
    await using client = await connect(`abstract:${monitor}`);
    const added = { ...options, 'node-name': 'm', 'read-only': true };
    await client.execute('blockdev-add', added);
    const said = await client.execute('human-monitor-command', { 'command-line': 'qemu-io m "read -P 7 0 64k"' });
    expect(said).toContain('read 65536/65536 bytes');
    const [shown] = (await client.execute('query-named-block-nodes', {})) as { file: string }[];
    const { 'server.path': path, 'server.abstract': abstract, 'server.tight': isTight = true } = optionsOf(shown?.file);
    expect([path, abstract, isTight]).toEqual([name, true, tight]);
  });

  it.each([
    ['ours', true],
    ['ours', false],
    ['theirs', true],
    ['theirs', false],
  ])('a monitor under an abstract name is reached by the client, %s, tight %s', async (which, tight) => {
    const name = unique(`qmp-${which}-${tight}`);
    const place = `path=${name},abstract=on,tight=${tight ? 'on' : 'off'}`;
    await startDaemon(which, ['--chardev', `socket,id=c,${place},server=on,wait=off`, '--monitor', 'c'], name);
    await using client = await connect({ path: name, abstract: true, tight });
    expect(await client.execute('query-jobs')).toEqual([]);
    await expect(connect({ path: `${name}-other`, abstract: true, tight })).rejects.toThrow(
      `cannot connect to abstract:${name}-other: no program listens under this name`,
    );
  });

  it('a client and a server of another program are reached under an abstract name', async () => {
    const name = unique('socat');
    await startDaemon('ours', [
      ...['--chardev', `socket,id=c,path=${name},abstract=on,server=on,wait=off`, '--monitor', 'c'],
    ]);
    const client = spawn('socat', ['-t5', '-', `ABSTRACT-CONNECT:${name}`]);
    onTestFinished(() => endChild(client));
    client.stdin.write('{"execute":"qmp_capabilities"}');
    let heard = '';
    client.stdout.on('data', (data) => {
      heard += data;
    });
    await vi.waitFor(() => expect(heard).toContain('{"return": {}}'), { timeout: 20_000 });
    const other = unique('socat-listens');
    const listener = spawn('socat', ['-', `ABSTRACT-LISTEN:${other}`]);
    onTestFinished(() => endChild(listener));
    await vi.waitFor(() => expect(readFileSync('/proc/net/unix', 'utf8')).toContain(other), { timeout: 20_000 });
    const greeted = once(listener.stdout, 'data') as Promise<[Buffer]>;
    await startDaemon('ours', ['--chardev', `socket,id=c,path=${other},abstract=on`, '--monitor', 'c']);
    expect(String((await greeted)[0])).toContain('"QMP"');
  });

  it('the second server under an abstract name is refused', async () => {
    const name = unique('twice');
    const args = ['--chardev', `socket,id=c,path=${name},abstract=on,server=on,wait=off`, '--monitor', 'c'];
    await startDaemon('ours', args);
    const { code, stderr } = await startServerProcess(program.program, args).ended;
    expect(code).toBe(1);
    expect(stderr).toContain(`Failed to bind socket to abstract:${name}: Address already in use`);
  });

  it.each(['ours', 'theirs'])('a telnet client is greeted and understood as by the other: %s', async (which) => {
    const path = join(folder, `telnet-${which}`);
    const device = `socket,id=c,path=${path},telnet=on,server=on,wait=off`;
    await startDaemon(which, ['--chardev', device, '--monitor', 'c'], path);
    const client = spawn('socat', ['-t5', '-', `UNIX-CONNECT:${path}`]);
    onTestFinished(() => endChild(client));
    let heard = '';
    client.stdout.setEncoding('latin1').on('data', (data: string) => {
      heard += data;
    });
    await vi.waitFor(() => expect(heard).toMatch(/\{"QMP".*\r\n$/), { timeout: 20_000 });
    expect(heard.slice(0, heard.indexOf('{'))).toBe('\xff\xfb\x01\xff\xfb\x03\xff\xfb\x00\xff\xfd\x00');
    client.stdin.write(Buffer.from('\xff\xfd\x03{"execute":"qmp_\xff\xfc\x18capabilities"}', 'latin1'));
    await vi.waitFor(() => expect(heard).toMatch(/\{"return": \{\}\}\r\n$/), { timeout: 20_000 });
  });

  it('a monitor takes the first port of a range that is free, and telnet clients at --qmp', async () => {
    const blocker = createServer();
    onTestFinished(() => void blocker.close());
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as { port: number };
    const device = `socket,id=c,host=localhost,ipv4=on,port=${port},to=${Math.min(port + 50, 65_535)},server=on,wait=off`;
    const args = ['--chardev', device, '--monitor', 'c', '--qmp', 'telnet:127.0.0.1:0'];
    const { qmp = [] } = await startServerProcess(program.program, args).ready;
    expect(qmp).toHaveLength(2);
    const ports = qmp.map((place) => Number(place.replace('tcp:127.0.0.1:', '')));
    expect(ports[0]).toBeGreaterThan(port);
    await using client = await connect({ host: '127.0.0.1', port: ports[0] ?? 0 });
    expect(await client.execute('query-jobs')).toEqual([]);
  });

  it.each([
    ['path=x,server=on,wait=off,tn3270=on', "'tn3270' is not available in this server"],
    ['host=127.0.0.1,port=1,to=5', "'to' goes with a socket that listens"],
    ['host=127.0.0.1,port=5,to=4,server=on,wait=off', 'the last port, 4, is below the first, 5'],
    ['host=127.0.0.1,port=5,ipv4=off,ipv6=off', 'Cannot disable IPv4 and IPv6 at same time'],
    [
      'host=127.0.0.1,port=5,ipv6=on,server=on,wait=off',
      "address resolution failed for 127.0.0.1:5: '127.0.0.1' is no",
    ],
    [`path=${'x'.repeat(108)},abstract=on,server=on,wait=off`, 'with 1 to 107 bytes'],
    [`path=${unique('none')},abstract=on`, `Failed to connect to 'abstract:${unique('none')}'`],
  ])('a chardev of socket,%s is refused', async (place, said) => {
    const args = ['--chardev', `socket,id=c,${place}`, '--monitor', 'c'];
    const { code, stderr } = await startServerProcess(program.program, args).ended;
    expect(code).toBe(1);
    expect(stderr).toContain(said);
  });
});
