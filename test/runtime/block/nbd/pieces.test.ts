import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NbdMemory, pieceLength } from '../../../../runtime/block/nbd/memory.js';
import { ChunkFlag, Command, CommandFlag, requestMagic } from '../../../../runtime/block/nbd/protocol.js';
import { NbdServer } from '../../../../runtime/block/nbd/server.js';
import { NbdClient, NbdConnectionLost } from '../../../system/nbd-client.js';
import { MemoryExport } from './memory-export.js';

const MiB = 2 ** 20;
/** Pieces, the last of which is not whole. */
const large = 3 * MiB + 1000;

let folder: string;
let server: NbdServer;
let disk: MemoryExport;
let problems: Error[];
let memory: NbdMemory;
/** The longest request that has come to the disk. */
let longest: number;

/** A server in which there is never room for a large request as a whole. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nbd-pieces-'));
  problems = [];
  memory = new NbdMemory(pieceLength);
  server = new NbdServer({ onProblem: (problem) => problems.push(problem), memory });
  disk = new MemoryExport('d', 4 * MiB);
  randomBytes(disk.size).copy(disk.data);
  longest = 0;
  const { read, write } = disk;
  disk.read = (offset, buffer) => {
    longest = Math.max(longest, buffer.length);
    return read.call(disk, offset, buffer);
  };
  disk.write = (offset, data, options) => {
    longest = Math.max(longest, data.length);
    return write.call(disk, offset, data, options);
  };
  server.add(disk);
  await server.listen({ path: join(folder, 'socket') });
});

afterEach(async () => {
  await server.close();
  await vi.waitFor(() => expect(memory.bytes).toBe(0));
  rmSync(folder, { recursive: true });
});

const connect = (): Promise<NbdClient> => NbdClient.connect(join(folder, 'socket'), 'd');

/** Makes the nth request from now on fail that the disk gets. */
function failAt(method: 'read' | 'write', nth: number): void {
  const original = disk[method] as (...values: unknown[]) => Promise<void>;
  let count = 0;
  disk[method] = (...values: unknown[]) =>
    ++count === nth ? Promise.reject(Object.assign(new Error('no room'), { code: 'ENOSPC' })) : original(...values);
}

describe('requests for which there is no room as a whole', () => {
  it('reads and writes them by pieces, with small ones before, between and after', async () => {
    const client = await connect();
    const data = randomBytes(large);
    const [, , read, small] = await Promise.all([
      client.write(500, data, { fua: true }),
      client.write(0, Buffer.alloc(500, 1)),
      client.read(0, large),
      client.read(500, 1000),
      client.trim(500 + large, 100),
      client.flush(),
    ]);
    expect(read?.equals(disk.data.subarray(0, large))).toBe(true);
    expect(small?.equals(data.subarray(0, 1000))).toBe(true);
    expect(disk.data.subarray(500, 500 + large).equals(data)).toBe(true);
    expect(disk.flushes).toBe(5);
    expect(longest).toBe(pieceLength);
    await client.close();
    expect(problems).toEqual([]);
  });

  it('reports a read that fails in the middle, and goes on', async () => {
    const client = await connect();
    failAt('read', 3);
    await expect(client.read(0, large)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect((await client.read(0, large)).equals(disk.data.subarray(0, large))).toBe(true);
    await client.close();
  });

  it('receives all of a write that fails in the middle, writes no more of it, and goes on', async () => {
    const client = await connect();
    const before = Buffer.from(disk.data);
    failAt('write', 2);
    await expect(client.write(0, Buffer.alloc(large, 7))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(disk.data.subarray(pieceLength).equals(before.subarray(pieceLength))).toBe(true);
    await client.write(0, Buffer.alloc(large, 8));
    expect(disk.data.subarray(0, large).every((byte) => byte === 8)).toBe(true);
    await client.close();
  });

  it('refuses what is not allowed, without touching the disk', async () => {
    const client = await connect();
    await expect(client.read(disk.size - MiB, large)).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(client.write(disk.size - MiB, Buffer.alloc(large))).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(client.read(0, 33 * MiB)).rejects.toMatchObject({ code: 'EOVERFLOW' });
    expect(longest).toBe(0);
    await client.read(0, large);
    await client.close();
  });

  it('gives its memory back when the client goes away in the middle', async () => {
    const client = await connect();
    let open = (): void => {};
    disk.read = () =>
      new Promise((resolve) => {
        open = resolve;
      });
    const read = client.read(0, large);
    await vi.waitFor(() => expect(memory.bytes).toBe(pieceLength));
    server.remove('d');
    open();
    await expect(read).rejects.toThrow(NbdConnectionLost);
    expect(problems).toEqual([]);
  });

  it('gives its memory back when a write stops in the middle', async () => {
    const client = await simple();
    client.send(request(Command.write, 0, large));
    client.send(Buffer.alloc(pieceLength + 500, 9));
    await vi.waitFor(() => expect(disk.data[pieceLength - 1]).toBe(9));
    client.socket.destroy();
    await vi.waitFor(() => expect(memory.bytes).toBe(0));
    expect(problems).toEqual([]);
  });
});

describe('replies that are one piece by protocol', () => {
  it('sends one simple reply', async () => {
    const client = await simple();
    client.send(request(Command.read, 0, large));
    client.send(request(Command.read, 5, 100));
    const received = await client.take(16 + large + 16 + 100);
    expect(received.readUInt32BE(4)).toBe(0);
    expect(received.subarray(16, 16 + large).equals(disk.data.subarray(0, large))).toBe(true);
    expect(received.subarray(32 + large).equals(disk.data.subarray(5, 105))).toBe(true);
    client.socket.destroy();
  });

  it('sends one chunk to a client that wants no fragments', async () => {
    // The option of structured replies, and its acknowledgement.
    const client = await simple('IHAVEOPT\0\0\0\x08\0\0\0\0', 20);
    client.send(request(Command.read, 7, large, CommandFlag.dontFragment));
    const received = await client.take(28 + large);
    expect(received.readUInt16BE(4)).toBe(ChunkFlag.done);
    expect(received.readUInt32BE(16)).toBe(8 + large);
    expect(received.readBigUInt64BE(20)).toBe(7n);
    expect(received.subarray(28).equals(disk.data.subarray(7, 7 + large))).toBe(true);
    client.socket.destroy();
  });

  it('reports a failure of the first piece, and ends the connection at a later one', async () => {
    const client = await simple();
    failAt('read', 1);
    client.send(request(Command.read, 0, large));
    expect((await client.take(16)).readUInt32BE(4)).toBe(28);
    failAt('read', 2);
    client.send(request(Command.read, 0, large));
    await expect(client.take(16 + large)).rejects.toThrow('closed after');
    expect(problems).toEqual([expect.objectContaining({ name: 'PieceError' })]);
  });
});

function request(type: number, offset: number, length: number, flags = 0): Buffer {
  const header = Buffer.alloc(28);
  header.writeUInt32BE(requestMagic, 0);
  header.writeUInt16BE(flags, 4);
  header.writeUInt16BE(type, 6);
  header.writeBigUInt64BE(BigInt(offset), 16);
  header.writeUInt32BE(length, 24);
  return header;
}

/** A client that sends bytes and awaits exact numbers of them. */
class RawClient {
  readonly socket: Socket = createConnection(join(folder, 'socket'));
  /** In the chunks in which they came: joined when they are taken. */
  #chunks: Buffer[] = [];
  #length = 0;
  #wake = (): void => {};

  constructor() {
    this.socket.on('error', () => {});
    this.socket.on('close', () => this.#wake());
    this.socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      this.#wake();
    });
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** @throws Error when so many bytes do not come */
  async take(length: number): Promise<Buffer> {
    while (this.#length < length) {
      if (this.socket.destroyed) throw new Error(`closed after ${this.#length} of ${length} bytes`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all.subarray(length)];
    this.#length -= length;
    return all.subarray(0, length);
  }
}

/** A connection to the export by the old option, without structured replies unless options before it ask for them. */
async function simple(options = '', replies = 0): Promise<RawClient> {
  const client = new RawClient();
  client.send(Buffer.from(`\0\0\0\x03${options}IHAVEOPT\0\0\0\x01\0\0\0\x01d`, 'latin1'));
  await client.take(18 + replies + 10);
  return client;
}
