import { isErrno, strerror } from '../../errno.js';
import { BlockError } from '../../error.js';
import {
  Command,
  CommandFlag,
  extendedRequestMagic,
  type Framing,
  NbdErrno,
  requestMagic,
  requestSize,
  writeUint64,
} from '../../nbd/protocol.js';

/** What is asked of a server. */
export interface NbdRequest {
  /** One of {@link Command}. */
  readonly type: number;
  /** Those of the protocol's command flags. */
  readonly flags: number;
  readonly offset: number;
  readonly length: number;
  /** What is written. It does not change until the request is done. */
  readonly payload?: Uint8Array;
  /** Filled by a read. */
  readonly target?: Buffer;
}

/** The header of a request, as it is sent. */
export function requestHeader(
  handle: number,
  { type, flags, offset, length, payload }: NbdRequest,
  framing: Framing,
): Buffer {
  const bytes = Buffer.allocUnsafe(requestSize[framing]);
  const extended = framing === 'extended';
  bytes.writeUInt32BE(extended ? extendedRequestMagic : requestMagic, 0);
  bytes.writeUInt16BE(extended && payload !== undefined ? flags | CommandFlag.payloadLength : flags, 4);
  bytes.writeUInt16BE(type, 6);
  writeUint64(bytes, handle, 8);
  writeUint64(bytes, offset, 16);
  if (extended) writeUint64(bytes, length, 24);
  else bytes.writeUInt32BE(length, 24);
  return bytes;
}

/** A stretch in one state, as the server tells it. */
export interface Extent {
  readonly length: number;
  /** The bits that the metadata context has. */
  readonly state: number;
}

/** A request that was sent, and what has come of it so far. */
export class Exchange {
  readonly request: NbdRequest;
  /** Bytes of a read that have come. */
  received = 0;
  extent: Extent | undefined;
  /** The first that was reported. */
  failure: BlockError | undefined;
  /** The payload has left, and may change. */
  sent: boolean;
  /** The reply has come. */
  answered = false;
  readonly #resolve: (extent: Extent | undefined) => void;
  readonly #reject: (error: unknown) => void;

  constructor(request: NbdRequest, resolve: (extent: Extent | undefined) => void, reject: (error: unknown) => void) {
    this.request = request;
    this.sent = request.payload === undefined;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Notes an error that the server reports. */
  fail(errno: number, remark: string): void {
    this.failure ??= failureOf(errno, remark);
  }

  /** What is missing to an answer that reports no failure. */
  get missing(): string | undefined {
    const { type, target } = this.request;
    if (this.failure !== undefined) return undefined;
    if (target !== undefined && this.received !== target.length) {
      return `it sent ${this.received} of ${target.length} bytes`;
    }
    return type === Command.blockStatus && this.extent === undefined ? 'it did not tell the status' : undefined;
  }

  /** Ends the request if it has been answered and its payload is not needed any more. */
  settle(): void {
    if (!this.sent || !this.answered) return;
    if (this.failure === undefined) this.#resolve(this.extent);
    else this.#reject(this.failure);
  }

  /** The connection is gone. */
  lose(reason: Error): void {
    this.#reject(reason);
  }
}

/** The system's failure for an error of the protocol. What it does not define is EINVAL. */
function failureOf(errno: number, remark: string): BlockError {
  const [name = 'EINVAL'] = Object.entries(NbdErrno).find(([, number]) => number === errno) ?? [];
  const code = isErrno(name) ? name : 'EINVAL';
  return new BlockError(strerror(code), { code, ...(remark === '' ? {} : { cause: new Error(remark) }) });
}
