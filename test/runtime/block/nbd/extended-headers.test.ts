import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ByteReader } from '../../../../runtime/block/nbd/byte-reader.js';
import type { NbdContext } from '../../../../runtime/block/nbd/export.js';
import {
  Chunk,
  Command,
  CommandFlag,
  ExportFlag,
  extendedReplyMagic,
  extendedRequestMagic,
  Info,
  NbdErrno,
  Option,
  OptionReply,
  optionMagic,
} from '../../../../runtime/block/nbd/protocol.js';
import { NbdServer } from '../../../../runtime/block/nbd/server.js';
import { bytes } from '../drivers/nbd/scripted-server.js';
import { MemoryExport } from './memory-export.js';

const MiB = 2 ** 20;
const TiB = 2 ** 40;

let folder: string;
let server: NbdServer;
let problems: Error[];
let client: Client;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nbd-extended-'));
  problems = [];
  server = new NbdServer({ onProblem: (problem) => problems.push(problem) });
  server.add(new MemoryExport('d', MiB));
  server.add(new Huge());
  await server.listen({ path: join(folder, 's') });
  client = new Client(join(folder, 's'));
  await client.take(18);
  client.socket.write(bytes([4, 3]));
});
afterEach(async () => {
  client.socket.destroy();
  await server.close();
  rmSync(folder, { recursive: true });
});

/** What is asked of an export of 8 TiB, of which all is a hole. */
class Huge extends MemoryExport {
  readonly asked: [number, number][] = [];
  readonly contexts: NbdContext[] = ['qemu:dirty-bitmap:a', 'qemu:dirty-bitmap:b'].map((name, state) => ({
    name,
    status: async (_, length) => [{ length, state }],
  }));

  constructor() {
    super('huge', 4096);
    Object.assign(this, { size: 8 * TiB });
  }

  override async trim(offset: number, length: number): Promise<void> {
    this.asked.push([offset, length]);
  }

  override async blockStatus(_: number, length: number) {
    return [{ length, hole: true, zero: true }];
  }
}

class Client {
  readonly socket: Socket;
  readonly #reader = new ByteReader();

  constructor(path: string) {
    this.socket = createConnection(path);
    this.socket.on('data', (data) => this.#reader.push(data as Buffer));
    this.socket.on('close', () => this.#reader.end());
    this.socket.on('error', () => {});
  }

  async take(length: number): Promise<Buffer> {
    return Buffer.from(await this.#reader.read(length));
  }

  /** Sends an option. Returns the types of the answers, with what they carry. */
  async option(option: number, data: Uint8Array = bytes()): Promise<(readonly [type: number, body: Buffer])[]> {
    this.socket.write(bytes([8, optionMagic], [4, option], [4, data.length], data));
    const answers: (readonly [number, Buffer])[] = [];
    for (;;) {
      const head = await this.take(20);
      const type = head.readUInt32BE(12);
      answers.push([type, await this.take(head.readUInt32BE(16))]);
      if (type === OptionReply.ack || type >= OptionReply.unsupported) return answers;
    }
  }

  /** Chooses contexts of an export. Returns their ids. */
  async contexts(name: string, ...queries: string[]): Promise<number[]> {
    const data = bytes(named(name), [4, queries.length], ...queries.map(named));
    return (await this.option(Option.setMetaContext, data)).slice(0, -1).map(([, body]) => body.readUInt32BE());
  }

  /** Asks for an export. Returns its flags. */
  async flagsOf(option: number, name: string): Promise<number> {
    const answers = await this.option(option, bytes(named(name), [2, 0]));
    const info = answers.find(([, body]) => body.length === 12 && body.readUInt16BE() === Info.export);
    return info?.[1].readUInt16BE(10) ?? -1;
  }

  request(type: number, flags: number, offset: number, length: number | bigint, payload = bytes()): void {
    this.socket.write(
      bytes([4, extendedRequestMagic], [2, flags], [2, type], [8, 77], [8, offset], [8, length], payload),
    );
  }

  /** The next chunk; all its fields but length and payload are compared. */
  async chunk(type: number, offset: number, done = true): Promise<Buffer> {
    const head = await this.take(32);
    expect([
      head.readUInt32BE(),
      head.readUInt16BE(4),
      head.readUInt16BE(6),
      head.readBigUInt64BE(8),
      Number(head.readBigUInt64BE(16)),
    ]).toEqual([extendedReplyMagic, done ? 1 : 0, type, 77n, offset]);
    const length = Number(head.readBigUInt64BE(24));
    return length === 0 ? bytes() : this.take(length);
  }

  async failure(offset: number): Promise<number> {
    return (await this.chunk(Chunk.error, offset)).readUInt32BE();
  }
}

const named = (text: string): Buffer => bytes([4, text.length], Buffer.from(text));
const types = (answers: (readonly [number, Buffer])[]): number[] => answers.map(([type]) => type);

describe('negotiating extended headers', () => {
  it('supersedes structured replies, which cannot be agreed on after them, and cannot be done twice', async () => {
    expect(types(await client.option(Option.structuredReply))).toEqual([OptionReply.ack]);
    expect(types(await client.option(Option.structuredReply))).toEqual([OptionReply.invalid]);
    expect(types(await client.option(Option.extendedHeaders))).toEqual([OptionReply.ack]);
    expect(types(await client.option(Option.extendedHeaders))).toEqual([OptionReply.invalid]);
    expect(types(await client.option(Option.structuredReply))).toEqual([OptionReply.extendedHeadersRequired]);
  });

  it('offers payloads of block status to clients that inform themselves or have chosen a context', async () => {
    const { blockStatusPayload, dontFragment } = ExportFlag;
    const offered = async (option: number) => (await client.flagsOf(option, 'd')) & (blockStatusPayload | dontFragment);
    await client.option(Option.structuredReply);
    expect(await offered(Option.info)).toBe(dontFragment);
    await client.option(Option.extendedHeaders);
    expect(await offered(Option.info)).toBe(blockStatusPayload | dontFragment);
    await client.contexts('d', 'base:allocation');
    expect(await offered(Option.go)).toBe(blockStatusPayload | dontFragment);
  });

  it('offers no payloads of block status where no context was chosen', async () => {
    await client.option(Option.extendedHeaders);
    await client.contexts('huge', 'base:allocation');
    expect((await client.flagsOf(Option.go, 'd')) & ExportFlag.blockStatusPayload).toBe(0);
  });
});

describe('requests with extended headers', () => {
  const go = async (name: string, ...queries: string[]): Promise<number[]> => {
    await client.option(Option.extendedHeaders);
    const ids = await client.contexts(name, ...queries);
    await client.flagsOf(Option.go, name);
    return ids;
  };

  it('writes and reads, with the flag of a payload or without it', async () => {
    await go('d');
    client.request(Command.write, CommandFlag.payloadLength, 1000, 5, Buffer.from('hello'));
    client.request(Command.write, 0, 1005, 3, Buffer.from('you'));
    expect([await client.chunk(Chunk.none, 1000), await client.chunk(Chunk.none, 1005)]).toEqual([bytes(), bytes()]);
    client.request(Command.read, 0, 1000, 8);
    expect(await client.chunk(Chunk.offsetData, 1000)).toEqual(bytes([8, 1000], Buffer.from('helloyou')));
  });

  it('reports states and takes trims of terabytes', async () => {
    const [id = 0] = await go('huge', 'base:allocation');
    client.request(Command.blockStatus, 0, TiB, 7 * TiB);
    expect(await client.chunk(Chunk.blockStatusExtended, TiB)).toEqual(bytes([4, id], [4, 1], [8, 7 * TiB], [8, 3]));
    client.request(Command.trim, 0, 2 * TiB, 5 * TiB);
    expect(await client.chunk(Chunk.none, 2 * TiB)).toEqual(bytes());
  });

  it('reports the contexts that a payload names, in the order of the server', async () => {
    const [base = 0, a = 0, b = 0] = await go('huge', 'base:allocation', 'qemu:dirty-bitmap:a', 'qemu:dirty-bitmap:b');
    expect(base).not.toBe(a);
    client.request(Command.blockStatus, CommandFlag.payloadLength, 0, 16, bytes([8, 6 * TiB], [4, b], [4, base]));
    expect(await client.chunk(Chunk.blockStatusExtended, 0, false)).toEqual(
      bytes([4, base], [4, 1], [8, 6 * TiB], [8, 3]),
    );
    expect(await client.chunk(Chunk.blockStatusExtended, 0)).toEqual(bytes([4, b], [4, 1], [8, 6 * TiB], [8, 1]));
    const one = CommandFlag.payloadLength | CommandFlag.requestOne;
    client.request(Command.blockStatus, one, 4096, 12, bytes([8, 4096], [4, a]));
    expect(await client.chunk(Chunk.blockStatusExtended, 4096)).toEqual(bytes([4, a], [4, 1], [8, 4096], [8, 0]));
  });

  it.each<[string, Buffer]>([
    ['nothing', bytes()],
    ['a length alone', bytes([8, 4096])],
    ['half of a context', bytes([8, 4096], [2, 1])],
    ['a context that was not chosen', bytes([8, 4096], [4, 99])],
    ['a context twice', bytes([8, 4096], [4, 1], [4, 1])],
    ['more contexts than were chosen', bytes([8, 4096], [4, 1], [4, 2], [4, 3])],
    ['no bytes', bytes([8, 0], [4, 1])],
    ['bytes beyond the end', bytes([8, 9 * TiB], [4, 1])],
    ['more bytes than any disk has', bytes([8, 2n ** 64n - 1n], [4, 1])],
    ['2 MiB', Buffer.alloc(2 * MiB)],
  ])('refuses block status with a payload of %s and goes on', async (_, payload) => {
    expect(await go('huge', 'base:allocation', 'qemu:dirty-bitmap:a')).toEqual([1, 2]);
    client.request(Command.blockStatus, CommandFlag.payloadLength, 0, payload.length, payload);
    expect(await client.failure(0)).toBe(NbdErrno.EINVAL);
    client.request(Command.flush, 0, 0, 0);
    await client.chunk(Chunk.none, 0);
  });

  it.each([
    ['a trim', Command.trim],
    ['a read', Command.read],
    ['a flush', Command.flush],
    ['an unknown request', 99],
  ])('refuses %s with a payload, which is passed over', async (_, type) => {
    await go('d');
    for (const length of [1, 2 * MiB]) {
      client.request(type, CommandFlag.payloadLength, 0, length, Buffer.alloc(length, 0x25));
      expect(await client.failure(0)).toBe(NbdErrno.EINVAL);
    }
    client.request(Command.read, 0, 0, 1);
    expect(await client.chunk(Chunk.offsetData, 0)).toEqual(bytes([8, 0], [1, 0]));
  });

  it.each([
    ['a trim of 2^64 - 1 bytes', Command.trim, 2n ** 64n - 1n, NbdErrno.EINVAL],
    ['zeroes that wrap around', Command.writeZeroes, 2n ** 64n - 4096n, NbdErrno.ENOSPC],
    ['a read of 4 GiB', Command.read, 2n ** 32n, NbdErrno.EOVERFLOW],
  ])('refuses %s', async (_, type, length, errno) => {
    await go('d');
    client.request(type, 0, 8192, length);
    expect(await client.failure(8192)).toBe(errno);
  });

  it.each([
    ['a write of 4 GiB', Command.write, 0],
    ['block status with a payload of 33 MiB', Command.blockStatus, CommandFlag.payloadLength],
  ])('leaves a client that announces %s', async (_, type, flags) => {
    await go('d', 'base:allocation');
    client.request(type, flags, 0, type === Command.write ? 2 ** 32 : 33 * MiB);
    await expect(client.take(1)).rejects.toThrow(/closed/);
    expect(problems).toHaveLength(1);
  });

  it('leaves a client that goes on with requests of the short form', async () => {
    await go('d');
    client.socket.write(bytes([4, 0x25609513], [2, 0], [2, Command.read], [8, 1], [8, 0], [4, 512], [4, 0]));
    await expect(client.take(1)).rejects.toThrow(/closed/);
  });
});
