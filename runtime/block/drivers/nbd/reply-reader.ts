import type { ByteReader } from '../../nbd/byte-reader.js';
import {
  Chunk,
  ChunkFlag,
  Command,
  errorChunk,
  extendedReplyMagic,
  type Framing,
  readUint64,
  replySize,
  simpleReplyMagic,
  structuredReplyMagic,
} from '../../nbd/protocol.js';
import type { Exchange } from './request.js';

/** A server broke the protocol: there is no telling what its next bytes mean. */
class BrokenProtocol extends Error {
  override readonly name = 'BrokenProtocol';
}

/** What the replies of a server are about. */
export interface ReplyContext {
  readonly framing: Framing;
  readonly contextId: number | undefined;
  /** The request of a handle, if one is in flight. */
  find(handle: number): Exchange | undefined;
  /** All of the answer has come. */
  answered(handle: number, exchange: Exchange): void;
}

/** The most bytes of an error's chunk: a text of 4096, and what goes with it. */
const longestError = 4096 + 64;
/** The most bytes that may tell of a stretch. One extent was asked for; some servers send all that they know. */
const longestStatus = 1024 * 1024;
const scratchSize = 64 * 1024;

/**
 * Takes replies out of what a server sends. Data goes where it was asked for, without being stored on the way, and nothing
 * that was not asked for is taken.
 */
export class ReplyReader {
  readonly #reader: ByteReader;
  readonly #context: ReplyContext;
  /** Takes what is due. Returns whether that was there. */
  #next: () => boolean = this.#head;
  /** What is being received. */
  #handle = 0;
  #exchange: Exchange | undefined;
  #flags = 0;
  #type = 0;
  #length = 0;

  constructor(reader: ByteReader, context: ReplyContext) {
    this.#reader = reader;
    this.#context = context;
  }

  /**
   * Takes what has arrived as far as it goes.
   *
   * @throws BrokenProtocol
   */
  advance(): void {
    while (!this.#reader.filling && this.#next());
  }

  #head(): boolean {
    const { framing } = this.#context;
    const extended = framing === 'extended';
    const head = this.#reader.take(extended ? replySize.extended : replySize.simple);
    if (head === undefined) return false;
    const magic = head.readUInt32BE(0);
    const isReply = extended
      ? magic === extendedReplyMagic
      : magic === simpleReplyMagic || magic === structuredReplyMagic;
    if (!isReply) throw new BrokenProtocol('it sent no reply where one was due');
    this.#handle = readUint64(head, 8);
    this.#exchange = this.#context.find(this.#handle);
    if (this.#exchange === undefined) throw new BrokenProtocol('it answered a request that is not in flight');
    if (magic === simpleReplyMagic) return this.#simple(this.#exchange, head.readUInt32BE(4));
    if (framing === 'simple') throw new BrokenProtocol('it sent a structured reply');
    this.#flags = head.readUInt16BE(4);
    this.#type = head.readUInt16BE(6);
    // The offset of the request that comes before the length is left to the handle, as by the reference.
    if (extended) return this.#chunk(readUint64(head, 24));
    this.#next = this.#chunkLength;
    return true;
  }

  #simple(exchange: Exchange, errno: number): boolean {
    const { target } = exchange.request;
    this.#flags = ChunkFlag.done;
    if (errno !== 0) exchange.fail(errno, '');
    if (errno !== 0 || target === undefined) return this.#endChunk();
    if (this.#context.framing !== 'simple') throw new BrokenProtocol('it sent a simple reply to a read');
    exchange.received = target.length;
    this.#reader.fill(target);
    this.#next = this.#endChunk;
    return true;
  }

  #chunkLength(): boolean {
    const field = this.#reader.take(4);
    return field !== undefined && this.#chunk(field.readUInt32BE());
  }

  /** Looks at what a chunk is, and how long. */
  #chunk(length: number): boolean {
    const { type: request, target } = this.#expect();
    const type = this.#type;
    this.#length = length;
    if (type === Chunk.none && length === 0) return this.#endChunk();
    if (type === Chunk.offsetData && target !== undefined && length > 8 && length <= 8 + target.length) {
      this.#next = this.#data;
    } else if (type === Chunk.offsetHole && target !== undefined && length === 12) {
      this.#next = this.#hole;
    } else if (type === Chunk.blockStatus && request === Command.blockStatus && isStatusLength(length, 4, 8)) {
      this.#next = this.#status;
    } else if (type === Chunk.blockStatusExtended && request === Command.blockStatus && isStatusLength(length, 8, 16)) {
      this.#next = this.#extendedStatus;
    } else if ((type & errorChunk) !== 0 && length >= 6 && length <= longestError) {
      this.#next = this.#error;
    } else {
      throw new BrokenProtocol(`it sent a chunk of type ${type} with ${length} bytes`);
    }
    return true;
  }

  #data(): boolean {
    const head = this.#reader.take(8);
    if (head === undefined) return false;
    this.#reader.fill(this.#part(head, this.#length - 8));
    this.#next = this.#endChunk;
    return true;
  }

  #hole(): boolean {
    const hole = this.#reader.take(12);
    if (hole === undefined) return false;
    this.#part(hole, hole.readUInt32BE(8)).fill(0);
    return this.#endChunk();
  }

  /** The part of a read's buffer that a chunk is for. */
  #part(offset: Buffer, length: number): Buffer {
    const exchange = this.#exchange as Exchange;
    const { offset: start, target = offset } = exchange.request;
    const at = offset.readUInt32BE(0) * 2 ** 32 + offset.readUInt32BE(4) - start;
    if (at < 0 || length === 0 || at + length > target.length) {
      throw new BrokenProtocol('it sent data from elsewhere than was asked for');
    }
    // Should parts overlap and others be missing, these show nothing of what the memory was used for before.
    if (exchange.received === 0 && length < target.length) target.fill(0);
    exchange.received += length;
    if (exchange.received > target.length) throw new BrokenProtocol('it sent more data than was asked for');
    return target.subarray(at, at + length);
  }

  #status(): boolean {
    const status = this.#reader.take(12);
    if (status === undefined) return false;
    this.#length -= 12;
    return this.#extent(status.readUInt32BE(0), status.readUInt32BE(4), status.readUInt32BE(8));
  }

  #extendedStatus(): boolean {
    const status = this.#reader.take(24);
    if (status === undefined) return false;
    const count = status.readUInt32BE(4);
    if (count !== 0 && 8 + 16 * count !== this.#length) {
      throw new BrokenProtocol(`it sent a status of ${count} extents in ${this.#length} bytes`);
    }
    this.#length -= 24;
    // The contexts that there are have no more than 32 bits of state.
    return this.#extent(status.readUInt32BE(0), readUint64(status, 8), status.readUInt32BE(20));
  }

  /** Takes the first extent of a context; the others are dropped. */
  #extent(contextId: number, length: number, state: number): boolean {
    if (contextId !== this.#context.contextId || length === 0) {
      throw new BrokenProtocol('it reported a status that was not asked for');
    }
    (this.#exchange as Exchange).extent ??= { length, state };
    this.#next = this.#skip;
    return true;
  }

  /** Drops the rest of a chunk. */
  #skip(): boolean {
    if (this.#length === 0) return this.#endChunk();
    const size = Math.min(this.#length, scratchSize);
    this.#length -= size;
    this.#reader.fill(Buffer.allocUnsafe(size));
    return true;
  }

  #error(): boolean {
    const body = this.#reader.take(this.#length);
    if (body === undefined) return false;
    const length = body.readUInt16BE(4);
    if (6 + length > body.length) throw new BrokenProtocol('it sent an error that is cut off');
    // An error of no number would be none.
    this.#exchange?.fail(body.readUInt32BE(0) || 22, body.toString('utf8', 6, 6 + length));
    return this.#endChunk();
  }

  #endChunk(): boolean {
    this.#next = this.#head;
    if ((this.#flags & ChunkFlag.done) === 0) return true;
    const exchange = this.#exchange as Exchange;
    const { missing } = exchange;
    if (missing !== undefined) throw new BrokenProtocol(missing);
    this.#context.answered(this.#handle, exchange);
    return true;
  }

  #expect(): Exchange['request'] {
    return (this.#exchange as Exchange).request;
  }
}

/** Whether a status has so many bytes: some that come first, and one extent or more. */
function isStatusLength(length: number, first: number, extent: number): boolean {
  return length >= first + extent && length <= longestStatus && (length - first) % extent === 0;
}
