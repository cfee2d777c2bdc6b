import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../../runtime/qmp/client.js';
import { endpointOf, type QmpAddress } from '../../../runtime/qmp/endpoint.js';
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
    const script = `
      process.stdout.write(JSON.stringify(${JSON.stringify(GREETING)}) + '\\r\\n');
      process.stdin.on('data', (chunk) => {
        for (const line of String(chunk).trim().split('\\n')) {
          const { id, execute } = JSON.parse(line);
          process.stdout.write(JSON.stringify({ return: execute, id }) + '\\r\\n');
        }
      });`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill());
    const client = await connect(child);
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
    await expect(connect(`127.0.0.1:${port}`)).rejects.toThrow(/^cannot connect to 127.0.0.1:\d+: .*ECONNREFUSED/);
  });

  test('reports a process without pipes', async () => {
    await expect(connect({ stdin: null, stdout: null })).rejects.toThrow(/must be spawned with 'pipe'/);
  });
});

test.each<[QmpAddress, string]>([
  ['/run/qmp.sock', '/run/qmp.sock'],
  ['qmp.sock', 'qmp.sock'],
  ['unix:host:4444', 'host:4444'],
  ['./host:4444', './host:4444'],
  ['host.example:4444', 'host.example:4444'],
  ['[::1]:4444', '::1:4444'],
  [':4444', 'localhost:4444'],
  ['tcp:localhost:4444', 'localhost:4444'],
  [{ port: 4444 }, 'localhost:4444'],
  [new Duplex(), 'the peer'],
])('%s is %s', (address, name) => {
  expect(endpointOf(address).name).toBe(name);
});
