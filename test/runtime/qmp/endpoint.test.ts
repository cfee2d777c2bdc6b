import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, connect as netConnect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { connect } from '../../../runtime/qmp/client.js';
import { endpointOf, type QmpAddress } from '../../../runtime/qmp/endpoint.js';
import { QmpConnectionError } from '../../../runtime/qmp/failure.js';
import { LONGEST_SOCKET_PATH } from '../../../runtime/qmp/socket-path.js';
import { FakeServer, GREETING } from './fake-server.js';

/** Listens, and answers every connection as a QMP server. */
async function listening(where: { path: string } | { host: string; port: number }): Promise<Server> {
  const listener = createServer((socket) => {
    const server = new FakeServer(({ execute }) => ({ return: execute }));
    server.send(GREETING);
    socket.pipe(server.peer).pipe(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => listener.listen(where, resolve));
  onTestFinished(() => new Promise((resolve) => listener.close(() => resolve())));
  return listener;
}

/** A program that is a monitor on its standard input and output. */
const monitor = `
  process.stdout.write(JSON.stringify(${JSON.stringify(GREETING)}) + '\\r\\n');
  process.stdin.on('data', (chunk) => {
    for (const line of String(chunk).trim().split('\\n')) {
      const { id, execute } = JSON.parse(line);
      process.stdout.write(JSON.stringify({ return: execute, id }) + '\\r\\n');
    }
  });`;

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'qmp-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

describe('a client connects to', () => {
  test('connects to a unix socket', async () => {
    const path = join(await temporaryFolder(), 'qmp:1.sock');
    await listening({ path });
    for (const address of [path, `unix:${path}`, { path }]) {
      await using client = await connect(address);
      expect(await client.execute('x')).toBe('x');
    }
  });

  test('connects to a TCP port', async () => {
    const listener = await listening({ host: '127.0.0.1', port: 0 });
    const { port } = listener.address() as { port: number };
    for (const address of [`127.0.0.1:${port}`, `tcp:127.0.0.1:${port}`, { host: '127.0.0.1', port }]) {
      await using client = await connect(address);
      expect(await client.execute('x')).toBe('x');
    }
  });

  test('connects to the standard input and output of a process', async () => {
    const child = spawn(process.execPath, ['-e', monitor], { stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill());
    const client = await connect(child);
    expect(await client.execute('x')).toBe('x');
    await client.close();
  });

  test('connects to the process that a function starts', async () => {
    const client = await connect(() =>
      spawn(process.execPath, ['-e', monitor], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    expect(await client.execute('x')).toBe('x');
    await client.close();
  });

  test('connects to the streams that a function opens', async () => {
    await using client = await connect(async () => {
      const server = new FakeServer();
      server.send(GREETING);
      return { readable: server.peer, writable: server.peer };
    });
    expect(await client.execute('x')).toEqual({});
  });
});

describe('what cannot be connected to', () => {
  test('reports a socket that is not there', async () => {
    const path = join(await temporaryFolder(), 'none');
    await expect(connect(path)).rejects.toThrow(
      `cannot connect to ${path}: no such socket; does the program run, with a QMP monitor there?`,
    );
  });

  test('reports a port where no program listens', async () => {
    const listener = await listening({ host: '127.0.0.1', port: 0 });
    const { port } = listener.address() as { port: number };
    await new Promise((resolve) => listener.close(resolve));
    const why = 'no program listens at this port (ECONNREFUSED)';
    await expect(connect(`127.0.0.1:${port}`)).rejects.toThrow(`cannot connect to 127.0.0.1:${port}: ${why}`);
    // A name may stand for several addresses, and then there are several errors.
    await expect(connect(`localhost:${port}`)).rejects.toThrow(`cannot connect to localhost:${port}: ${why}`);
  });

  test('reports a socket that a program has left behind, and one that is no folder', async () => {
    const path = join(await temporaryFolder(), 'left');
    await writeFile(path, '');
    await expect(connect(path)).rejects.toThrow('the file is there, but no program listens at it');
    await expect(connect(join(path, 'below'))).rejects.toThrow('a part of its path is no folder');
  });

  test('does not connect to another socket than the one whose path is too long', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'a'.repeat(200)).slice(0, LONGEST_SOCKET_PATH + 1);
    await listening({ path: path.slice(0, LONGEST_SOCKET_PATH) });
    await using client = await connect(path.slice(0, LONGEST_SOCKET_PATH));
    expect(await client.execute('x')).toBe('x');
    await expect(connect(path)).rejects.toThrow(
      `the path has ${LONGEST_SOCKET_PATH + 1} bytes, and that of a unix socket at most ${LONGEST_SOCKET_PATH}`,
    );
    await expect(connect(`${folder}/a\0b`)).rejects.toThrow('a path has no NUL byte');
  });

  test.each([
    [
      'qmp.sock,server=on,wait=off',
      /qmp.sock,server=on,wait=off: ',server=on,wait=off' belongs to .* given 'qmp.sock'/,
    ],
    ['unix:qmp.sock,server,nowait', /',server,nowait' belongs to the option of QEMU .* given 'qmp.sock'/],
    ['tcp:localhost:4444,server=on', /',server=on' belongs to the option of QEMU .* given 'tcp:localhost:4444'/],
    ['tcp://localhost:4444', /a TCP port is written 'tcp:localhost:4444'/],
    ['ws://localhost:4444', /connect takes a function that opens one/],
    ['http://localhost:4444/', /an address is no URL/],
    ['4444', /a TCP port is written 'localhost:4444'/],
    ['tcp:localhost', /a TCP port is written host:port/],
    ['localhost:https', /a TCP port is written host:port/],
    ['localhost:66666', /a TCP port is a number from 1 to 65535/],
    ['unix:', /the path is empty/],
  ])('explains why %s is no address', async (address, problem) => {
    await expect(connect(address)).rejects.toThrow(QmpConnectionError);
    await expect(connect(address)).rejects.toThrow(problem);
  });

  // Node.js cannot listen without accepting.
  test.skipIf(spawnSync('which', ['python3']).status !== 0)(
    'reports a socket at which too many clients wait',
    async () => {
      const path = join(await temporaryFolder(), 'full');
      // It listens, and never accepts.
      const program = `
      import socket, sys, time
      s = socket.socket(socket.AF_UNIX)
      s.bind(sys.argv[1])
      s.listen(0)
      print('listening', flush=True)
      time.sleep(60)`;
      const child = spawn('python3', ['-c', program.replaceAll('\n      ', '\n'), path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      onTestFinished(() => void child.kill());
      await once(child.stdout, 'data');
      const first = netConnect(path);
      onTestFinished(() => void first.destroy());
      await once(first, 'connect');
      await expect(connect(path)).rejects.toThrow('as many clients as it lets wait are waiting already');
    },
  );
});

describe('a process that is connected to', () => {
  const run = (script: string): ChildProcess => {
    const child = spawn(process.execPath, ['-e', script]);
    onTestFinished(() => void child.kill());
    return child;
  };
  const greet = `process.stdout.write(${JSON.stringify(JSON.stringify(GREETING))} + '\\n');`;

  test('tells how it ended before it greeted, and what it wrote to its standard error', async () => {
    await expect(connect(run("console.error('no route to host'); process.exit(255)"))).rejects.toThrow(
      new QmpConnectionError(
        `the connection to ${process.execPath} was closed by the peer before it greeted; ${process.execPath} ended with status 255: no route to host`,
      ),
    );
  });

  test.each([true, false])(
    'tells what it wrote last, when that comes behind the news of its end (closed then: %s)',
    async (closes) => {
      const stderr = new PassThrough();
      const child = { stdin: new PassThrough(), stdout: new PassThrough(), stderr, spawnfile: 'ssh', exitCode: 255 };
      const connecting = connect(child);
      child.stdout.end();
      setTimeout(() => {
        stderr.write('no route to host');
        if (closes) stderr.end();
      }, 30);
      await expect(connecting).rejects.toThrow('ssh ended with status 255: no route to host');
    },
  );

  test('other readers of its standard error get what it writes as it is', async () => {
    const child = run(`process.stderr.write('über'); ${greet} setInterval(() => {}, 1000)`);
    const seen: unknown[] = [];
    child.stderr?.on('data', (chunk) => seen.push(chunk));
    const enough = new AbortController();
    const connecting = connect(child, { signal: enough.signal });
    await vi.waitFor(() => expect(seen).toEqual([Buffer.from('über')]), 10_000);
    enough.abort(new Error('enough'));
    await expect(connecting).rejects.toThrow('enough');
  });

  test('tells which signal ended it while a command ran', async () => {
    const child = run(`${greet} process.stdin.on('data', (data) => {
      const { execute, id } = JSON.parse(data);
      if (execute !== 'qmp_capabilities') process.kill(process.pid, 'SIGKILL');
      else process.stdout.write(JSON.stringify({ return: {}, id }) + '\\n');
    });`);
    const client = await connect(child);
    await expect(client.execute('x')).rejects.toThrow(
      /before x was answered; whether it was carried out is unknown; .* was ended by SIGKILL$/,
    );
    expect((await client.closed)?.message).toMatch(/was ended by SIGKILL$/);
  });

  test('reports a program that is not installed', async () => {
    const program = join(tmpdir(), 'no-such-program');
    await expect(connect(spawn(program))).rejects.toThrow(
      /the connection to \S*no-such-program was .* before it greeted; cannot start \S*no-such-program: it is not installed$/,
    );
  });

  test('reports one that closes its output and goes on', async () => {
    const child = run('setInterval(() => {}, 1000); require("fs").closeSync(1)');
    await expect(connect(child)).rejects.toThrow(/was closed by the peer before it greeted$/);
  });
});

describe('a process without pipes', () => {
  test('the client does not connect to it', async () => {
    await expect(connect({ stdin: null, stdout: null })).rejects.toThrow(/must be spawned with 'pipe'/);
  });
});

test.each<[QmpAddress, string]>([
  ['/run/qmp.sock', '/run/qmp.sock'],
  ['qmp.sock', 'qmp.sock'],
  ['unix:host:4444', 'host:4444'],
  ['./host:4444', './host:4444'],
  ['abstract:qmp', 'abstract:qmp'],
  [{ path: 'qmp', abstract: true, tight: false }, 'abstract:qmp'],
  ['host.example:4444', 'host.example:4444'],
  ['[::1]:4444', '::1:4444'],
  [':4444', 'localhost:4444'],
  ['tcp:localhost:4444', 'localhost:4444'],
  [{ port: 4444 }, 'localhost:4444'],
  [new Duplex(), 'the peer'],
])('%s is %s', (address, name) => {
  expect(endpointOf(address).name).toBe(name);
});
