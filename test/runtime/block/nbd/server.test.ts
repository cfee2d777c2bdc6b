import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectionOf } from '../../../../runtime/block/nbd/connection.js';
import { NbdServer } from '../../../../runtime/block/nbd/server.js';
import { MemoryExport } from './memory-export.js';

let folder: string;
let server: NbdServer;
let disk: MemoryExport;
let problems: Error[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nbd-'));
  problems = [];
  server = new NbdServer({ onProblem: (problem) => problems.push(problem) });
  disk = new MemoryExport('disk', 1 << 20);
  server.add(disk);
  server.add(new MemoryExport('fixed', 8192, true));
  await server.listen({ path: join(folder, 'socket') });
});

afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** A client that sends bytes and awaits exact numbers of them. */
class Client {
  readonly socket: Socket = createConnection(join(folder, 'socket'));
  /** In the chunks in which they came: joined when they are taken. */
  #chunks: Buffer[] = [];
  #length = 0;
  #wake: (() => void) | undefined;
  closed = false;

  constructor() {
    this.socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      this.#wake?.();
    });
    this.socket.on('close', () => {
      this.closed = true;
      this.#wake?.();
    });
    this.socket.on('error', () => {});
  }

  async take(length: number): Promise<Buffer> {
    while (this.#length < length) {
      if (this.closed) throw new Error(`closed after ${this.#length} of ${length} bytes`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    this.#chunks = [all.subarray(length)];
    this.#length -= length;
    return all.subarray(0, length);
  }

  async end(): Promise<void> {
    while (!this.closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  option(option: number, data: Buffer | string = ''): void {
    const body = Buffer.from(data);
    const header = Buffer.alloc(16);
    header.write('IHAVEOPT', 0);
    header.writeUInt32BE(option, 8);
    header.writeUInt32BE(body.length, 12);
    this.socket.write(Buffer.concat([header, body]));
  }

  async reply(): Promise<{ option: number; type: number; data: Buffer }> {
    const header = await this.take(20);
    expect(header.readBigUInt64BE(0)).toBe(0x3e889045565a9n);
    return {
      option: header.readUInt32BE(8),
      type: header.readUInt32BE(12),
      data: await this.take(header.readUInt32BE(16)),
    };
  }

  request(type: number, offset: number, length: number, { flags = 0, data = Buffer.alloc(0), handle = 7n } = {}): void {
    const header = Buffer.alloc(28);
    header.writeUInt32BE(0x25609513, 0);
    header.writeUInt16BE(flags, 4);
    header.writeUInt16BE(type, 6);
    header.writeBigUInt64BE(handle, 8);
    header.writeBigUInt64BE(BigInt(offset), 16);
    header.writeUInt32BE(length, 24);
    this.socket.write(Buffer.concat([header, data]));
  }

  async simpleReply(dataLength = 0): Promise<{ error: number; handle: bigint; data: Buffer }> {
    const header = await this.take(16);
    expect(header.readUInt32BE(0)).toBe(0x67446698);
    const error = header.readUInt32BE(4);
    return { error, handle: header.readBigUInt64BE(8), data: await this.take(error === 0 ? dataLength : 0) };
  }
}

/** A client past the handshake, in the transmission of an export, with simple replies. */
async function transmitting(name = 'disk'): Promise<Client> {
  const client = new Client();
  await client.take(18);
  client.socket.write(Buffer.from([0, 0, 0, 3]));
  client.option(1, name);
  await client.take(10);
  return client;
}

describe('negotiation', () => {
  it('greets, lists and describes exports', async () => {
    const client = new Client();
    const greeting = await client.take(18);
    expect(greeting.subarray(0, 16).toString()).toBe('NBDMAGICIHAVEOPT');
    client.socket.write(Buffer.from([0, 0, 0, 3]));
    client.option(3);
    expect((await client.reply()).data.subarray(4).toString()).toBe('diska disk in memory');
    expect((await client.reply()).data.subarray(4).toString()).toBe('fixeda disk in memory');
    expect((await client.reply()).type).toBe(1);
    client.option(7, Buffer.from('\0\0\0\x05fixed\0\0'));
    const { data } = await client.reply();
    expect(data.readBigUInt64BE(2)).toBe(8192n);
    expect(data.readUInt16BE(10) & 2).toBe(2);
  });

  it.each<[string, number, string, number]>([
    ['an unknown option', 77, '', 0x80000001],
    ['TLS', 5, '', 0x80000002],
    ['a list with data', 3, 'x', 0x80000003],
    ['an unknown export', 7, '\0\0\0\x01x\0\0', 0x80000006],
    ['a name longer than the option', 6, '\0\0\0\x09x\0\0', 0x80000003],
    ['bytes after the end of the data', 6, '\0\0\0\x04disk\0\0x', 0x80000003],
    ['extended headers with data', 11, 'x', 0x80000003],
    ['contexts without structured replies', 10, '\0\0\0\x04disk\0\0\0\0', 0x80000003],
    ['more queries than there are', 10, '\0\0\0\x04disk\x7f\0\0\0', 0x80000003],
  ])('refuses %s and goes on', async (_, option, data, type) => {
    const client = new Client();
    await client.take(18);
    client.socket.write(Buffer.from([0, 0, 0, 3]));
    client.option(option, Buffer.from(data, 'latin1'));
    expect((await client.reply()).type).toBe(type);
    client.option(2);
    expect((await client.reply()).type).toBe(1);
    await client.end();
    expect(problems).toEqual([]);
  });

  it('closes the connection for an export name that does not exist', async () => {
    const client = new Client();
    await client.take(18);
    client.socket.write(Buffer.from([0, 0, 0, 1]));
    client.option(1, 'nothing');
    await client.end();
  });

  it.each([
    ['unknown handshake flags', Buffer.from([0, 0, 0, 8])],
    ['no option magic', Buffer.from('\0\0\0\x03GET / HTTP/1.1\r\n\r\n')],
    ['an option of 4 GiB', Buffer.from('\0\0\0\x03IHAVEOPT\0\0\0\x03\xff\xff\xff\xff', 'latin1')],
  ])('turns a client away that sends %s', async (_, bytes) => {
    const client = new Client();
    await client.take(18);
    client.socket.write(bytes);
    await client.end();
    expect(problems).toHaveLength(1);
  });
});

describe('transmission', () => {
  it('writes, reads back and flushes', async () => {
    const client = await transmitting();
    const data = randomBytes(100_000);
    client.request(1, 12_345, data.length, { data, flags: 1 });
    expect(await client.simpleReply()).toMatchObject({ error: 0, handle: 7n });
    expect(disk.flushes).toBe(1);
    client.request(0, 12_345, data.length, { handle: 2n ** 64n - 1n });
    const reply = await client.simpleReply(data.length);
    expect(reply.handle).toBe(2n ** 64n - 1n);
    expect(reply.data.equals(data)).toBe(true);
    client.request(3, 0, 0);
    await client.simpleReply();
    expect(disk.flushes).toBe(2);
  });

  it.each([
    ['a read beyond the end', 0, (1 << 20) - 1, 2, 0, 22],
    ['a write of zeroes beyond the end', 6, 1 << 20, 1, 0, 28],
    ['an offset beyond 2^53', 0, 2 ** 63, 1, 0, 22],
    ['an unknown request', 99, 0, 1, 0, 22],
    ['an unknown flag', 0, 0, 1, 0x100, 22],
    ['a flag of another request', 4, 0, 1, 2, 22],
    ['block status without a context', 7, 0, 1, 0, 22],
    ['a read of 33 MiB', 0, 0, 33 << 20, 0, 75],
  ])('answers %s with an error and goes on', async (_, type, offset, length, flags, error) => {
    const client = await transmitting();
    client.request(type, offset, length, { flags });
    expect((await client.simpleReply()).error).toBe(error);
    client.request(0, 0, 1);
    expect((await client.simpleReply(1)).error).toBe(0);
  });

  it.each([1, 4, 6])('refuses request %i on a read-only export', async (type) => {
    const client = await transmitting('fixed');
    client.request(type, 0, 4, { data: type === 1 ? Buffer.alloc(4) : Buffer.alloc(0) });
    expect((await client.simpleReply()).error).toBe(1);
  });

  it.each([
    ['ENOSPC', 28],
    ['EROFS', 1],
    ['EIO', 5],
    ['EBADMSG', 22],
    [undefined, 5],
  ])('passes a failure with code %s on as %i', async (code, error) => {
    const client = await transmitting();
    disk.failure = Object.assign(new Error('planted'), code !== undefined && { code });
    client.request(0, 0, 512);
    expect((await client.simpleReply(512)).error).toBe(error);
  });

  it('turns a client away that sends no request or a write of 33 MiB', async () => {
    for (const bytes of [Buffer.alloc(28, 0x55), undefined]) {
      const client = await transmitting();
      if (bytes) client.socket.write(bytes);
      else client.request(1, 0, 33 << 20);
      await client.end();
    }
    expect(problems).toHaveLength(2);
  });

  it('works on sixteen requests at a time, and on all of them in the end', async () => {
    let running = 0;
    let most = 0;
    const { read } = disk;
    disk.read = async (offset, buffer) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      await read.call(disk, offset, buffer);
    };
    for (let i = 0; i < disk.size; i++) disk.data[i] = i >> 12;
    const client = await transmitting();
    for (let i = 0; i < 100; i++) client.request(0, i * 4096, 4096, { handle: BigInt(i) });
    for (let i = 0; i < 100; i++) {
      const { handle, data } = await client.simpleReply(4096);
      expect(data.equals(Buffer.alloc(4096, Number(handle)))).toBe(true);
    }
    expect(most).toBe(16);
  });

  it('does not store what a client asks for and does not take', async () => {
    const big = new MemoryExport('big', 8 << 20);
    server.add(big);
    let started = 0;
    const { read } = big;
    big.read = (offset, buffer) => {
      started++;
      return read.call(big, offset, buffer);
    };
    const client = await transmitting('big');
    client.socket.pause();
    for (let i = 0; i < 12; i++) client.request(0, 0, 8 << 20, { handle: BigInt(i) });
    // Requests of another client pass meanwhile.
    const other = await transmitting();
    for (let i = 0; i < 20; i++) {
      other.request(0, 0, 1);
      await other.simpleReply(1);
    }
    expect(started).toBeLessThanOrEqual(8);
    client.socket.resume();
    for (let i = 0; i < 12; i++) expect((await client.simpleReply(8 << 20)).error).toBe(0);
    expect(started).toBe(12);
  });

  it('takes many writes in one piece, in pieces of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 90_000 }),
        async (lengths, piece) => {
          const client = await transmitting();
          const sent: Buffer[] = [];
          const blocks = lengths.map((length) => randomBytes(length));
          const socket = client.socket;
          const write = socket.write.bind(socket);
          socket.write = ((bytes: Buffer) => sent.push(bytes)) as never;
          blocks.forEach((data, i) => {
            client.request(1, i * 4, data.length, { data, handle: BigInt(i) });
            // Each overwrites the one before; a flush in between changes nothing.
            client.request(3, 0, 0, { handle: 99n });
          });
          const all = Buffer.concat(sent);
          for (let at = 0; at < all.length; at += piece) write(all.subarray(at, at + piece));
          for (let i = 0; i < 2 * blocks.length; i++) expect((await client.simpleReply()).error).toBe(0);
          const model = Buffer.from(disk.data);
          for (const [i, data] of blocks.entries()) data.copy(model, i * 4);
          expect(disk.data.equals(model)).toBe(true);
          socket.destroy();
        },
      ),
      { numRuns: 30 },
    );
  });

  it('closes after a client that has said goodbye and stays', async () => {
    const client = await transmitting();
    client.request(2, 0, 0);
    await client.end();
    expect(problems).toEqual([]);
  });

  it('serves sockets that do not receive into memory of ours', async () => {
    const listener = createServer((socket) => {
      // As it would be on a Node.js without it.
      Object.assign((socket as unknown as { _handle: object })._handle, { useUserBuffer: undefined });
      const { socket: same, reader } = connectionOf(socket);
      expect(same).toBe(socket);
      void (async () => {
        for (;;) socket.write(await reader.read((await reader.read(1))[0] ?? 0));
      })().catch(() => socket.end());
    });
    await new Promise<void>((resolve) => listener.listen(join(folder, 'plain'), resolve));
    const socket = createConnection(join(folder, 'plain'));
    const received: Buffer[] = [];
    socket.on('data', (chunk) => received.push(chunk));
    socket.end(Buffer.from('\x03abc\x05defgh\x01'));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(Buffer.concat(received).toString()).toBe('abcdefgh');
    await new Promise((resolve) => listener.close(resolve));
  });

  it('disconnects the clients of a removed export only', async () => {
    const gone = await transmitting('disk');
    const stays = await transmitting('fixed');
    server.remove('disk');
    await gone.end();
    stays.request(0, 0, 1);
    expect((await stays.simpleReply(1)).error).toBe(0);
  });

  it('survives any bytes in place of a request or an option, and serves the next client', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, negotiated) => {
        const client = negotiated ? await transmitting() : new Client();
        client.socket.end(Buffer.from(bytes));
        await client.end();
        const next = await transmitting();
        next.request(0, 0, 1);
        expect((await next.simpleReply(1)).error).toBe(0);
        next.socket.destroy();
      }),
      { numRuns: 100 },
    );
  });
});
