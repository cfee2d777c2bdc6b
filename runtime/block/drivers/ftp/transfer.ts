import type { Client } from 'basic-ftp';
import type { Clock } from '../../clock.js';
import { BlockError } from '../../error.js';

type DataSocket = NonNullable<Client['ftp']['dataSocket']>;

/** A file that is being sent, from some place on. What is not read waits at the server. */
export class Transfer {
  /** Where the next byte is from. */
  position: number;
  readonly #client: Client;
  readonly #socket: DataSocket;
  readonly #ended: Promise<unknown>;
  readonly #clock: Clock;
  readonly #timeout: number;

  private constructor(
    client: Client,
    socket: DataSocket,
    position: number,
    ended: Promise<unknown>,
    clock: Clock,
    timeout: number,
  ) {
    this.#client = client;
    this.#socket = socket;
    this.position = position;
    this.#ended = ended;
    this.#clock = clock;
    this.#timeout = timeout;
  }

  /** Lets the server begin. @param timeout seconds that may pass without any data; 0: any number */
  static async start(client: Client, path: string, offset: number, clock: Clock, timeout: number): Promise<Transfer> {
    const { ftp } = client;
    await client.prepareTransfer(ftp);
    const socket = ftp.dataSocket;
    if (socket === undefined) throw new BlockError('there is no connection for data', { code: 'EIO' });
    if (offset > 0) await client.send(`REST ${offset}`);
    let ended: Promise<unknown> = Promise.resolve();
    await new Promise<void>((resolve, reject) => {
      ended = ftp.handle(`RETR ${path}`, (response, task) => {
        if (response instanceof Error) {
          reject(response);
          task.reject(response);
        } else if (response.code >= 200) {
          resolve();
          task.resolve(response);
        } else {
          resolve();
        }
      });
      ended.catch(reject);
    });
    // While nothing is read, nothing is sent, and the server has nothing to say.
    ftp.socket.setTimeout(0);
    return new Transfer(client, socket, offset, ended, clock, timeout);
  }

  /** Fills a buffer with what comes next. @throws BlockError (ECONNRESET) when the server sends no more */
  async read(buffer: Uint8Array): Promise<void> {
    for (let done = 0; done < buffer.length; ) {
      const wanted = Math.min(buffer.length - done, this.#socket.readableLength);
      const piece: Uint8Array | null = wanted === 0 ? this.#socket.read() : this.#socket.read(wanted);
      if (piece === null) {
        await this.#more();
        continue;
      }
      const taken = piece.subarray(0, buffer.length - done);
      if (taken.length < piece.length) this.#socket.unshift(piece.subarray(taken.length));
      buffer.set(taken, done);
      done += taken.length;
    }
    this.position += buffer.length;
  }

  /** Resolves when there is more to be read. */
  #more(): Promise<void> {
    const socket = this.#socket;
    const ends = ['end', 'error', 'close'] as const;
    return new Promise((resolve, reject) => {
      const settle = (action: () => void): void => {
        timer?.cancel();
        socket.off('readable', readable);
        for (const name of ends) socket.off(name, lost);
        action();
      };
      const readable = (): void => {
        if (socket.readableLength > 0) settle(resolve);
      };
      const lost = (): void => {
        settle(() => reject(new BlockError('the server has ended the transfer too early', { code: 'ECONNRESET' })));
      };
      const late = (): void => {
        settle(() => reject(new BlockError('the server sends nothing', { code: 'ETIMEDOUT' })));
      };
      const timer = this.#timeout === 0 ? undefined : this.#clock.after(this.#timeout * 1e9, late);
      if (socket.readableEnded || socket.destroyed) {
        lost();
        return;
      }
      socket.on('readable', readable);
      for (const name of ends) socket.once(name, lost);
    });
  }

  /** Ends it, wherever it is. The connection can be used for others then, or is closed. */
  async stop(): Promise<void> {
    const { ftp } = this.#client;
    ftp.socket.setTimeout(ftp.timeout);
    ftp.dataSocket = undefined;
    this.#socket.destroy();
    // A server complains that it could not send all, or is done.
    await this.#ended.catch(() => {});
  }
}
