import { createServer, type Server, type Socket } from 'node:net';
import { ConnectionClosed } from './byte-reader.js';
import { connectionOf } from './connection.js';
import type { NbdExport } from './export.js';
import { type NbdMemory, processMemory } from './memory.js';
import { negotiate } from './negotiation.js';
import { transmit } from './transmission.js';

/** Where an NBD server listens. */
export type NbdAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** What an NBD server tells its owner. */
export interface NbdServerOptions {
  /** A connection ended because of what the client did, or of a failure of ours. */
  readonly onProblem?: (problem: Error) => void;
  /** The most clients at a time; further ones are turned away at once. Default: 100. */
  readonly maxConnections?: number;
  /** Where the data of requests is kept. Default: one for all NBD servers of the process. */
  readonly memory?: NbdMemory;
}

/** How long a client may take to choose an export, in milliseconds. */
const negotiationTimeout = 10_000;

/** Serves exports to NBD clients: fixed-newstyle negotiation, structured replies, `base:allocation`. */
export class NbdServer implements AsyncDisposable {
  readonly #exports = new Map<string, NbdExport>();
  readonly #connections = new Map<Socket, NbdExport | undefined>();
  readonly #server: Server;
  readonly #options: NbdServerOptions;

  constructor(options: NbdServerOptions = {}) {
    this.#options = options;
    this.#server = createServer((socket) => void this.#serve(socket));
    this.#server.maxConnections = options.maxConnections ?? 100;
  }

  /** Starts to listen. Rejects with the system's error when the address is not available. */
  listen(address: NbdAddress): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(address, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
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

  /** Withdraws an export: its clients are disconnected. Does nothing when there is none of that name. */
  remove(name: string): void {
    const removed = this.#exports.get(name);
    this.#exports.delete(name);
    for (const [socket, used] of this.#connections) if (removed !== undefined && used === removed) socket.destroy();
  }

  /** Stops listening and disconnects all clients. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#connections.keys()) socket.destroy();
    this.#exports.clear();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(accepted: Socket): Promise<void> {
    const { socket, reader } = connectionOf(accepted);
    this.#connections.set(socket, undefined);
    socket.once('close', () => this.#connections.delete(socket));
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    const deadline = setTimeout(() => socket.destroy(), negotiationTimeout);
    try {
      const agreement = await negotiate(socket, reader, {
        find: (name) => this.#exports.get(name),
        names: () => this.#exports.keys(),
      });
      clearTimeout(deadline);
      if (agreement) {
        this.#connections.set(socket, agreement.export);
        await transmit(socket, reader, agreement, this.#options.memory ?? processMemory);
      }
      // All is said. The server does not wait for the client to close its side.
      socket.destroySoon();
    } catch (error) {
      if (!(error instanceof ConnectionClosed)) this.#options.onProblem?.(error as Error);
      socket.destroy();
    } finally {
      clearTimeout(deadline);
    }
  }
}
