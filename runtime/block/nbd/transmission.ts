import type { Duplex } from 'node:stream';
import type { ByteReader } from './byte-reader.js';
import type { NbdExtent } from './export.js';
import { type Agreement, NbdProtocolError } from './negotiation.js';
import {
  allocationContextId,
  Chunk,
  ChunkFlag,
  Command,
  CommandFlag,
  ExtentState,
  largestPayload,
  mostInFlight,
  NbdErrno,
  requestMagic,
  requestSize,
  simpleReplyMagic,
  structuredReplyMagic,
} from './protocol.js';

interface Request {
  readonly type: number;
  readonly flags: number;
  /** Eight bytes of the client's, echoed in the reply. */
  readonly handle: Buffer;
  readonly offset: number;
  readonly length: number;
  readonly payload: Buffer | undefined;
}

/** A failure with the error code that goes to the client. */
class RequestError extends Error {
  readonly code: keyof typeof NbdErrno;

  constructor(code: keyof typeof NbdErrno, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Serves a client's requests until it disconnects. Requests run side by side, at most {@link mostInFlight} at a time, and are
 * answered as they finish. Returns when the last one is answered.
 *
 * @throws NbdProtocolError when the client breaks the protocol.
 * @throws ConnectionClosed when the connection ends without a disconnect request.
 */
export async function transmit(stream: Duplex, reader: ByteReader, agreement: Agreement): Promise<void> {
  const replies = new Replies(stream, agreement.structuredReplies);
  const running = new Set<Promise<void>>();
  try {
    for (;;) {
      const request = await nextRequest(reader);
      if (request.type === Command.disconnect) return;
      const work: Promise<void> = serve(request, agreement, replies).then(() => {
        running.delete(work);
      });
      running.add(work);
      if (running.size >= mostInFlight) await Promise.race(running);
      if (stream.writableNeedDrain) await drained(stream);
    }
  } finally {
    await Promise.all(running);
  }
}

async function nextRequest(reader: ByteReader): Promise<Request> {
  const header = reader.tryRead(requestSize) ?? (await reader.read(requestSize));
  if (header.readUInt32BE(0) !== requestMagic)
    throw new NbdProtocolError('The client sent no request where one was due');
  const type = header.readUInt16BE(6);
  const length = header.readUInt32BE(24);
  let payload: Buffer | undefined;
  if (type === Command.write) {
    if (length > largestPayload) throw new NbdProtocolError(`The client sent ${length} bytes in one request`);
    payload = reader.tryRead(length) ?? (await reader.read(length));
  }
  // Offsets beyond 2^53 lose precision here, but stay beyond the end of any export.
  const offset = Number(header.readBigUInt64BE(16));
  return { type, flags: header.readUInt16BE(4), handle: header.subarray(8, 16), offset, length, payload };
}

function drained(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
  });
}

async function serve(request: Request, agreement: Agreement, replies: Replies): Promise<void> {
  try {
    check(request, agreement);
    await perform(request, agreement, replies);
  } catch (error) {
    replies.fail(request, errnoOf(error), error instanceof RequestError ? error.message : 'the request failed');
  }
}

const knownFlags: { readonly [type: number]: number } = {
  [Command.read]: CommandFlag.dontFragment | CommandFlag.fua,
  [Command.write]: CommandFlag.fua,
  [Command.flush]: 0,
  [Command.trim]: CommandFlag.fua,
  [Command.writeZeroes]: CommandFlag.fua | CommandFlag.noHole | CommandFlag.fastZero,
  [Command.blockStatus]: CommandFlag.requestOne,
};

function check({ type, flags, offset, length }: Request, { export: target, allocationStatus }: Agreement): void {
  const allowed = knownFlags[type];
  if (allowed === undefined) throw new RequestError('EINVAL', `request type ${type} is not known`);
  if (flags & ~allowed) throw new RequestError('EINVAL', `flags ${flags} do not go with request type ${type}`);
  const changes = type === Command.write || type === Command.trim || type === Command.writeZeroes;
  if (changes && target.readOnly) throw new RequestError('EPERM', 'the export is read-only');
  if (type === Command.blockStatus && (!allocationStatus || length === 0)) {
    throw new RequestError('EINVAL', 'block status needs a negotiated context and a length');
  }
  if (type === Command.read && length > largestPayload) {
    throw new RequestError('EOVERFLOW', `one request may read at most ${largestPayload} bytes`);
  }
  if (type !== Command.flush && offset + length > target.size) {
    const grows = type === Command.write || type === Command.writeZeroes;
    throw new RequestError(grows ? 'ENOSPC' : 'EINVAL', 'the request reaches beyond the end of the export');
  }
}

async function perform(request: Request, { export: target }: Agreement, replies: Replies): Promise<void> {
  const { type, flags, offset, length } = request;
  const fua = (flags & CommandFlag.fua) !== 0;
  switch (type) {
    case Command.read:
      replies.data(request, await target.read(offset, length));
      return;
    case Command.write:
      await target.write(offset, request.payload as Buffer, { fua });
      break;
    case Command.writeZeroes:
      await target.writeZeroes(offset, length, {
        unmap: (flags & CommandFlag.noHole) === 0,
        fua,
        fast: (flags & CommandFlag.fastZero) !== 0,
      });
      break;
    case Command.trim:
      await target.trim(offset, length, { fua });
      break;
    case Command.flush:
      await target.flush();
      break;
    case Command.blockStatus: {
      const extents = await target.blockStatus(offset, length);
      replies.status(request, (flags & CommandFlag.requestOne) !== 0 ? extents.slice(0, 1) : extents);
      return;
    }
  }
  replies.succeed(request);
}

/** The protocol's number for a failure. What has no number there is EINVAL, as the reference has it; what is no system error is EIO. */
function errnoOf(error: unknown): number {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
  if (code === 'EROFS' || code === 'EACCES') return NbdErrno.EPERM;
  if (code === 'EFBIG' || code === 'EDQUOT') return NbdErrno.ENOSPC;
  return Object.hasOwn(NbdErrno, code) ? NbdErrno[code as keyof typeof NbdErrno] : NbdErrno.EINVAL;
}

/** Writes replies, simple ones or, where they were negotiated, structured ones. */
class Replies {
  readonly #stream: Duplex;
  readonly #structured: boolean;

  constructor(stream: Duplex, structured: boolean) {
    this.#stream = stream;
    this.#structured = structured;
  }

  succeed({ handle }: Request): void {
    if (this.#structured) this.#chunk(handle, Chunk.none, Buffer.alloc(0));
    else this.#simple(handle, 0);
  }

  data({ handle, offset }: Request, data: Uint8Array): void {
    if (!this.#structured) {
      this.#simple(handle, 0, data);
      return;
    }
    const place = Buffer.allocUnsafe(8);
    place.writeBigUInt64BE(BigInt(offset), 0);
    this.#chunk(handle, Chunk.offsetData, place, data);
  }

  status({ handle, length, flags }: Request, extents: readonly NbdExtent[]): void {
    const payload = Buffer.alloc(4 + 8 * extents.length);
    payload.writeUInt32BE(allocationContextId, 0);
    let position = 0;
    extents.forEach((extent, index) => {
      // Only the last extent may reach beyond what was asked for, and not even that one when a single one was asked for.
      const whole = index === extents.length - 1 && (flags & CommandFlag.requestOne) === 0;
      const shown = whole ? extent.length : Math.min(extent.length, length - position);
      payload.writeUInt32BE(Math.min(shown, 0xffff_f000), 4 + 8 * index);
      payload.writeUInt32BE((extent.hole ? ExtentState.hole : 0) | (extent.zero ? ExtentState.zero : 0), 8 + 8 * index);
      position += extent.length;
    });
    this.#chunk(handle, Chunk.blockStatus, payload);
  }

  fail({ handle }: Request, errno: number, message: string): void {
    if (!this.#structured) {
      this.#simple(handle, errno);
      return;
    }
    const text = Buffer.from(message);
    const payload = Buffer.alloc(6 + text.length);
    payload.writeUInt32BE(errno, 0);
    payload.writeUInt16BE(text.length, 4);
    text.copy(payload, 6);
    this.#chunk(handle, Chunk.error, payload);
  }

  #simple(handle: Buffer, errno: number, data?: Uint8Array): void {
    const header = Buffer.allocUnsafe(16);
    header.writeUInt32BE(simpleReplyMagic, 0);
    header.writeUInt32BE(errno, 4);
    handle.copy(header, 8);
    this.#write(header, data);
  }

  /** One chunk, which is always the last of its reply here. */
  #chunk(handle: Buffer, type: number, payload: Buffer, data?: Uint8Array): void {
    const header = Buffer.allocUnsafe(20 + payload.length);
    header.writeUInt32BE(structuredReplyMagic, 0);
    header.writeUInt16BE(ChunkFlag.done, 4);
    header.writeUInt16BE(type, 6);
    handle.copy(header, 8);
    header.writeUInt32BE(payload.length + (data?.length ?? 0), 16);
    payload.copy(header, 20);
    this.#write(header, data);
  }

  /** Header and data leave in one system call. A connection that is gone meanwhile takes nothing, and the reader finds out. */
  #write(header: Buffer, data: Uint8Array | undefined): void {
    if (!this.#stream.writable) return;
    if (data === undefined) {
      this.#stream.write(header);
      return;
    }
    this.#stream.cork();
    this.#stream.write(header);
    this.#stream.write(data);
    process.nextTick(() => this.#stream.uncork());
  }
}
