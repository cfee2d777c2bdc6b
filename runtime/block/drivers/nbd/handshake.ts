import type { Errno } from '../../errno.js';
import { BlockError } from '../../error.js';
import { isPowerOfTwo, largestSize, roundDown } from '../../limits.js';
import type { Connection, SecurableConnection } from '../../nbd/connection.js';
import {
  allocationContext,
  ExportFlag,
  type Framing,
  HandshakeFlag,
  Info,
  initMagic,
  largestOption,
  largestPayload,
  Option,
  OptionReply,
  oldstyleMagic,
  optionMagic,
  optionReplyMagic,
} from '../../nbd/protocol.js';

/** What a client and a server have agreed on when transmission begins. */
export interface Agreement {
  /** Bytes. */
  readonly size: number;
  /** Those of {@link ExportFlag}. */
  readonly flags: number;
  /** The unit of requests in bytes, a power of two. Absent: the server has not said. */
  readonly minimum: number | undefined;
  /** The most bytes of one request: a multiple of the minimum. */
  readonly maximum: number;
  readonly framing: Framing;
  /** What the metadata context is called in replies. Absent: there is none, and no block status. */
  readonly contextId: number | undefined;
}

/** What a client wants of a server. */
export interface Wanted {
  readonly exportName: string;
  /** The metadata context. Default: `base:allocation`, if the server has it. */
  readonly context: string | undefined;
}

/** Option replies after which a server that has still not come to an end is left. */
const mostReplies = 1024;
/** Characters of what a server says that are repeated. */
const longestRemark = 200;
/** The largest unit of requests that a server may have, in bytes. Source: the NBD protocol document. */
const largestMinimum = 64 * 1024;

/**
 * Agrees with a server on an export: fixed newstyle by GO, or by EXPORT_NAME where that is all that a server knows; with TLS, if
 * the connection can go over to it.
 *
 * @throws BlockError when the server has no such export, or does not speak as it should
 * @throws ConnectionClosed when the connection ends in the middle
 */
export async function handshake(
  connection: Connection | SecurableConnection,
  wanted: Wanted,
): Promise<Connection & { readonly agreement: Agreement }> {
  const { socket, reader } = connection;
  if ((await reader.read(8)).readBigUInt64BE() !== initMagic) throw wrong('it does not speak NBD');
  const style = (await reader.read(8)).readBigUInt64BE();
  if (style === oldstyleMagic) {
    throw new BlockError('it speaks the old style of NBD, in which no export can be named', { code: 'ENOTSUP' });
  }
  if (style !== optionMagic) throw wrong('it does not speak NBD');
  const flags = (await reader.read(2)).readUInt16BE() & (HandshakeFlag.fixedNewstyle | HandshakeFlag.noZeroes);
  socket.write(uint32(flags));
  const shaking = new Handshake(connection, wanted, flags);
  if ('startTls' in connection) await shaking.secure(connection.startTls);
  const agreement = await shaking.run();
  return { ...shaking.connection, agreement };
}

/** A server's answer to an option: it does not take it. */
interface Refusal {
  readonly type: number;
  readonly remark: string;
}

class Handshake {
  connection: Connection;
  readonly #wanted: Wanted;
  readonly #flags: number;
  #replies = 0;

  constructor(connection: Connection, wanted: Wanted, flags: number) {
    this.connection = connection;
    this.#wanted = wanted;
    this.#flags = flags;
  }

  /** Goes over to TLS. @throws BlockError when the server does not */
  async secure(startTls: SecurableConnection['startTls']): Promise<void> {
    if (!(this.#flags & HandshakeFlag.fixedNewstyle)) throw wrong('it has no TLS');
    const refusal = await this.#ask(Option.startTls, Buffer.alloc(0));
    if (refusal !== undefined) {
      this.#abort();
      throw new BlockError(`Denied by server for option 5 (starttls)${saidBy(refusal)}`, { code: 'EACCES' });
    }
    this.connection = await startTls();
  }

  async run(): Promise<Agreement> {
    if (!(this.#flags & HandshakeFlag.fixedNewstyle)) return this.#byExportName('simple', undefined);
    const framing = await this.#framing();
    const contextId = framing === 'simple' ? undefined : await this.#metaContext();
    const { context, exportName } = this.#wanted;
    let size: Buffer | undefined;
    let blocks: Buffer | undefined;
    const wanted = Buffer.concat([lengthPrefixed(exportName), uint16(1), uint16(Info.blockSize)]);
    const refusal = await this.#ask(Option.go, wanted, (type, body) => {
      if (type !== OptionReply.info || body.length < 2) throw wrong('it answers the choice of an export otherwise');
      const info = body.readUInt16BE();
      if (info === Info.export && body.length === 12) size = body;
      if (info === Info.blockSize && body.length === 14) blocks = body;
    });
    if (refusal?.type === OptionReply.unsupported) {
      return this.#expectContext(await this.#byExportName(framing, contextId));
    }
    if (refusal !== undefined) {
      this.#abort();
      throw refused(refusal, exportName);
    }
    if (size === undefined) throw wrong('it does not tell the size of the export');
    const agreement = agreed(size.readBigUInt64BE(2), size.readUInt16BE(10), blocks);
    return this.#expectContext({ ...agreement, framing, contextId }, context);
  }

  /** Agrees on the framing with the most to it that the server has. */
  async #framing(): Promise<Framing> {
    const none = Buffer.alloc(0);
    if ((await this.#ask(Option.extendedHeaders, none)) === undefined) return 'extended';
    return (await this.#ask(Option.structuredReply, none)) === undefined ? 'structured' : 'simple';
  }

  /** A context that was asked for must be there: block status would mean something else. */
  #expectContext(agreement: Agreement, context = this.#wanted.context): Agreement {
    if (context === undefined || agreement.contextId !== undefined) return agreement;
    throw new BlockError(`it has no metadata context '${context}' for the export`, { code: 'EINVAL' });
  }

  /** Chooses the metadata context. @returns what it is called in replies; nothing when the server has it not */
  async #metaContext(): Promise<number | undefined> {
    const { exportName, context = allocationContext } = this.#wanted;
    let id: number | undefined;
    const query = Buffer.concat([lengthPrefixed(exportName), uint32(1), lengthPrefixed(context)]);
    const refusal = await this.#ask(Option.setMetaContext, query, (type, body) => {
      if (type !== OptionReply.metaContext || body.length < 4)
        throw wrong('it answers the choice of a context otherwise');
      if (body.toString('utf8', 4) === context) id = body.readUInt32BE();
    });
    return refusal === undefined ? id : undefined;
  }

  async #byExportName(framing: Framing, contextId: number | undefined): Promise<Agreement> {
    const { exportName } = this.#wanted;
    this.#send(Option.exportName, Buffer.from(exportName));
    const reply = await this.connection.reader.read(10).catch((error) => {
      throw new BlockError(`Requested export '${exportName}' not available`, { code: 'ENOENT', cause: error });
    });
    if (!(this.#flags & HandshakeFlag.noZeroes)) await this.connection.reader.read(124);
    return {
      ...agreed(reply.readBigUInt64BE(0), reply.readUInt16BE(8), undefined),
      framing,
      contextId,
    };
  }

  /**
   * Sends an option and takes the answer.
   *
   * @param onReply called with what comes before the end of it
   * @returns why the server does not take it; nothing when it does
   */
  async #ask(
    option: number,
    data: Buffer,
    onReply: (type: number, body: Buffer) => void = () => {},
  ): Promise<Refusal | undefined> {
    this.#send(option, data);
    for (;;) {
      const header = await this.connection.reader.read(20);
      if (header.readBigUInt64BE(0) !== optionReplyMagic || header.readUInt32BE(8) !== option) {
        throw wrong('it sent no reply to an option where one was due');
      }
      const type = header.readUInt32BE(12);
      const length = header.readUInt32BE(16);
      if (length > largestOption) throw wrong(`it sent a reply of ${length} bytes to an option`);
      if (++this.#replies > mostReplies) throw wrong('it negotiates without end');
      const body = await this.connection.reader.read(length);
      if (type >= OptionReply.unsupported) return { type, remark: body.toString() };
      if (type === OptionReply.ack) return undefined;
      onReply(type, body);
    }
  }

  #abort(): void {
    this.#send(Option.abort, Buffer.alloc(0));
  }

  #send(option: number, data: Buffer): void {
    const header = Buffer.alloc(16);
    header.writeBigUInt64BE(optionMagic, 0);
    header.writeUInt32BE(option, 8);
    header.writeUInt32BE(data.length, 12);
    this.connection.socket.write(Buffer.concat([header, data]));
  }
}

type Facts = Pick<Agreement, 'size' | 'flags' | 'minimum' | 'maximum'>;

/** Checks what a server says of an export. @throws BlockError when it cannot be */
function agreed(bytes: bigint, flags: number, blocks: Buffer | undefined): Facts {
  if (bytes > BigInt(largestSize)) throw new BlockError(`the export is too large: ${bytes} bytes`, { code: 'EFBIG' });
  const size = Number(bytes);
  const known = flags & ExportFlag.hasFlags ? flags : 0;
  if (blocks === undefined) return { size, flags: known, minimum: undefined, maximum: largestPayload };
  const minimum = blocks.readUInt32BE(2);
  const most = blocks.readUInt32BE(10);
  if (!isPowerOfTwo(minimum) || minimum > largestMinimum || most < minimum) {
    throw wrong(`it takes requests of ${minimum} to ${most} bytes, which makes no sense`);
  }
  if (size % minimum !== 0) throw wrong(`the export has ${size} bytes, which is no multiple of ${minimum}`);
  return { size, flags: known, minimum, maximum: roundDown(Math.min(most, largestPayload), minimum) };
}

function saidBy({ remark }: Refusal): string {
  return remark === '' ? '' : `: the server says '${remark.slice(0, longestRemark)}'`;
}

function refused(refusal: Refusal, exportName: string): BlockError {
  const { type } = refusal;
  if (type === OptionReply.tlsRequired) {
    const message = "TLS negotiation required before option 7 (go): give the credentials by 'tls-creds'";
    return new BlockError(message, { code: 'ENOTSUP' });
  }
  const reasons = new Map<number, readonly [string, Errno]>([
    [OptionReply.unknownExport, [`Requested export '${exportName}' not available`, 'ENOENT']],
    [OptionReply.policy, [`Export '${exportName}' is refused`, 'EACCES']],
  ]);
  const [reason, code] = reasons.get(type) ?? [
    `Export '${exportName}' is refused with error ${type - 2 ** 31}`,
    'EINVAL',
  ];
  return new BlockError(`${reason}${saidBy(refusal)}`, { code });
}

function wrong(problem: string): BlockError {
  return new BlockError(problem, { code: 'EINVAL' });
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function lengthPrefixed(text: string): Buffer {
  return Buffer.concat([uint32(Buffer.byteLength(text)), Buffer.from(text)]);
}
