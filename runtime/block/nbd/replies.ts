import type { Duplex } from 'node:stream';
import type { BufferPool } from './buffer-pool.js';
import { ConnectionClosed } from './byte-reader.js';
import type { NbdState } from './export.js';
import {
  Chunk,
  ChunkFlag,
  CommandFlag,
  extendedReplyMagic,
  type Framing,
  replySize,
  simpleReplyMagic,
  structuredReplyMagic,
  writeUint64,
} from './protocol.js';
import type { Request } from './request.js';

/** The length that is reported, where it has 32 bits, for an extent of 4 GiB or more: a multiple of any block size. */
const longestExtent = 0xffff_f000;

/** What one context says of a stretch. */
export interface StatusAnswer {
  /** What the context is called in replies. */
  readonly id: number;
  readonly states: readonly NbdState[];
}

/**
 * Writes replies, framed as was negotiated. Those that become ready in one turn of the event loop leave in one system call, and
 * at once when no others are due.
 */
export class Replies {
  readonly #stream: Duplex;
  readonly #framing: Framing;
  /** Bytes of the header of a reply, or of a chunk. */
  readonly #header: number;
  readonly #pool: BufferPool;
  readonly #expected: () => number;
  readonly #sent: (replies: number, bytes: number) => void;
  #ready: Buffer[] = [];
  #pooled: Buffer[] = [];
  /** Of the requests that are answered by them. */
  #bytes = 0;
  /** Bytes before the data of a read's reply. */
  readonly dataHeader: number;

  /**
   * @param expected how many requests are not answered yet: no more are worth waiting for when so many replies are ready
   * @param sent called with how many replies have left, or never will as the connection is gone, and what their requests held of memory
   */
  constructor(
    stream: Duplex,
    framing: Framing,
    pool: BufferPool,
    expected: () => number,
    sent: (replies: number, bytes: number) => void,
  ) {
    this.#stream = stream;
    this.#framing = framing;
    this.#header = replySize[framing];
    this.#pool = pool;
    this.#expected = expected;
    this.#sent = sent;
    this.dataHeader = this.#header + (this.#structured ? 8 : 0);
  }

  /** Whether replies are chunks. */
  get #structured(): boolean {
    return this.#framing !== 'simple';
  }

  succeed(request: Request): void {
    if (this.#structured) this.#add(request, this.#chunk(request, Chunk.none, Buffer.allocUnsafe(this.#header)));
    else this.#add(request, simple(request, 0));
  }

  /**
   * Answers a read.
   *
   * @param buffer from the pool, with the data behind {@link dataHeader} bytes; it is given back
   */
  data(request: Request, buffer: Buffer): void {
    const reply = buffer.subarray(0, this.dataHeader + request.length);
    if (this.#structured) {
      this.#chunk(request, Chunk.offsetData, reply);
      writeUint64(reply, request.offset, this.#header);
    } else {
      fillSimple(reply, request, 0);
    }
    this.#pooled.push(buffer);
    this.#add(request, reply);
  }

  /** Whether the answer to a read may be several chunks. */
  fragments({ flags }: Request): boolean {
    return this.#structured && (flags & CommandFlag.dontFragment) === 0;
  }

  /**
   * Sends a piece of the answer to a read, in order from the first to the last. No other reply is sent meanwhile.
   *
   * @param done bytes that were sent before
   * @throws ConnectionClosed
   */
  piece(request: Request, done: number, data: Buffer): Promise<void> {
    const stream = this.#stream;
    const header = this.#pieceHeader(request, done, data.length);
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new ConnectionClosed('The connection was closed'));
      if (!stream.writable) {
        gone();
        return;
      }
      stream.cork();
      if (header !== undefined) stream.write(header);
      stream.write(data, (error) => (error ? gone() : resolve()));
      stream.uncork();
    });
  }

  /** What goes before a piece. */
  #pieceHeader(request: Request, done: number, length: number): Buffer | undefined {
    const fragments = this.fragments(request);
    if (done > 0 && !fragments) return undefined;
    if (!this.#structured) return simple(request, 0);
    const carried = fragments ? length : request.length;
    const header = this.#chunk(request, Chunk.offsetData, Buffer.allocUnsafe(this.dataHeader), carried);
    if (done + carried < request.length) header.writeUInt16BE(0, 4);
    writeUint64(header, request.offset + done, this.#header);
    return header;
  }

  /** Answers a request for block status: a chunk for each context. */
  status(request: Request, answers: readonly StatusAnswer[]): void {
    const chunks = answers.map(({ id, states }, index) => {
      const chunk = this.#status(request, id, states);
      if (index < answers.length - 1) chunk.writeUInt16BE(0, 4);
      return chunk;
    });
    this.#add(request, chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
  }

  fail(request: Request, errno: number, message: string): void {
    if (!this.#structured) {
      this.#add(request, simple(request, errno));
      return;
    }
    const text = Buffer.from(message);
    const reply = Buffer.allocUnsafe(this.#header + 6 + text.length);
    let at = reply.writeUInt32BE(errno, this.#header);
    at = reply.writeUInt16BE(text.length, at);
    text.copy(reply, at);
    this.#add(request, this.#chunk(request, Chunk.error, reply));
  }

  /** Makes a reply of one chunk: its payload is there already, but for some bytes that follow. */
  #chunk(request: Request, type: number, reply: Buffer, following = 0): Buffer {
    const payload = reply.length - this.#header + following;
    const extended = this.#framing === 'extended';
    reply.writeUInt32BE(extended ? extendedReplyMagic : structuredReplyMagic, 0);
    reply.writeUInt16BE(ChunkFlag.done, 4);
    reply.writeUInt16BE(type, 6);
    reply.writeUInt32BE(request.handleHigh, 8);
    reply.writeUInt32BE(request.handleLow, 12);
    if (!extended) {
      reply.writeUInt32BE(payload, 16);
      return reply;
    }
    reply.writeUInt32BE(request.offsetHigh, 16);
    reply.writeUInt32BE(request.offsetLow, 20);
    writeUint64(reply, payload, 24);
    return reply;
  }

  /** A chunk with what one context says of a stretch. */
  #status(request: Request, id: number, states: readonly NbdState[]): Buffer {
    const shown = shownStates(request, states);
    if (this.#framing === 'extended') {
      const reply = Buffer.allocUnsafe(this.#header + 8 + 16 * shown.length);
      let at = reply.writeUInt32BE(id, this.#header);
      at = reply.writeUInt32BE(shown.length, at);
      for (const { length, state } of shown) at = writeUint64(reply, state, writeUint64(reply, length, at));
      return this.#chunk(request, Chunk.blockStatusExtended, reply);
    }
    const reply = Buffer.allocUnsafe(this.#header + 4 + 8 * shown.length);
    let at = reply.writeUInt32BE(id, this.#header);
    for (const { length, state } of shown) {
      at = reply.writeUInt32BE(Math.min(length, longestExtent), at);
      at = reply.writeUInt32BE(state, at);
    }
    return this.#chunk(request, Chunk.blockStatus, reply);
  }

  #add(request: Request, reply: Buffer): void {
    this.#bytes += request.held;
    const ready = this.#ready.push(reply);
    // Behind data, further requests may have arrived that are not known yet.
    if (ready === this.#expected() && request.payloadLength === 0) this.#send();
    else if (ready === 1) setImmediate(this.#send);
  }

  readonly #send = (): void => {
    const ready = this.#ready;
    if (ready.length === 0) return;
    const pooled = this.#pooled;
    const stream = this.#stream;
    this.#ready = [];
    this.#pooled = [];
    const bytes = this.#bytes;
    this.#bytes = 0;
    const finished = (error?: Error | null): void => {
      // A connection that broke may still hold on to what it was to send.
      if (!error) for (const buffer of pooled) this.#pool.giveBack(buffer);
      this.#sent(ready.length, bytes);
    };
    // A connection that is gone takes nothing, and the reader finds out.
    if (!stream.writable) {
      finished();
      return;
    }
    if (ready.length === 1) {
      stream.write(ready[0], finished);
      return;
    }
    stream.cork();
    const last = ready.length - 1;
    for (let i = 0; i < last; i++) stream.write(ready[i]);
    stream.write(ready[last], finished);
    stream.uncork();
  };
}

/** The states as far as they are reported. Only the last may reach beyond what was asked for, and not even that when one was asked for. */
function shownStates({ length, flags }: Request, states: readonly NbdState[]): readonly NbdState[] {
  const one = (flags & CommandFlag.requestOne) !== 0;
  const [first] = states;
  if (first === undefined) return [];
  if (one) return [{ ...first, length: Math.min(first.length, length) }];
  let position = 0;
  return states.map((extent, index) => {
    const bytes = index === states.length - 1 ? extent.length : Math.min(extent.length, length - position);
    position += extent.length;
    return { state: extent.state, length: bytes };
  });
}

function simple(request: Request, errno: number): Buffer {
  return fillSimple(Buffer.allocUnsafe(replySize.simple), request, errno);
}

function fillSimple(reply: Buffer, request: Request, errno: number): Buffer {
  reply.writeUInt32BE(simpleReplyMagic, 0);
  reply.writeUInt32BE(errno, 4);
  reply.writeUInt32BE(request.handleHigh, 8);
  reply.writeUInt32BE(request.handleLow, 12);
  return reply;
}
