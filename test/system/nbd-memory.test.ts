import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Command, requestMagic } from '../../runtime/block/nbd/protocol.js';
import { NbdClient } from './nbd-client.js';
import { bundledProgram, startServerProcess } from './serve-program.js';

const MiB = 2 ** 20;
const largest = 32 * MiB;

let program: string;
let remove: () => void;
let folder: string;

beforeAll(async () => {
  ({ program, remove } = await bundledProgram());
  folder = mkdtempSync(join(tmpdir(), 'nbd-memory-'));
  writeFileSync(join(folder, 'disk'), 'x');
  truncateSync(join(folder, 'disk'), 2 * largest);
});

afterAll(() => {
  remove();
  rmSync(folder, { recursive: true });
});

/** MiB of memory that a process has: now, or at most so far. */
function memoryOf(pid: number | undefined, what: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
}

/** A client that makes sixteen requests of 32 MiB, and then neither reads nor sends anything. */
async function idleClient(type: number, socketPath: string): Promise<Socket> {
  const socket = createConnection(socketPath);
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.pause();
  socket.write(Buffer.from('\0\0\0\x03IHAVEOPT\0\0\0\x01\0\0\0\x01d', 'latin1'));
  for (let index = 0; index < 16; index++) {
    const header = Buffer.alloc(28);
    header.writeUInt32BE(requestMagic, 0);
    header.writeUInt16BE(type, 6);
    header.writeUInt32BE(largest, 24);
    socket.write(header);
  }
  return socket;
}

describe('the memory of a server', () => {
  test.each([
    ['do not read what they asked for', Command.read],
    ['do not send what they announced', Command.write],
  ])(
    'stays within bounds when 40 clients %s, and another one is served',
    async (_, type) => {
      const path = join(folder, `socket-${type}`);
      const drive = `file=${folder}/disk,format=raw,id=d`;
      const server = startServerProcess(program, ['--drive', drive, '--nbd', `unix:${path},device=d,writable=on`]);
      await server.ready;
      const before = memoryOf(server.process.pid, 'VmRSS');
      const clients = await Promise.all(Array.from({ length: 40 }, () => idleClient(type, path)));
      const other = await NbdClient.connect(path, 'd');
      expect((await other.read(0, largest))[0]).toBe(120);
      await other.write(largest, Buffer.alloc(largest, 5));
      expect((await other.read(2 * largest - 1, 1))[0]).toBe(5);
      await other.close();
      // 64 MiB for all, a piece of 1 MiB for each, and what is not collected yet.
      expect(memoryOf(server.process.pid, 'VmHWM') - before).toBeLessThan(240);
      for (const client of clients) client.destroy();
      await vi.waitFor(() => expect(memoryOf(server.process.pid, 'VmRSS') - before).toBeLessThan(60), {
        timeout: 40_000,
        interval: 500,
      });
      server.process.kill();
      expect(await server.ended).toMatchObject({ code: 0 });
    },
    90_000,
  );
});
