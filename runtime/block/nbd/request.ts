import { type Agreement, NbdProtocolError } from './negotiation.js';
import { Command, CommandFlag, largestPayload, type NbdErrno, requestMagic } from './protocol.js';

/** One request of a client's. */
export class Request {
  readonly type: number;
  readonly flags: number;
  /** Eight bytes of the client's, echoed in the reply: their first and their second half. */
  readonly handleHigh: number;
  readonly handleLow: number;
  /** Bytes. Beyond 2^53 it is rounded, but stays beyond the end of any export. */
  readonly offset: number;
  readonly length: number;
  /** What is to be written; it comes after the header. */
  payload: Buffer | undefined;
  /** Bytes of memory that it has while it is worked on. */
  held = 0;
  /** The buffer that the payload lies in, if that is to be given back. */
  pooled: Buffer | undefined;

  /**
   * @param header its {@link requestSize} bytes
   * @throws NbdProtocolError when they are none, or announce more data than can be taken
   */
  constructor(header: Buffer) {
    if (header.readUInt32BE(0) !== requestMagic) {
      throw new NbdProtocolError('The client sent no request where one was due');
    }
    this.flags = header.readUInt16BE(4);
    this.type = header.readUInt16BE(6);
    this.handleHigh = header.readUInt32BE(8);
    this.handleLow = header.readUInt32BE(12);
    this.offset = header.readUInt32BE(16) * 2 ** 32 + header.readUInt32BE(20);
    this.length = header.readUInt32BE(24);
    if (this.payloadLength > largestPayload) {
      throw new NbdProtocolError(`The client sent ${this.length} bytes in one request`);
    }
  }

  /** Bytes that follow the header. */
  get payloadLength(): number {
    return this.type === Command.write ? this.length : 0;
  }

  /** Whether the data is to be on the disk when the request is answered. */
  get fua(): boolean {
    return (this.flags & CommandFlag.fua) !== 0;
  }
}

/** Bytes of memory that a request needs to be worked on as a whole. */
export function bytesOf({ type, length }: Request): number {
  return type === Command.read || type === Command.write ? Math.min(length, largestPayload) : 0;
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
function allowedFlags(type: number): number | undefined {
  switch (type) {
    case Command.read:
      return CommandFlag.dontFragment | CommandFlag.fua;
    case Command.write:
    case Command.trim:
      return CommandFlag.fua;
    case Command.flush:
    case Command.cache:
      return 0;
    case Command.writeZeroes:
      return CommandFlag.fua | CommandFlag.noHole | CommandFlag.fastZero;
    case Command.blockStatus:
      return CommandFlag.requestOne;
    default:
      return undefined;
  }
}

/**
 * Refuses what a client may not ask for.
 *
 * @throws RequestError
 */
export function checkRequest(request: Request, { export: target, contexts }: Agreement): void {
  const { type, flags, offset, length } = request;
  const allowed = type === Command.cache && target.cache === undefined ? undefined : allowedFlags(type);
  if (allowed === undefined) throw new RequestError('EINVAL', `request type ${type} is not known`);
  if (flags & ~allowed) throw new RequestError('EINVAL', `flags ${flags} do not go with request type ${type}`);
  const changes = type === Command.write || type === Command.trim || type === Command.writeZeroes;
  if (changes && target.readOnly) throw new RequestError('EPERM', 'the export is read-only');
  if (type === Command.blockStatus && (contexts.length === 0 || length === 0)) {
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
