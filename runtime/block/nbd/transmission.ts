import type { Duplex } from 'node:stream';
import type { BufferPool } from './buffer-pool.js';
import type { ByteReader } from './byte-reader.js';
import type { Agreement } from './negotiation.js';
import { Command, CommandFlag, mostInFlight, mostInFlightBytes, NbdErrno, requestSize } from './protocol.js';
import { Replies } from './replies.js';
import { bytesOf, checkRequest, Request, RequestError } from './request.js';

/**
 * Serves a client's requests until it disconnects. Requests run side by side, at most {@link mostInFlight} at a time, and are
 * answered as they finish. Returns when the last one is answered.
 *
 * @throws NbdProtocolError when the client breaks the protocol.
 * @throws ConnectionClosed when the connection ends without a disconnect request.
 */
export async function transmit(
  stream: Duplex,
  reader: ByteReader,
  agreement: Agreement,
  pool: BufferPool,
): Promise<void> {
  const transmission = new Transmission(stream, agreement, pool);
  try {
    for (;;) {
      const request = new Request(reader.tryRead(requestSize) ?? (await reader.read(requestSize)));
      if (request.type === Command.disconnect) return;
      if (!transmission.hasRoom(request)) await transmission.room(request);
      const { payloadLength } = request;
      if (payloadLength > 0) {
        request.payload = reader.tryRead(payloadLength);
        if (request.payload === undefined) {
          request.pooled = pool.take(payloadLength);
          request.payload = request.pooled.subarray(0, payloadLength);
          await reader.fill(request.payload);
        }
      }
      transmission.start(request);
    }
  } finally {
    await transmission.finished();
  }
}

const nothing = Buffer.alloc(0);

/** The requests of one client that are not answered yet. */
class Transmission {
  readonly #agreement: Agreement;
  readonly #pool: BufferPool;
  readonly #replies: Replies;
  #inFlight = 0;
  #bytes = 0;
  /** Called when something was answered, by whoever waits for that. */
  #wake: (() => void) | undefined;

  constructor(stream: Duplex, agreement: Agreement, pool: BufferPool) {
    this.#agreement = agreement;
    this.#pool = pool;
    this.#replies = new Replies(stream, agreement.structuredReplies, pool, this.#sent);
  }

  /** Whether a request may begin now. A large one may always be the only one. */
  hasRoom(request: Request): boolean {
    if (this.#inFlight === 0) return true;
    return this.#inFlight < mostInFlight && this.#bytes + bytesOf(request) <= mostInFlightBytes;
  }

  /** Waits until a request may begin. */
  room(request: Request): Promise<void> {
    return this.#until(() => this.hasRoom(request));
  }

  /** Waits until everything is answered. */
  finished(): Promise<void> {
    return this.#until(() => this.#inFlight === 0);
  }

  /** Begins a request; its reply follows when it is done. */
  start(request: Request): void {
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
    const { type, offset, length } = request;
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
      target.blockStatus(offset, length).then(
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
    this.#wake?.();
  };

  #until(reached: () => boolean): Promise<void> {
    if (reached()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = () => {
        if (!reached()) return;
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

/** The protocol's number for a failure. What has no number there is EINVAL, as the reference has it; what is no system error is EIO. */
function errnoOf(error: unknown): number {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
  if (code === 'EROFS' || code === 'EACCES') return NbdErrno.EPERM;
  if (code === 'EFBIG' || code === 'EDQUOT') return NbdErrno.ENOSPC;
  return Object.hasOwn(NbdErrno, code) ? NbdErrno[code as keyof typeof NbdErrno] : NbdErrno.EINVAL;
}
