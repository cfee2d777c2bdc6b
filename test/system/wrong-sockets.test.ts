import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect as connectSocket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { connect } from '../../runtime/qmp/client.js';
import { describeWithPrograms } from './programs.js';

/** An emulator with some sockets that are no QMP monitors, on ports of its choice. */
async function emulator(...args: string[]): Promise<number[]> {
  const program = spawn('qemu-system-x86_64', ['-machine', 'none', '-display', 'none', '-nodefaults', ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  onTestFinished(async () => {
    program.kill('SIGKILL');
    await once(program, 'exit');
  });
  return args.flatMap((arg) => /:(\d+)/.exec(arg)?.[1] ?? []).map(Number);
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until a program listens at a port. */
function listening(port: number): Promise<void> {
  return vi.waitFor(
    async () => {
      const socket = connectSocket(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.destroy();
    },
    { timeout: 10_000 },
  );
}

describeWithPrograms('sockets of a real emulator that are no QMP monitors', ['qemu-system-x86_64'], () => {
  test.each([
    ['a monitor for people', (port: number) => ['-monitor', `tcp:127.0.0.1:${port},server=on,wait=off`], /\(HMP\)/],
    ['one by telnet', (port: number) => ['-monitor', `telnet:127.0.0.1:${port},server=on,wait=off`], /\(HMP\)/],
    ['VNC', (port: number) => ['-vnc', `127.0.0.1:${port - 5900},to=0`], /a VNC server .* as it sends 'RFB 003.008'/],
    [
      'QMP in a websocket',
      (port: number) => ['-qmp', `websocket:127.0.0.1:${port},server=on,wait=off`],
      /may be busy with another client or wait for a TLS or websocket handshake, did not greet within 500 ms/,
    ],
  ])('%s is named', async (_, args, problem) => {
    const port = await freePort();
    await emulator(...args(port));
    await listening(port);
    await expect(connect(`127.0.0.1:${port}`, { connectTimeout: 500 })).rejects.toThrow(problem);
  });
});

test('an HTTP server is named', async () => {
  const answer: RequestListener = (_request, response) => void response.end('hello');
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await expect(connect({ host: '127.0.0.1', port }, { connectTimeout: 3000 })).rejects.toThrow(
    /is an HTTP server and no QMP monitor, as it sends 'HTTP\/1.1 400 Bad Request/,
  );
});
