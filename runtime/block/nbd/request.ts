import type { ChosenContext } from './contexts.js';
import { type Agreement, NbdProtocolError } from './negotiation.js';
import {
  Command,
  CommandFlag,
  extendedRequestMagic,
  type Framing,
  largestPayload,
  type NbdErrno,
  readUint64,
  requestMagic,
} from './protocol.js';

/** One request of a client's. */
export class Request {
  readonly type: number;
  readonly flags: number;
  /** Eight bytes of the client's, echoed in the reply: their first and their second half. */
  readonly handleHigh: number;
  readonly handleLow: number;
  /** Echoed likewise, where headers are extended. */
  readonly offsetHigh: number;
  readonly offsetLow: number;
  /** Bytes. Beyond 2^53 it is rounded, but stays beyond the end of any export. */
  readonly offset: number;
  /** Bytes that it is about; rounded likewise. A request for block status with a payload has it there. */
  length: number;
  /** Bytes that follow the header. */
  readonly payloadLength: number;
  /** Of a request for block status with a payload: the contexts that it names. */
  contexts: readonly ChosenContext[] | undefined;
  /** What is to be written, or what a request for block status is about; it comes after the header. */
  payload: Buffer | undefined;
  /** Bytes of memory that it has while it is worked on. */
  held = 0;
  /** The buffer that the payload lies in, if that is to be given back. */
  pooled: Buffer | undefined;

  /**
   * @param header as many bytes as `requestSize` has for the framing
   * @throws NbdProtocolError when they are none, or announce more data than can be taken
   */
  constructor(header: Buffer, framing: Framing) {
    const extended = framing === 'extended';
    if (header.readUInt32BE(0) !== (extended ? extendedRequestMagic : requestMagic)) {
      throw new NbdProtocolError('The client sent no request where one was due');
    }
    this.flags = header.readUInt16BE(4);
    this.type = header.readUInt16BE(6);
    this.handleHigh = header.readUInt32BE(8);
    this.handleLow = header.readUInt32BE(12);
    this.offsetHigh = header.readUInt32BE(16);
    this.offsetLow = header.readUInt32BE(20);
    this.offset = this.offsetHigh * 2 ** 32 + this.offsetLow;
    const length = extended ? readUint64(header, 24) : header.readUInt32BE(24);
    // A write has data whether its flag says so or not, as the reference takes it.
    const write = this.type === Command.write;
    const carries = write || (extended && (this.flags & CommandFlag.payloadLength) !== 0);
    this.payloadLength = carries ? length : 0;
    this.length = carries && !write ? 0 : length;
    if (this.payloadLength > largestPayload)
      throw new NbdProtocolError(`The client sent ${length} bytes in one request`);
  }

  /** Whether the data is to be on the disk when the request is answered. */
  get fua(): boolean {
    return (this.flags & CommandFlag.fua) !== 0;
  }
}

/** Bytes of memory that a request needs to be worked on as a whole. */
export function bytesOf({ type, length, payloadLength }: Request): number {
  return type === Command.read ? Math.min(length, largestPayload) : payloadLength;
}

/** A failure with the error code that goes to the client. */
export class RequestError extends Error {
  readonly code: keyof typeof NbdErrno;

  constructor(code: keyof typeof NbdErrno, message: string) {
    super(message);
    this.code = code;
  }
}

/** The flags that a request may have. */
function allowedFlags(type: number, { framing, contexts }: Agreement): number | undefined {
  const payload = framing === 'extended' ? CommandFlag.payloadLength : 0;
  switch (type) {
    case Command.read:
      return CommandFlag.dontFragment | CommandFlag.fua;
    case Command.write:
      return CommandFlag.fua | payload;
    case Command.trim:
      return CommandFlag.fua;
    case Command.flush:
    case Command.cache:
      return 0;
    case Command.writeZeroes:
      return CommandFlag.fua | CommandFlag.noHole | CommandFlag.fastZero;
    case Command.blockStatus:
      return CommandFlag.requestOne | (contexts.length > 0 ? payload : 0);
    default:
      return undefined;
  }
}

/**
 * Refuses what a client may not ask for.
 *
 * @throws RequestError
 */
export function checkRequest(request: Request, agreement: Agreement): void {
  const { export: target, contexts } = agreement;
  const { type, flags, offset } = request;
  const allowed = type === Command.cache && target.cache === undefined ? undefined : allowedFlags(type, agreement);
  if (allowed === undefined) throw new RequestError('EINVAL', `request type ${type} is not known`);
  if (flags & ~allowed) throw new RequestError('EINVAL', `flags ${flags} do not go with request type ${type}`);
  if (type === Command.blockStatus && request.payloadLength > 0) selectContexts(request, contexts);
  const { length } = request;
  const changes = type === Command.write || type === Command.trim || type === Command.writeZeroes;
  if (changes && target.readOnly) throw new RequestError('EPERM', 'the export is read-only');
  if (type === Command.blockStatus && ((request.contexts ?? contexts).length === 0 || length === 0)) {
    throw new RequestError('EINVAL', 'block status needs a negotiated context and a length');
  }
  if ((type === Command.read || type === Command.cache) && length > largestPayload) {
    throw new RequestError('EOVERFLOW', `one request may read at most ${largestPayload} bytes`);
  }
  if (type !== Command.flush && offset + length > target.size) {
    const grows = type === Command.write || type === Command.writeZeroes;
    throw new RequestError(grows ? 'ENOSPC' : 'EINVAL', 'the request reaches beyond the end of the export');
  }
}

/** What a request for block status says in its payload: how many bytes it is about, and the contexts that it wants of those chosen. */
function selectContexts(request: Request, chosen: readonly ChosenContext[]): void {
  const payload = request.payload ?? Buffer.alloc(0);
  const count = (payload.length - 8) / 4;
  if (!Number.isInteger(count) || count < 1 || count > chosen.length) {
    throw new RequestError('EINVAL', 'the payload of block status does not fit the negotiated contexts');
  }
  const ids = new Set(Array.from({ length: count }, (_, index) => payload.readUInt32BE(8 + 4 * index)));
  const contexts = chosen.filter(({ id }) => ids.has(id));
  if (contexts.length !== count) {
    throw new RequestError(
      'EINVAL',
      'the payload of block status names a context that was not negotiated, or one twice',
    );
  }
  request.length = readUint64(payload, 0);
  request.contexts = contexts;
}
