import { createServer, type Server, type Socket } from 'node:net';
import { LONGEST_DELAY } from '../../qmp/deadline.js';
import { ConnectionTurns } from '../../qmp/server/connection-turns.js';
import { listenAt } from '../../qmp/server/listen-at.js';
import { ConnectionClosed } from './byte-reader.js';
import { connectionOf, securableConnection } from './connection.js';
import type { NbdExport } from './export.js';
import { type NbdMemory, processMemory } from './memory.js';
import { negotiate } from './negotiation.js';
import { transmit } from './transmission.js';

/**
 * Where an NBD server listens: at a path, which may begin with NUL and is an abstract name then, at a TCP port, or at a socket that the
 * parent process has opened, by its number.
 */
export type NbdAddress =
  | { readonly path: string }
  | {
      readonly host: string;
      readonly port: number;
      /** Connections without traffic are checked by the system, after so many seconds; 0: after as many as it likes. Absent: they are not. */
      readonly keepAlive?: number;
    }
  | { readonly fd: number };

/** What an NBD server tells its owner. */
export interface NbdServerOptions {
  /** A connection ended because of what the client did, or of a failure of ours. */
  readonly onProblem?: (problem: Error) => void;
  /** The most clients at a time; further ones wait until one leaves. 0: no limit. Default: 100. */
  readonly maxConnections?: number;
  /** Seconds that a client may take to choose an export. 0: any time. Default: 10. */
  readonly handshakeSeconds?: number;
  /** Where the data of requests is kept. Default: one for all NBD servers of the process. */
  readonly memory?: NbdMemory;
  /**
   * Makes the TLS handshake with a client, without which none is served. Returns a socket that is encrypted. Default: none is
   * encrypted.
   */
  readonly secure?: (socket: Socket) => Promise<Socket>;
}

const defaultHandshakeSeconds = 10;
const defaultConnections = 100;

/** Serves exports to NBD clients: fixed-newstyle negotiation, TLS, structured replies, extended headers, metadata contexts. */
export class NbdServer implements AsyncDisposable {
  readonly #exports = new Map<string, NbdExport>();
  readonly #connections = new Map<Socket, NbdExport | undefined>();
  readonly #turns: ConnectionTurns;
  readonly #server: Server;
  readonly #options: NbdServerOptions;
  #keepAlive: number | undefined;

  constructor(options: NbdServerOptions = {}) {
    this.#options = options;
    const most = (options.maxConnections ?? defaultConnections) || Number.POSITIVE_INFINITY;
    this.#turns = new ConnectionTurns(most, (socket) => this.#serve(socket));
    // What a client sends while it waits stays with the system.
    this.#server = createServer({ pauseOnConnect: true }, (socket) => this.#turns.take(socket));
  }

  /** Starts to listen. Rejects with the system's error when the address is not available. */
  async listen(address: NbdAddress): Promise<void> {
    if ('host' in address) this.#keepAlive = address.keepAlive;
    await listenAt(this.#server, address);
  }

  /** The TCP port listened on, where it is TCP: the one to use when port 0 was asked for. */
  get port(): number | undefined {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : undefined;
  }

  /**
   * Offers an export. Its name must not be taken.
   *
   * @throws Error when there is an export of that name.
   */
  add(added: NbdExport): void {
    if (this.#exports.has(added.name)) throw new Error(`There is an NBD export '${added.name}' already`);
    this.#exports.set(added.name, added);
  }

  /** Whether a client uses the export of a name. */
  isUsed(name: string): boolean {
    const found = this.#exports.get(name);
    return found !== undefined && [...this.#connections.values()].includes(found);
  }

  /** Withdraws an export: its clients are disconnected. Does nothing when there is none of that name. */
  remove(name: string): void {
    const removed = this.#exports.get(name);
    this.#exports.delete(name);
    for (const [socket, used] of this.#connections) if (removed !== undefined && used === removed) socket.destroy();
  }

  /** Stops listening and disconnects all clients. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#turns.close();
    for (const socket of this.#connections.keys()) socket.destroy();
    this.#exports.clear();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(accepted: Socket): Promise<void> {
    const { secure, handshakeSeconds = defaultHandshakeSeconds, memory = processMemory } = this.#options;
    accepted.setNoDelay(true);
    if (this.#keepAlive !== undefined) accepted.setKeepAlive(true, this.#keepAlive * 1000);
    const plain = secure === undefined ? connectionOf(accepted) : securableConnection(accepted, secure);
    const { socket } = plain;
    this.#connections.set(socket, undefined);
    socket.once('close', () => this.#connections.delete(socket));
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    if (socket === accepted) socket.resume();
    const patience = Math.min(handshakeSeconds * 1000, LONGEST_DELAY);
    const deadline = patience > 0 ? setTimeout(() => socket.destroy(), patience) : undefined;
    try {
      const { agreement, connection } = await negotiate(plain, {
        find: (name) => this.#exports.get(name),
        names: () => this.#exports.keys(),
        severalConnections: this.#turns.most > 1,
      });
      clearTimeout(deadline);
      connection.socket.on('error', () => connection.socket.destroy());
      if (agreement) {
        this.#connections.set(socket, agreement.export);
        await transmit(connection.socket, connection.reader, agreement, memory);
      }
      // All is said. The server does not wait for the client to close its side.
      connection.socket.destroySoon();
    } catch (error) {
      if (!(error instanceof ConnectionClosed)) this.#options.onProblem?.(error as Error);
      socket.destroy();
    } finally {
      clearTimeout(deadline);
    }
  }
}
