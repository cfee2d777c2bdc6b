import type { Connection, SecurableConnection } from './connection.js';
import { type ChosenContext, matching } from './contexts.js';
import { Cursor } from './cursor.js';
import type { NbdExport } from './export.js';
import {
  ExportFlag,
  type Framing,
  HandshakeFlag,
  Info,
  initMagic,
  largestOption,
  largestPayload,
  Option,
  OptionReply,
  optionMagic,
  optionReplyMagic,
} from './protocol.js';

/** What a client and the server have agreed on when transmission begins. */
export interface Agreement {
  readonly export: NbdExport;
  readonly framing: Framing;
  /** What the client wants to hear about block status. */
  readonly contexts: readonly ChosenContext[];
}

/** How a negotiation has ended. */
export interface Outcome {
  /** What the client is talked to by from now on. */
  readonly connection: Connection;
  /** Nothing when the client went away in order, or named an export that is not there. */
  readonly agreement: Agreement | undefined;
}

/** Finds the exports that a client may name. */
export interface ExportDirectory {
  find(name: string): NbdExport | undefined;
  names(): Iterable<string>;
  /** Whether a client may be connected more than once, and finds then what it has written by another connection. */
  readonly severalConnections: boolean;
}

/** The client broke the protocol; nothing can be said to it any more. */
export class NbdProtocolError extends Error {
  override readonly name = 'NbdProtocolError';
}

/** An option is turned down; the negotiation goes on. */
class Refusal extends Error {
  readonly type: number;

  constructor(type: number, message: string) {
    super(message);
    this.type = type;
  }
}

/** Options after which a client that has still not chosen an export is turned away. */
const mostOptions = 1024;

/**
 * Negotiates with a client until it has chosen an export.
 *
 * @param connection when it can go over to TLS, nothing is answered before it has
 * @throws NbdProtocolError when the client breaks the protocol.
 * @throws ConnectionClosed when the connection ends in the middle.
 */
export async function negotiate(
  connection: Connection | SecurableConnection,
  exports: ExportDirectory,
): Promise<Outcome> {
  const greeting = Buffer.alloc(18);
  greeting.writeBigUInt64BE(initMagic, 0);
  greeting.writeBigUInt64BE(optionMagic, 8);
  greeting.writeUInt16BE(HandshakeFlag.fixedNewstyle | HandshakeFlag.noZeroes, 16);
  connection.socket.write(greeting);
  const flags = (await connection.reader.read(4)).readUInt32BE();
  if (flags & ~(HandshakeFlag.fixedNewstyle | HandshakeFlag.noZeroes)) {
    throw new NbdProtocolError(`The client sent unknown handshake flags 0x${flags.toString(16)}`);
  }
  const negotiation = new Negotiation(connection, exports, (flags & HandshakeFlag.noZeroes) !== 0);
  const agreement = await negotiation.run();
  return { agreement, connection: negotiation.connection };
}

class Negotiation {
  connection: Connection;
  /** Goes over to TLS; absent when that is done, or not offered. */
  #startTls: SecurableConnection['startTls'] | undefined;
  readonly #exports: ExportDirectory;
  readonly #noZeroes: boolean;
  #framing: Framing = 'simple';
  /** What the client has chosen, and for which export. */
  #chosen: { readonly name: string; readonly contexts: readonly ChosenContext[] } | undefined;
  #secured = false;

  constructor(connection: Connection | SecurableConnection, exports: ExportDirectory, noZeroes: boolean) {
    this.connection = connection;
    this.#startTls = 'startTls' in connection ? connection.startTls : undefined;
    this.#exports = exports;
    this.#noZeroes = noZeroes;
  }

  async run(): Promise<Agreement | undefined> {
    for (let count = 0; count < mostOptions; count++) {
      const header = await this.connection.reader.read(16);
      if (header.readBigUInt64BE(0) !== optionMagic)
        throw new NbdProtocolError('The client sent no option where one was due');
      const option = header.readUInt32BE(8);
      const length = header.readUInt32BE(12);
      if (length > largestOption) throw new NbdProtocolError(`The client sent an option of ${length} bytes`);
      const data = await this.connection.reader.read(length);
      if (option === Option.exportName) {
        if (this.#startTls) throw new NbdProtocolError('The client chose an export without TLS');
        const found = this.#exports.find(data.toString());
        if (found) this.#acceptExportName(found);
        return found && this.#agreement(found);
      }
      let chosen: NbdExport | undefined;
      try {
        chosen = this.#answer(option, data);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        this.#reply(option, error.type, error.message);
        continue;
      }
      this.#reply(option, OptionReply.ack);
      if (option === Option.startTls) await this.#secure();
      if (option === Option.abort) return undefined;
      if (chosen) return this.#agreement(chosen);
    }
    throw new NbdProtocolError('The client negotiated without end');
  }

  /** Answers an option, except for the acknowledgement that ends the answer. Gives the export that the client goes to. */
  #answer(option: number, data: Buffer): NbdExport | undefined {
    if (this.#startTls && option !== Option.startTls && option !== Option.abort) {
      throw new Refusal(OptionReply.tlsRequired, `Option 0x${option.toString(16)} not permitted before TLS`);
    }
    switch (option) {
      case Option.abort:
        return undefined;
      case Option.list:
        expectNoData(data);
        for (const name of this.#exports.names()) {
          const { description = '' } = this.#exports.find(name) ?? {};
          const entry = Buffer.concat([lengthPrefixed(name), Buffer.from(description)]);
          this.#reply(option, OptionReply.server, entry);
        }
        return undefined;
      case Option.info:
        this.#describe(option, data);
        return undefined;
      case Option.go:
        return this.#describe(option, data);
      case Option.structuredReply:
        expectNoData(data);
        this.#frame('structured');
        return undefined;
      case Option.extendedHeaders:
        expectNoData(data);
        this.#frame('extended');
        return undefined;
      case Option.listMetaContext:
      case Option.setMetaContext:
        this.#metaContext(option, data);
        return undefined;
      case Option.startTls:
        expectNoData(data);
        if (this.#startTls) return undefined;
        if (this.#secured) throw new Refusal(OptionReply.invalid, 'TLS already enabled');
        throw new Refusal(OptionReply.policy, 'TLS not configured');
      default:
        throw new Refusal(OptionReply.unsupported, `option ${option} is not known`);
    }
  }

  /** Frames what follows the negotiation in another way than before, of which there is no way back. */
  #frame(framing: 'structured' | 'extended'): void {
    if (this.#framing === framing) throw new Refusal(OptionReply.invalid, 'this has been negotiated already');
    if (this.#framing === 'extended') {
      throw new Refusal(OptionReply.extendedHeadersRequired, 'extended headers have been negotiated already');
    }
    this.#framing = framing;
  }

  /** Goes over to TLS: what was agreed before is forgotten. */
  async #secure(): Promise<void> {
    const startTls = this.#startTls;
    this.#startTls = undefined;
    this.#secured = true;
    if (startTls) this.connection = await startTls();
  }

  #agreement(found: NbdExport): Agreement {
    return { export: found, framing: this.#framing, contexts: this.#contextsOf(found) };
  }

  /** The contexts that the client has chosen for an export. */
  #contextsOf({ name }: NbdExport): readonly ChosenContext[] {
    return this.#chosen?.name === name ? this.#chosen.contexts : [];
  }

  #flags(found: NbdExport, informing = false): number {
    const { severalConnections } = this.#exports;
    const selects = this.#framing === 'extended' && (informing || this.#contextsOf(found).length > 0);
    return (
      exportFlags(found) |
      (this.#framing === 'simple' ? 0 : ExportFlag.dontFragment) |
      (severalConnections ? ExportFlag.multiConnection : 0) |
      (selects ? ExportFlag.blockStatusPayload : 0)
    );
  }

  #acceptExportName(found: NbdExport): void {
    const reply = Buffer.alloc(this.#noZeroes ? 10 : 134);
    reply.writeBigUInt64BE(BigInt(found.size), 0);
    reply.writeUInt16BE(this.#flags(found), 8);
    this.connection.socket.write(reply);
  }

  /** What INFO and GO answer. */
  #describe(option: number, data: Buffer): NbdExport {
    const cursor = new Cursor(data);
    const name = cursor.text();
    const count = cursor.uint16();
    const wanted = new Set<number | undefined>();
    for (let i = 0; i < (count ?? 0); i++) wanted.add(cursor.uint16());
    if (name === undefined || !cursor.exhausted) throw malformed();
    const found = this.#find(name);
    const size = infoReply(Info.export, 10);
    size.writeBigUInt64BE(BigInt(found.size), 2);
    size.writeUInt16BE(this.#flags(found, option === Option.info), 10);
    this.#reply(option, OptionReply.info, size);
    if (wanted.has(Info.name)) {
      this.#reply(option, OptionReply.info, Buffer.concat([infoReply(Info.name, 0), Buffer.from(found.name)]));
    }
    if (wanted.has(Info.description) && found.description !== undefined) {
      const text = Buffer.from(found.description);
      this.#reply(option, OptionReply.info, Buffer.concat([infoReply(Info.description, 0), text]));
    }
    const blocks = infoReply(Info.blockSize, 12);
    blocks.writeUInt32BE(found.blockSize.minimum, 2);
    blocks.writeUInt32BE(found.blockSize.preferred, 6);
    blocks.writeUInt32BE(largestPayload, 10);
    this.#reply(option, OptionReply.info, blocks);
    return found;
  }

  #find(name: string): NbdExport {
    const found = this.#exports.find(name);
    if (!found) throw new Refusal(OptionReply.unknownExport, `there is no export '${name}'`);
    return found;
  }

  #metaContext(option: number, data: Buffer): void {
    const cursor = new Cursor(data);
    const name = cursor.text();
    const count = cursor.uint32();
    const queries: string[] = [];
    for (let i = 0; i < (count ?? 0) && !cursor.failed; i++) queries.push(cursor.text() ?? '');
    if (name === undefined || !cursor.exhausted) throw malformed();
    if (this.#framing === 'simple') {
      throw new Refusal(OptionReply.invalid, 'metadata contexts need structured replies');
    }
    const found = this.#find(name);
    const setting = option === Option.setMetaContext;
    const contexts = matching(found, queries, !setting);
    if (setting) this.#chosen = { name, contexts };
    for (const { id, context } of contexts) {
      const reply = Buffer.alloc(4 + Buffer.byteLength(context.name));
      // In a listing the id has no meaning and is to be 0.
      reply.writeUInt32BE(setting ? id : 0, 0);
      reply.write(context.name, 4);
      this.#reply(option, OptionReply.metaContext, reply);
    }
  }

  #reply(option: number, type: number, data: Buffer | string = ''): void {
    const body = Buffer.from(data);
    const header = Buffer.alloc(20);
    header.writeBigUInt64BE(optionReplyMagic, 0);
    header.writeUInt32BE(option, 8);
    header.writeUInt32BE(type, 12);
    header.writeUInt32BE(body.length, 16);
    this.connection.socket.write(Buffer.concat([header, body]));
  }
}

function malformed(): Refusal {
  return new Refusal(OptionReply.invalid, 'the data of this option are malformed');
}

function expectNoData(data: Buffer): void {
  if (data.length > 0) throw new Refusal(OptionReply.invalid, 'this option takes no data');
}

function exportFlags(found: NbdExport): number {
  const always = ExportFlag.hasFlags | ExportFlag.flush | ExportFlag.fua | (found.cache ? ExportFlag.cache : 0);
  const access = found.readOnly ? ExportFlag.readOnly : ExportFlag.trim | ExportFlag.writeZeroes | ExportFlag.fastZero;
  return always | access;
}

function infoReply(type: number, bytes: number): Buffer {
  const reply = Buffer.alloc(2 + bytes);
  reply.writeUInt16BE(type, 0);
  return reply;
}

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length, 0);
  return Buffer.concat([length, bytes]);
}
