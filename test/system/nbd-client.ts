import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import {
  allocationContext,
  Chunk,
  ChunkFlag,
  Command,
  CommandFlag,
  ExtentState,
  HandshakeFlag,
  Info,
  initMagic,
  NbdErrno,
  Option,
  OptionReply,
  optionMagic,
  optionReplyMagic,
  requestMagic,
  simpleReplyMagic,
  structuredReplyMagic,
} from '../../runtime/block/nbd/protocol.js';

/** The server has refused a request. */
export class NbdFailure extends Error {
  override readonly name = 'NbdFailure';
  /** `EIO`, `ENOSPC`, … */
  readonly code: string;

  constructor(errno: number, message: string) {
    const code = Object.entries(NbdErrno).find(([, number]) => number === errno)?.[0] ?? `error ${errno}`;
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** The connection is gone, and what was in flight may or may not have been done. */
export class NbdConnectionLost extends Error {
  override readonly name = 'NbdConnectionLost';
}

/** A stretch in one state. */
export interface ClientExtent {
  readonly length: number;
  readonly hole: boolean;
  readonly zero: boolean;
}

interface Waiting {
  readonly offset: number;
  /** What a read is read into. */
  readonly buffer: Buffer;
  /** How many bytes of that have come. */
  filled: number;
  extents: readonly ClientExtent[];
  failure: NbdFailure | undefined;
  resolve(done: Waiting): void;
  reject(error: Error): void;
}

/** What has come from the server and was not taken yet. */
class Incoming {
  #chunks: Buffer[] = [];
  #available = 0;
  #closed = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#available += chunk.length;
      this.#wake();
    });
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** @throws NbdConnectionLost when so many bytes will never come */
  async take(length: number): Promise<Buffer> {
    while (this.#available < length) {
      if (this.#closed) throw new NbdConnectionLost('the connection is gone');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const [first = nothing] = this.#chunks;
    const all = first.length < length ? Buffer.concat(this.#chunks) : first;
    this.#chunks = all === first ? this.#chunks.slice(1) : [];
    if (all.length > length) this.#chunks.unshift(all.subarray(length));
    this.#available -= length;
    return all.subarray(0, length);
  }
}

const requestHeader = 28;
const nothing = Buffer.alloc(0);

/** An NBD client with structured replies and the `base:allocation` context. Any number of requests may be in flight. */
export class NbdClient {
  /** Bytes. */
  readonly size: number;
  readonly #socket: Socket;
  readonly #reader: Incoming;
  readonly #waiting = new Map<bigint, Waiting>();
  #handle = 0n;
  #lost = false;

  /** Connects to an export. @throws Error when the server has none of this name, or does not speak as it should */
  static async connect(path: string, exportName: string): Promise<NbdClient> {
    const socket = createConnection(path);
    await once(socket, 'connect');
    // What is lost is found by the reader.
    socket.on('error', () => {});
    const reader = new Incoming(socket);
    try {
      return new NbdClient(socket, reader, await negotiate(socket, reader, exportName));
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  private constructor(socket: Socket, reader: Incoming, size: number) {
    this.#socket = socket;
    this.#reader = reader;
    this.size = size;
    void this.#receive();
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const { buffer, filled } = await this.#request(Command.read, offset, length, 0, nothing, Buffer.alloc(length));
    if (filled !== length) throw new Error(`the server sent ${filled} of ${length} bytes`);
    return buffer;
  }

  async write(offset: number, data: Buffer, { fua = false } = {}): Promise<void> {
    await this.#request(Command.write, offset, data.length, fua ? CommandFlag.fua : 0, data);
  }

  async writeZeroes(
    offset: number,
    length: number,
    { unmap = true, fast = false, fua = false }: { unmap?: boolean; fast?: boolean; fua?: boolean } = {},
  ): Promise<void> {
    const flags = (unmap ? 0 : CommandFlag.noHole) | (fast ? CommandFlag.fastZero : 0) | (fua ? CommandFlag.fua : 0);
    await this.#request(Command.writeZeroes, offset, length, flags);
  }

  async trim(offset: number, length: number, { fua = false } = {}): Promise<void> {
    await this.#request(Command.trim, offset, length, fua ? CommandFlag.fua : 0);
  }

  async flush(): Promise<void> {
    await this.#request(Command.flush, 0, 0);
  }

  /** The extents from `offset` on, at least one. */
  async blockStatus(offset: number, length: number): Promise<readonly ClientExtent[]> {
    return (await this.#request(Command.blockStatus, offset, length)).extents;
  }

  /** The extents of a whole stretch, however often the server must be asked; neighbours in the same state are one. */
  async map(offset: number, length: number): Promise<ClientExtent[]> {
    const map: { length: number; hole: boolean; zero: boolean }[] = [];
    for (let at = offset; at < offset + length; ) {
      for (const extent of await this.blockStatus(at, offset + length - at)) {
        const inside = Math.min(extent.length, offset + length - at);
        const last = map.at(-1);
        if (last?.hole === extent.hole && last.zero === extent.zero) last.length += inside;
        else map.push({ ...extent, length: inside });
        at += inside;
      }
    }
    return map;
  }

  /** Disconnects as a client should. Nothing may be in flight. */
  async close(): Promise<void> {
    if (this.#lost) return;
    const closed = once(this.#socket, 'close');
    this.#send(Command.disconnect, 0n, 0, 0, 0, nothing);
    this.#socket.end();
    await closed;
  }

  #request(
    type: number,
    offset: number,
    length: number,
    flags = 0,
    payload: Buffer = nothing,
    buffer: Buffer = nothing,
  ): Promise<Waiting> {
    if (this.#lost) return Promise.reject(new NbdConnectionLost('the connection is gone'));
    const handle = this.#handle++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(handle, { offset, buffer, filled: 0, extents: [], failure: undefined, resolve, reject });
      this.#send(type, handle, offset, length, flags, payload);
    });
  }

  #send(type: number, handle: bigint, offset: number, length: number, flags: number, payload: Buffer): void {
    const header = Buffer.alloc(requestHeader);
    header.writeUInt32BE(requestMagic, 0);
    header.writeUInt16BE(flags, 4);
    header.writeUInt16BE(type, 6);
    header.writeBigUInt64BE(handle, 8);
    header.writeBigUInt64BE(BigInt(offset), 16);
    header.writeUInt32BE(length, 24);
    this.#socket.cork();
    this.#socket.write(header);
    this.#socket.write(payload);
    this.#socket.uncork();
  }

  async #receive(): Promise<void> {
    let reason = 'the connection is gone';
    try {
      for (;;) await this.#receiveChunk();
    } catch (error) {
      reason = (error as Error).message;
    }
    this.#lost = true;
    this.#socket.destroy();
    for (const { reject } of this.#waiting.values()) reject(new NbdConnectionLost(reason));
    this.#waiting.clear();
  }

  async #receiveChunk(): Promise<void> {
    const head = await this.#reader.take(16);
    const magic = head.readUInt32BE(0);
    const handle = head.readBigUInt64BE(8);
    const waiting = this.#waiting.get(handle);
    if (waiting === undefined) throw new Error(`the server answered request ${handle}, which was never sent`);
    let done = true;
    if (magic === structuredReplyMagic) {
      done = (head.readUInt16BE(4) & ChunkFlag.done) !== 0;
      const length = (await this.#reader.take(4)).readUInt32BE(0);
      takeChunk(waiting, head.readUInt16BE(6), length === 0 ? nothing : await this.#reader.take(length));
    } else if (magic === simpleReplyMagic) {
      // A server may answer so what is not a read.
      const errno = head.readUInt32BE(4);
      if (errno !== 0) waiting.failure = new NbdFailure(errno, 'the server does not say why');
    } else {
      throw new Error('the server sent no reply where one was due');
    }
    if (!done) return;
    this.#waiting.delete(handle);
    if (waiting.failure) waiting.reject(waiting.failure);
    else waiting.resolve(waiting);
  }
}

function takeChunk(waiting: Waiting, type: number, payload: Buffer): void {
  switch (type) {
    case Chunk.none:
      return;
    case Chunk.offsetData:
      waiting.filled += payload.copy(waiting.buffer, Number(payload.readBigUInt64BE(0)) - waiting.offset, 8);
      return;
    case Chunk.offsetHole:
      waiting.filled += payload.readUInt32BE(8);
      return;
    case Chunk.blockStatus:
      waiting.extents = Array.from({ length: (payload.length - 4) / 8 }, (_, index) => {
        const state = payload.readUInt32BE(8 + index * 8);
        return {
          length: payload.readUInt32BE(4 + index * 8),
          hole: (state & ExtentState.hole) !== 0,
          zero: (state & ExtentState.zero) !== 0,
        };
      });
      return;
    case Chunk.error:
      waiting.failure = new NbdFailure(payload.readUInt32BE(0), payload.toString('utf8', 6));
      return;
    default:
      throw new Error(`the server sent a chunk of the unknown type ${type}`);
  }
}

/** @returns the size of the export */
async function negotiate(socket: Socket, reader: Incoming, name: string): Promise<number> {
  const greeting = await reader.take(18);
  if (greeting.readBigUInt64BE(0) !== initMagic) throw new Error('this is no NBD server');
  socket.write(Buffer.from([0, 0, 0, HandshakeFlag.fixedNewstyle | HandshakeFlag.noZeroes]));
  const ask = async (option: number, data: Buffer): Promise<Map<number, Buffer>> => {
    const header = Buffer.alloc(16);
    header.writeBigUInt64BE(optionMagic, 0);
    header.writeUInt32BE(option, 8);
    header.writeUInt32BE(data.length, 12);
    socket.write(Buffer.concat([header, data]));
    const replies = new Map<number, Buffer>();
    for (;;) {
      const reply = await reader.take(20);
      if (reply.readBigUInt64BE(0) !== optionReplyMagic) throw new Error('the server sent no reply to an option');
      const [type, length] = [reply.readUInt32BE(12), reply.readUInt32BE(16)];
      const body = length === 0 ? nothing : await reader.take(length);
      if (type >= OptionReply.unsupported) throw new Error(`the server refused option ${option}: ${body}`);
      if (type === OptionReply.ack) return replies;
      replies.set(type === OptionReply.info ? body.readUInt16BE(0) : type, body);
    }
  };
  await ask(Option.structuredReply, nothing);
  const contexts = Buffer.concat([lengthPrefixed(name), uint32(1), lengthPrefixed(allocationContext)]);
  const offered = await ask(Option.setMetaContext, contexts);
  if (!offered.has(OptionReply.metaContext)) throw new Error('the server has no context base:allocation');
  const info = (await ask(Option.go, Buffer.concat([lengthPrefixed(name), Buffer.alloc(2)]))).get(Info.export);
  if (info === undefined) throw new Error('the server did not tell the size of the export');
  return Number(info.readBigUInt64BE(2));
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function lengthPrefixed(text: string): Buffer {
  return Buffer.concat([uint32(Buffer.byteLength(text)), Buffer.from(text)]);
}
