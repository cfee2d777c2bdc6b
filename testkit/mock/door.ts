import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REQUEST_LIMITS } from '../../runtime/json/limits.js';
import { RequestReader } from '../../runtime/json/request-reader.js';
import { isJsonObject, type JsonValue } from '../../runtime/json/value.js';
import { type Listener, listen } from '../../runtime/qmp/server/listen.js';
import type { StreamPair } from '../../runtime/qmp/streams.js';
import { type FaultyReply, MockWire, type WireOptions } from './wire.js';

/** Where a mock takes clients. */
export type MockAddress =
  | `unix:${string}`
  | `tcp:${string}`
  | { readonly path: string }
  | { readonly port: number; readonly host?: string };

/** How a mock's connections work. */
export interface DoorOptions {
  /** Where clients are taken. Default: a unix socket in a temporary folder. */
  readonly listen?: MockAddress | undefined;
  readonly wire: WireOptions;
  /** Whether clients are taken, and nothing is ever sent to them. */
  readonly silent: boolean;
  /** What a client is sent before the server sees it. */
  readonly greeting: string;
  faultOf(message: Buffer): FaultyReply | undefined;
  /** Called with every command that a client sends, before it is executed. */
  received(command: string, args: JsonValue): void;
  serve(streams: StreamPair): void;
}

/** Takes the clients of a mock, and puts its wire between them and the server. */
export class Door {
  readonly #options: DoorOptions;
  readonly #sockets = new Set<Socket>();
  #listener: Listener | undefined;
  #folder: string | undefined;

  private constructor(options: DoorOptions) {
    this.#options = options;
  }

  /**
   * Begins to take clients.
   *
   * @throws ListenError when the address is malformed or not available
   */
  static async open(options: DoorOptions): Promise<Door> {
    const door = new Door(options);
    if (!options.listen) door.#folder = await mkdtemp(join(tmpdir(), 'qapi-ts-mock-'));
    const where = options.listen ?? { path: join(door.#folder as string, 'qmp.sock') };
    door.#listener = await listen(where, ({ writable }) => door.#accept(writable as Socket));
    return door;
  }

  /** Where clients are taken, as they name it. */
  get address(): string {
    return (this.#listener as Listener).address;
  }

  /** Sends text to all clients. */
  send(text: string | Uint8Array): void {
    for (const socket of this.#sockets) socket.write(text);
  }

  /** Ends all connections at once. */
  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = this.#listener?.close();
    this.disconnect();
    await closed;
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  #accept(socket: Socket): void {
    const { silent, wire: options, faultOf, received, greeting, serve } = this.#options;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    if (silent) {
      // Without a reader the end of the connection would go unnoticed.
      socket.resume().once('end', () => socket.end());
      return;
    }
    const reader = new RequestReader(REQUEST_LIMITS);
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk);
      for (let next = reader.next(); next; next = reader.next()) {
        const command = isJsonObject(next.value) ? (next.value.execute ?? next.value['exec-oob']) : undefined;
        if (typeof command === 'string' && isJsonObject(next.value)) received(command, next.value.arguments ?? {});
      }
    });
    const wire = new MockWire(socket, options, faultOf);
    if (greeting !== '') wire.write(greeting, 'latin1');
    serve({ readable: socket, writable: wire });
  }
}
