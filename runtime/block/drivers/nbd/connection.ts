import type { Socket } from 'node:net';
import { type ByteReader, ConnectionClosed } from '../../nbd/byte-reader.js';
import { Command, type Framing } from '../../nbd/protocol.js';
import type { Connected } from './connect.js';
import { ReplyReader } from './reply-reader.js';
import { Exchange, type Extent, type NbdRequest, requestHeader } from './request.js';

/** The connection is gone. What was in flight may have been done or not. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** Requests on one connection: any number in flight, answered in any order. */
export class NbdConnection {
  readonly #socket: Socket;
  readonly #reader: ByteReader;
  readonly #replies: ReplyReader;
  readonly #inFlight = new Map<number, Exchange>();
  readonly #framing: Framing;
  readonly #onLost: (reason: ConnectionLost) => void;
  #lastHandle = 0;
  #corked = false;
  #ended: ConnectionLost | undefined;

  /** @param onLost called once when the connection ends other than by {@link close}, before requests are rejected */
  constructor({ socket, reader, agreement }: Connected, onLost: (reason: ConnectionLost) => void) {
    this.#socket = socket;
    this.#reader = reader;
    this.#onLost = onLost;
    const { framing, contextId } = agreement;
    this.#framing = framing;
    this.#replies = new ReplyReader(reader, {
      framing,
      contextId,
      find: (handle) => this.#inFlight.get(handle),
      answered: (handle, exchange) => {
        this.#inFlight.delete(handle);
        exchange.answered = true;
        exchange.settle();
      },
    });
  }

  /** Begins to take replies, also what has come with the last of the handshake. */
  start(): void {
    this.#reader.onReady = () => this.#advance();
    this.#advance();
  }

  /**
   * Sends a request.
   *
   * @returns what block status was asked for
   * @throws BlockError that the server reports
   * @throws ConnectionLost
   */
  request(request: NbdRequest): Promise<Extent | undefined> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(request, resolve, reject);
      const handle = ++this.#lastHandle;
      this.#inFlight.set(handle, exchange);
      this.#send(handle, exchange);
    });
  }

  /** Disconnects. Requests that are in flight fail. */
  close(): void {
    if (this.#ended !== undefined) return;
    const idle = this.#inFlight.size === 0;
    const disconnect = { type: Command.disconnect, flags: 0, offset: 0, length: 0 };
    if (idle) this.#socket.write(requestHeader(0, disconnect, this.#framing));
    this.#end(new ConnectionLost('the node was closed'));
    if (idle) this.#socket.destroySoon();
    else this.#socket.destroy();
  }

  #send(handle: number, exchange: Exchange): void {
    const { request } = exchange;
    const socket = this.#socket;
    if (!this.#corked) {
      // What is asked for in the same turn leaves in one system call.
      this.#corked = true;
      socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        socket.uncork();
      });
    }
    socket.write(requestHeader(handle, request, this.#framing));
    if (request.payload === undefined) return;
    socket.write(request.payload, () => {
      exchange.sent = true;
      exchange.settle();
    });
  }

  #advance(): void {
    if (this.#ended !== undefined) return;
    try {
      this.#replies.advance();
      if (this.#reader.ended) throw new ConnectionClosed('the server has closed the connection');
    } catch (error) {
      const lost = new ConnectionLost((error as Error).message, { cause: error });
      this.#socket.destroy();
      this.#end(lost, () => this.#onLost(lost));
    }
  }

  #end(reason: ConnectionLost, before: () => void = () => {}): void {
    this.#ended = reason;
    this.#reader.hold();
    before();
    for (const exchange of this.#inFlight.values()) exchange.lose(reason);
    this.#inFlight.clear();
  }
}
