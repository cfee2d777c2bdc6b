import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { ReplyFault } from './rule.js';

/** A reply that is not sent as it is. */
export interface FaultyReply {
  readonly bytes: Uint8Array;
  readonly fault: ReplyFault;
}

/** How a connection sends. */
export interface WireOptions {
  /** Sends everything in pieces of so many bytes. */
  readonly split?: number | undefined;
  /** Milliseconds between pieces. */
  readonly delay?: number | undefined;
}

/**
 * What a mock's server writes to instead of a client's socket. Each chunk is a message.
 *
 * What is not held back goes out before `write` returns, as on the socket itself: the server destroys the socket after the last one.
 */
export class MockWire extends Writable {
  readonly #socket: Socket;
  readonly #options: WireOptions;
  readonly #faultOf: (message: Buffer) => FaultyReply | undefined;

  /**
   * @param faultOf what is wrong with a message that the server sends; undefined when nothing is
   */
  constructor(socket: Socket, options: WireOptions, faultOf: (message: Buffer) => FaultyReply | undefined) {
    super();
    this.#socket = socket;
    this.#options = options;
    this.#faultOf = faultOf;
  }

  override _write(message: Buffer, _encoding: string, done: () => void): void {
    const faulty = this.#faultOf(message);
    if (faulty) this.#misbehave(faulty, done);
    else this.#send(message, done);
  }

  override _final(done: () => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(_error: Error | null, done: () => void): void {
    this.#socket.destroy();
    done();
  }

  #misbehave({ bytes, fault }: FaultyReply, done: () => void): void {
    switch (fault.kind) {
      case 'duplicate':
        this.#send(Buffer.concat([bytes, bytes]), done);
        return;
      case 'garbage':
        this.#send(fault.bytes, done);
        return;
      case 'split':
        void this.#sendPieces(bytes, fault.size, fault.delay).then(done);
        return;
      case 'close':
        this.#socket.destroy();
        break;
      case 'late':
        setTimeout(() => this.#send(bytes, () => {}), fault.delay).unref();
        break;
      case 'stall':
        break;
    }
    done();
  }

  #send(bytes: Uint8Array, done: () => void): void {
    const { split, delay = 0 } = this.#options;
    if (split !== undefined) void this.#sendPieces(bytes, split, delay).then(done);
    else if (!this.#socket.writable || this.#socket.write(bytes)) done();
    else this.#drained().then(done);
  }

  async #sendPieces(bytes: Uint8Array, size: number, delay: number): Promise<void> {
    for (let start = 0; start < bytes.length && this.#socket.writable; start += size) {
      this.#socket.write(bytes.subarray(start, start + size));
      // Pieces that are written in one turn may arrive as one.
      if (delay > 0) await sleep(delay);
      else await setImmediate();
    }
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once('drain', resolve);
      this.#socket.once('close', () => resolve());
    });
  }
}
