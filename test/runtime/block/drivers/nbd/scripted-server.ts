import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { ByteReader } from '../../../../../runtime/block/nbd/byte-reader.js';
import {
  ExportFlag,
  extendedReplyMagic,
  HandshakeFlag,
  Info,
  initMagic,
  Option,
  OptionReply,
  optionMagic,
  optionReplyMagic,
  requestSize,
  simpleReplyMagic,
  structuredReplyMagic,
} from '../../../../../runtime/block/nbd/protocol.js';

/** A request as it came. */
export interface ReceivedRequest {
  readonly flags: number;
  readonly type: number;
  readonly handle: bigint;
  readonly offset: number;
  readonly length: number;
}

/** Bytes of big-endian numbers: `[4, 7]` is 7 in four bytes. */
export function bytes(...fields: (readonly [width: 1 | 2 | 4 | 8, value: number | bigint] | Uint8Array)[]): Buffer {
  return Buffer.concat(
    fields.map((field) => {
      if (field instanceof Uint8Array) return field;
      const [width, value] = field;
      const buffer = Buffer.alloc(8);
      buffer.writeBigUInt64BE(BigInt(value));
      return buffer.subarray(8 - width);
    }),
  );
}

export const simpleReply = (handle: bigint, errno = 0): Buffer => bytes([4, simpleReplyMagic], [4, errno], [8, handle]);

/** A chunk of a structured reply, whose payload may be shorter or longer than it says. */
export function chunk(
  handle: bigint,
  type: number,
  payload: Uint8Array,
  { done = true, length = payload.length } = {},
) {
  return bytes([4, structuredReplyMagic], [2, done ? 1 : 0], [2, type], [8, handle], [4, length], payload);
}

/** A chunk with an extended header, which is for the offset 0. */
export function extendedChunk(
  handle: bigint,
  type: number,
  payload: Uint8Array,
  { length = payload.length }: { length?: number | bigint } = {},
) {
  return bytes([4, extendedReplyMagic], [2, 1], [2, type], [8, handle], [8, 0], [8, length], payload);
}

/** The connection of a client, as seen by a server. */
export class Peer {
  readonly socket: Socket;
  readonly #reader = new ByteReader();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => this.#reader.push(data));
    socket.on('close', () => this.#reader.end());
  }

  read(length: number): Promise<Buffer> {
    return this.#reader.read(length);
  }

  /** The next request, whose data, if it is a write, is still to be read. */
  async request(extended = false): Promise<ReceivedRequest> {
    const head = Buffer.from(await this.read(extended ? requestSize.extended : requestSize.simple));
    return {
      flags: head.readUInt16BE(4),
      type: head.readUInt16BE(6),
      handle: head.readBigUInt64BE(8),
      offset: Number(head.readBigUInt64BE(16)),
      length: extended ? Number(head.readBigUInt64BE(24)) : head.readUInt32BE(24),
    };
  }

  /** Greets, as a server of the fixed newstyle unless `flags` say otherwise, and takes the client's flags. */
  async greet(flags: number = HandshakeFlag.fixedNewstyle | HandshakeFlag.noZeroes): Promise<number> {
    this.socket.write(bytes([8, initMagic], [8, optionMagic], [2, flags]));
    return (await this.read(4)).readUInt32BE();
  }

  async option(): Promise<{ option: number; data: Buffer }> {
    const head = Buffer.from(await this.read(16));
    return { option: head.readUInt32BE(8), data: Buffer.from(await this.read(head.readUInt32BE(12))) };
  }

  reply(option: number, type: number, data: Uint8Array = Buffer.alloc(0), length = data.length): void {
    this.socket.write(bytes([8, optionReplyMagic], [4, option], [4, type], [4, length], data));
  }

  /** Negotiates as a server does that has one export: everything that is asked for, or nothing but the export. */
  async negotiate({
    size = 1 << 20,
    flags = allFlags,
    structured = true,
    extended = false,
    blocks = undefined as readonly [number, number, number] | undefined,
  } = {}): Promise<void> {
    await this.greet();
    for (;;) {
      const { option, data } = await this.option();
      if (option === Option.extendedHeaders) {
        this.reply(option, extended ? OptionReply.ack : OptionReply.unsupported);
      } else if (option === Option.structuredReply) {
        this.reply(option, structured ? OptionReply.ack : OptionReply.unsupported);
      } else if (option === Option.setMetaContext) {
        const name = data.subarray(data.readUInt32BE(0) + 12);
        this.reply(option, OptionReply.metaContext, bytes([4, contextId], name));
        this.reply(option, OptionReply.ack);
      } else {
        this.reply(option, OptionReply.info, bytes([2, Info.export], [8, size], [2, flags]));
        if (blocks)
          this.reply(
            option,
            OptionReply.info,
            bytes([2, Info.blockSize], ...blocks.map((block) => [4, block] as const)),
          );
        this.reply(option, OptionReply.ack);
        return;
      }
    }
  }
}

export const contextId = 77;

export const allFlags =
  ExportFlag.hasFlags |
  ExportFlag.flush |
  ExportFlag.fua |
  ExportFlag.trim |
  ExportFlag.writeZeroes |
  ExportFlag.fastZero;

/** A server that does with each client what a test says, however wrong that is. */
export class ScriptedServer implements AsyncDisposable {
  /** What is done with the next clients; the last is done with all that follow. */
  scripts: ((peer: Peer) => Promise<void>)[];
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(...scripts: ((peer: Peer) => Promise<void>)[]) {
    this.scripts = scripts;
    this.#server = createServer((socket) => {
      this.connections++;
      this.#sockets.add(socket);
      const script = this.scripts.length > 1 ? this.scripts.shift() : this.scripts[0];
      // A client that leaves in the middle of a script is what some tests are about.
      script?.(new Peer(socket)).catch(() => socket.destroy());
    });
  }

  async listen(path: string): Promise<void> {
    this.#server.listen(path);
    await once(this.#server, 'listening');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
