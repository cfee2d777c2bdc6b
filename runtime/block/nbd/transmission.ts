import type { Duplex } from 'node:stream';
import { type ByteReader, ConnectionClosed } from './byte-reader.js';
import { type MemoryShare, type NbdMemory, pieceLength } from './memory.js';
import type { Agreement } from './negotiation.js';
import { PieceError, readInPieces, writeInPieces } from './pieces.js';
import { Command, CommandFlag, mostInFlight, NbdErrno, requestSize } from './protocol.js';
import { Replies, type StatusAnswer } from './replies.js';
import { bytesOf, checkRequest, Request, RequestError } from './request.js';

/**
 * Serves a client's requests until it disconnects. Requests run side by side, at most {@link mostInFlight} at a time, and are
 * answered as they finish. Resolves when the last one is answered.
 *
 * @throws NbdProtocolError when the client breaks the protocol.
 * @throws ConnectionClosed when the connection ends without a disconnect request.
 */
export function transmit(stream: Duplex, reader: ByteReader, agreement: Agreement, memory: NbdMemory): Promise<void> {
  const share = memory.join();
  return new Promise<void>((resolve, reject) => {
    new Transmission(stream, reader, agreement, share, (error) => (error ? reject(error) : resolve())).advance();
  }).finally(() => share.leave());
}

const nothing = Buffer.alloc(0);

/** What waits for something. */
interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

/** The requests of one client: the one that is being received, and those that are not answered yet. */
class Transmission {
  readonly #reader: ByteReader;
  readonly #agreement: Agreement;
  readonly #memory: MemoryShare;
  readonly #replies: Replies;
  readonly #done: (error: Error | undefined) => void;
  /** Received so far that it is known what follows. */
  #next: Request | undefined;
  #inFlight = 0;
  /** No request is taken until one is answered. */
  #holding = false;
  /** A request is worked on by pieces, without others beside it. */
  #alone = false;
  /** What waits for a piece of what is to be written. */
  #filled: Waiting | undefined;
  /** Set once no request is taken any more, to why. */
  #ending: { readonly error: Error | undefined } | undefined;

  constructor(
    stream: Duplex,
    reader: ByteReader,
    agreement: Agreement,
    memory: MemoryShare,
    done: (error: Error | undefined) => void,
  ) {
    this.#reader = reader;
    this.#agreement = agreement;
    this.#memory = memory;
    this.#replies = new Replies(stream, agreement.framing, memory.pool, () => this.#inFlight, this.#sent);
    this.#done = done;
    reader.onReady = () => this.advance();
  }

  /** Takes what has arrived as far as it goes. */
  advance(): void {
    if (this.#filled !== undefined) this.#piece(this.#filled);
    if (this.#alone) return;
    try {
      while (this.#ending === undefined) {
        const request = this.#receive();
        if (request === undefined) break;
        this.#next = undefined;
        this.#start(request);
      }
    } catch (error) {
      this.#end(error as Error);
    }
  }

  /** The next request, if it is here as a whole and may begin. */
  #receive(): Request | undefined {
    const reader = this.#reader;
    if (this.#next === undefined) {
      const { framing } = this.#agreement;
      const header = reader.take(requestSize[framing]);
      if (header === undefined) return this.#wait();
      const request = new Request(header, framing);
      if (request.type === Command.disconnect) {
        this.#end(undefined);
        return undefined;
      }
      this.#next = request;
    }
    const request = this.#next;
    const { payloadLength } = request;
    if (request.payload === undefined) {
      const bytes = bytesOf(request);
      if (this.#inFlight >= mostInFlight || !this.#memory.hasRoom(bytes)) {
        this.#holding = true;
        reader.hold();
        if (this.#inFlight === 0) void this.#performInPieces(request);
        return undefined;
      }
      request.held = bytes;
      this.#memory.take(bytes);
      if (payloadLength === 0) return request;
      request.pooled = this.#memory.pool.take(payloadLength);
      request.payload = request.pooled.subarray(0, payloadLength);
      reader.fill(request.payload);
    }
    return reader.filling ? this.#wait() : request;
  }

  #wait(): undefined {
    if (this.#reader.ended) throw new ConnectionClosed('The connection was closed');
  }

  /** Begins a request; its reply follows when it is done. */
  #start(request: Request): void {
    this.#inFlight++;
    try {
      checkRequest(request, this.#agreement);
      this.#perform(request);
    } catch (error) {
      this.#fail(request, error);
    }
  }

  #perform(request: Request): void {
    const { type, offset, length } = request;
    const target = this.#agreement.export;
    const replies = this.#replies;
    // A buffer is not used again after a failure: who failed may still be at it in part.
    if (type === Command.read) {
      const buffer = this.#memory.pool.take(replies.dataHeader + length);
      target.read(offset, buffer.subarray(replies.dataHeader, replies.dataHeader + length)).then(
        () => replies.data(request, buffer),
        (error) => this.#fail(request, error),
      );
    } else if (type === Command.blockStatus) {
      this.#status(request).then(
        (answers) => {
          if (request.pooled !== undefined) this.#memory.pool.giveBack(request.pooled);
          replies.status(request, answers);
        },
        (error) => this.#fail(request, error),
      );
    } else {
      this.#change(request).then(
        () => {
          if (request.pooled !== undefined) this.#memory.pool.giveBack(request.pooled);
          replies.succeed(request);
        },
        (error) => this.#fail(request, error),
      );
    }
  }

  #status({ offset, length, flags, contexts = this.#agreement.contexts }: Request): Promise<StatusAnswer[]> {
    const options = { one: (flags & CommandFlag.requestOne) !== 0 };
    return Promise.all(
      contexts.map(async ({ id, context }) => ({
        id,
        states: await context.status(offset, length, options),
      })),
    );
  }

  #change(request: Request): Promise<void> {
    const { type, flags, offset, length, fua } = request;
    const target = this.#agreement.export;
    switch (type) {
      case Command.write:
        return target.write(offset, request.payload ?? nothing, { fua });
      case Command.writeZeroes: {
        const unmap = (flags & CommandFlag.noHole) === 0;
        return target.writeZeroes(offset, length, { unmap, fua, fast: (flags & CommandFlag.fastZero) !== 0 });
      }
      case Command.trim:
        return target.trim(offset, length, { fua });
      case Command.cache:
        return target.cache?.(offset, length) ?? Promise.resolve();
      default:
        return target.flush();
    }
  }

  /** Works on a request that is too large for what the others leave: nothing else is in flight. */
  async #performInPieces(request: Request): Promise<void> {
    this.#next = undefined;
    this.#alone = true;
    this.#inFlight++;
    request.held = pieceLength;
    this.#memory.take(pieceLength);
    const { pool } = this.#memory;
    const pooled = pool.take(pieceLength);
    const work = { request, target: this.#agreement.export, buffer: pooled.subarray(0, pieceLength) };
    const refusal = refusalOf(request, this.#agreement);
    try {
      // What has a payload and is no write is refused: it has far more than it may have.
      if (request.payloadLength > 0) {
        await writeInPieces(work, refusal, (piece) => this.#fill(piece));
        this.#alone = false;
        this.#replies.succeed(request);
      } else {
        if (refusal !== undefined) throw refusal;
        await readInPieces(work, this.#replies);
        this.#alone = false;
        this.#sent(1, request.held);
      }
      pool.giveBack(pooled);
    } catch (error) {
      this.#alone = false;
      if (error instanceof PieceError || error instanceof ConnectionClosed) {
        this.#ending ??= { error };
        this.#sent(1, request.held);
      } else {
        this.#fail(request, error);
      }
    }
  }

  /** Fills a buffer with what the client sends. @throws ConnectionClosed */
  #fill(piece: Buffer): Promise<void> {
    const reader = this.#reader;
    reader.fill(piece);
    return new Promise((resolve, reject) => {
      this.#filled = { resolve, reject };
      this.#piece(this.#filled);
      if (this.#filled !== undefined) reader.release();
    });
  }

  #piece({ resolve, reject }: Waiting): void {
    const reader = this.#reader;
    if (reader.filling && !reader.ended) return;
    this.#filled = undefined;
    reader.hold();
    if (reader.filling) reject(new ConnectionClosed('The connection was closed'));
    else resolve();
  }

  #fail(request: Request, error: unknown): void {
    const message = error instanceof RequestError ? error.message : 'the request failed';
    this.#replies.fail(request, errnoOf(error), message);
  }

  readonly #sent = (replies: number, bytes: number): void => {
    this.#inFlight -= replies;
    this.#memory.giveBack(bytes);
    if (this.#ending !== undefined) {
      this.#settle();
      return;
    }
    if (!this.#holding || this.#alone) return;
    // A request waits for room. Those behind it may have to, too.
    this.#holding = false;
    this.advance();
    if (!this.#holding) this.#reader.release();
  };

  #end(error: Error | undefined): void {
    this.#ending = { error };
    this.#reader.hold();
    this.#settle();
  }

  #settle(): void {
    if (this.#inFlight === 0) this.#done(this.#ending?.error);
  }
}

/** Why a request is refused, if it is. */
function refusalOf(request: Request, agreement: Agreement): unknown {
  try {
    checkRequest(request, agreement);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The protocol's number for a failure. What has no number there is EINVAL, as the reference has it; what is no system error is EIO. */
function errnoOf(error: unknown): number {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
  if (code === 'EROFS' || code === 'EACCES') return NbdErrno.EPERM;
  if (code === 'EFBIG' || code === 'EDQUOT') return NbdErrno.ENOSPC;
  return Object.hasOwn(NbdErrno, code) ? NbdErrno[code as keyof typeof NbdErrno] : NbdErrno.EINVAL;
}
