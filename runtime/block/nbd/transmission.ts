import type { Duplex } from 'node:stream';
import type { BufferPool } from './buffer-pool.js';
import { type ByteReader, ConnectionClosed } from './byte-reader.js';
import type { Agreement } from './negotiation.js';
import { Command, CommandFlag, mostInFlight, mostInFlightBytes, NbdErrno, requestSize } from './protocol.js';
import { Replies } from './replies.js';
import { bytesOf, checkRequest, Request, RequestError } from './request.js';

/**
 * Serves a client's requests until it disconnects. Requests run side by side, at most {@link mostInFlight} at a time, and are
 * answered as they finish. Resolves when the last one is answered.
 *
 * @throws NbdProtocolError when the client breaks the protocol.
 * @throws ConnectionClosed when the connection ends without a disconnect request.
 */
export function transmit(stream: Duplex, reader: ByteReader, agreement: Agreement, pool: BufferPool): Promise<void> {
  return new Promise((resolve, reject) => {
    new Transmission(stream, reader, agreement, pool, (error) => (error ? reject(error) : resolve())).advance();
  });
}

const nothing = Buffer.alloc(0);

/** The requests of one client: the one that is being received, and those that are not answered yet. */
class Transmission {
  readonly #reader: ByteReader;
  readonly #agreement: Agreement;
  readonly #pool: BufferPool;
  readonly #replies: Replies;
  readonly #done: (error: Error | undefined) => void;
  /** Received so far that it is known what follows. */
  #next: Request | undefined;
  #inFlight = 0;
  #bytes = 0;
  /** Set once no request is taken any more, to why. */
  #ending: { readonly error: Error | undefined } | undefined;

  constructor(
    stream: Duplex,
    reader: ByteReader,
    agreement: Agreement,
    pool: BufferPool,
    done: (error: Error | undefined) => void,
  ) {
    this.#reader = reader;
    this.#agreement = agreement;
    this.#pool = pool;
    this.#replies = new Replies(stream, agreement.structuredReplies, pool, this.#sent);
    this.#done = done;
    reader.onReady = () => this.advance();
  }

  /** Takes what has arrived as far as it goes. */
  advance(): void {
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
      const header = reader.take(requestSize);
      if (header === undefined) return this.#wait();
      const request = new Request(header);
      if (request.type === Command.disconnect) {
        this.#end(undefined);
        return undefined;
      }
      this.#next = request;
    }
    const request = this.#next;
    const { payloadLength } = request;
    if (request.payload === undefined) {
      if (!this.#hasRoom(request)) {
        reader.hold();
        return undefined;
      }
      if (payloadLength === 0) return request;
      request.pooled = this.#pool.take(payloadLength);
      request.payload = request.pooled.subarray(0, payloadLength);
      reader.fill(request.payload);
    }
    return reader.filling ? this.#wait() : request;
  }

  #wait(): undefined {
    if (this.#reader.ended) throw new ConnectionClosed('The connection was closed');
  }

  /** Whether a request may begin now. A large one may always be the only one. */
  #hasRoom(request: Request): boolean {
    if (this.#inFlight === 0) return true;
    return this.#inFlight < mostInFlight && this.#bytes + bytesOf(request) <= mostInFlightBytes;
  }

  /** Begins a request; its reply follows when it is done. */
  #start(request: Request): void {
    this.#inFlight++;
    this.#bytes += bytesOf(request);
    try {
      checkRequest(request, this.#agreement);
      this.#perform(request);
    } catch (error) {
      this.#fail(request, error);
    }
  }

  #perform(request: Request): void {
    const { type, flags, offset, length } = request;
    const target = this.#agreement.export;
    const replies = this.#replies;
    // A buffer is not used again after a failure: who failed may still be at it in part.
    if (type === Command.read) {
      const buffer = this.#pool.take(replies.dataHeader + length);
      target.read(offset, buffer.subarray(replies.dataHeader, replies.dataHeader + length)).then(
        () => replies.data(request, buffer),
        (error) => this.#fail(request, error),
      );
    } else if (type === Command.blockStatus) {
      target.blockStatus(offset, length, { one: (flags & CommandFlag.requestOne) !== 0 }).then(
        (extents) => replies.status(request, extents),
        (error) => this.#fail(request, error),
      );
    } else {
      this.#change(request).then(
        () => {
          if (request.pooled !== undefined) this.#pool.giveBack(request.pooled);
          replies.succeed(request);
        },
        (error) => this.#fail(request, error),
      );
    }
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
      default:
        return target.flush();
    }
  }

  #fail(request: Request, error: unknown): void {
    const message = error instanceof RequestError ? error.message : 'the request failed';
    this.#replies.fail(request, errnoOf(error), message);
  }

  readonly #sent = (replies: number, bytes: number): void => {
    this.#inFlight -= replies;
    this.#bytes -= bytes;
    if (this.#ending !== undefined) {
      this.#settle();
      return;
    }
    if (this.#next === undefined || this.#next.payload !== undefined) return;
    // A request waits for room. Those behind it may have to, too.
    this.advance();
    if (this.#next === undefined || this.#next.payload !== undefined) this.#reader.release();
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

/** The protocol's number for a failure. What has no number there is EINVAL, as the reference has it; what is no system error is EIO. */
function errnoOf(error: unknown): number {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
  if (code === 'EROFS' || code === 'EACCES') return NbdErrno.EPERM;
  if (code === 'EFBIG' || code === 'EDQUOT') return NbdErrno.ENOSPC;
  return Object.hasOwn(NbdErrno, code) ? NbdErrno[code as keyof typeof NbdErrno] : NbdErrno.EINVAL;
}
