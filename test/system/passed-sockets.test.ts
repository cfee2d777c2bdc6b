import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { connect } from '../../runtime/qmp/client.js';
import { qapiTs } from '../cli/command-line.js';
import { describeWithPrograms } from './programs.js';
import { bundledProgram } from './serve-program.js';
import { startUnixServer } from './unix-server.js';

const run = promisify(execFile);

/* Programs that start a storage daemon open its monitor's socket themselves, and pass it on: to QEMU's daemon and to ours alike. */

const folder = mkdtempSync(join(tmpdir(), 'passed-sockets-'));
const path = join(folder, 'qmp.sock');
let program: Awaited<ReturnType<typeof bundledProgram>>;

/** Opens a socket as descriptor 3, and becomes the program that it is for. */
const opened = (call: string): string => `
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
${call}
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.execvp(sys.argv[2], sys.argv[2:])
`;

function start(call: string, server: string, chardev: string): void {
  startWith(call, server, ['--chardev', `socket,id=c,fd=3,${chardev}`, '--monitor', 'c']);
}

function startWith(call: string, server: string, options: readonly string[]): void {
  const command = server === 'qapi-ts serve' ? [process.execPath, program.program, 'serve'] : [server];
  const args = [...command, ...options];
  const child = spawn('python3', ['-c', opened(call), path, ...args], { stdio: 'ignore' });
  onTestFinished(async () => {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    rmSync(path, { force: true });
  });
}

async function greeting(socket: Socket): Promise<string> {
  const [data] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return data.toString();
}

describeWithPrograms(
  'a monitor on a socket that is passed on',
  ['qemu-storage-daemon', 'qemu-io', 'qemu-nbd', 'python3'],
  () => {
    beforeAll(async () => {
      program = await bundledProgram();
    });
    afterAll(() => {
      program.remove();
      rmSync(folder, { recursive: true, force: true });
    });

    it.each(['qemu-storage-daemon', 'qapi-ts serve'])('%s greets clients of a socket that listens', async (server) => {
      start('s.bind(sys.argv[1]); s.listen(5)', server, 'server=on,wait=off');
      const client = await vi.waitFor(
        async () => {
          const socket = createConnection(path);
          await once(socket, 'connect');
          return socket;
        },
        { timeout: 20_000, interval: 20 },
      );
      expect(await greeting(client)).toContain('"QMP"');
    });

    it.each(['qemu-storage-daemon', 'qapi-ts serve'])(
      '%s greets at once on a socket that is connected',
      async (server) => {
        const listener = createServer();
        onTestFinished(() => void listener.close());
        await new Promise<void>((resolve) => listener.listen(path, resolve));
        const connected = once(listener, 'connection') as Promise<[Socket]>;
        start('s.connect(sys.argv[1])', server, 'server=off');
        const [socket] = await connected;
        expect(await greeting(socket)).toContain('"QMP"');
      },
    );

    it.each(['qemu-storage-daemon', 'qapi-ts serve'])('%s serves NBD at a socket that listens', async (server) => {
      const image = join(folder, 'disk.raw');
      writeFileSync(image, Buffer.alloc(65_536, 7));
      const node = `file,node-name=n,filename=${image}`;
      const place = 'addr.type=fd,addr.str=3';
      startWith('s.bind(sys.argv[1]); s.listen(5)', server, [
        ...['--blockdev', node, '--nbd-server', place, '--export', 'nbd,id=e,node-name=n'],
      ]);
      await vi.waitFor(
        async () => {
          const read = ['-r', '-f', 'raw', '-c', 'read -P 7 0 64k', `nbd+unix:///n?socket=${path}`];
          expect((await run('qemu-io', read)).stdout).toContain('read 65536/65536 bytes');
        },
        { timeout: 20_000, interval: 50 },
      );
    });

    it('qapi-ts serve uses an NBD server by a socket that is connected to it, and not at the word of a client', async () => {
      const image = join(folder, 'other.raw');
      writeFileSync(image, Buffer.alloc(65_536, 8));
      await startUnixServer(path, ['qemu-nbd', '-t', '-r', '-f', 'raw', '-k', path, image]);
      const qmp = join(folder, 'second.sock');
      const node = 'nbd,node-name=n,read-only=on,server.type=fd,server.str=3';
      startWith('s.connect(sys.argv[1])', 'qapi-ts serve', ['--blockdev', node, '--qmp', `unix:${qmp}`]);
      const client = await vi.waitFor(() => connect(qmp), { timeout: 20_000, interval: 50 });
      onTestFinished(() => client.close());
      const command = 'qemu-io n "read -P 8 0 64k"';
      const said = await client.execute('human-monitor-command', { 'command-line': command });
      expect(said).toContain('read 65536/65536 bytes');
      const again = { driver: 'nbd', 'node-name': 'm', server: { type: 'fd', str: '3' } };
      await expect(client.execute('blockdev-add', again)).rejects.toThrow("'3' was not given to this server");
    });

    it.each([
      ['fd=987', "File descriptor '987' cannot be used"],
      ['fd=x', "'x' is not the number of a file descriptor"],
      ['fd=0,reconnect=1', "'reconnect' option is incompatible with 'fd'"],
    ])('refuses %s', async (place, said) => {
      const ended = await qapiTs(['serve', '--chardev', `socket,id=c,${place}`, '--monitor', 'c']);
      expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining(said) });
    });
  },
);
