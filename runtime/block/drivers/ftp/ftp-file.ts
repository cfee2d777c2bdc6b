import { isIP } from 'node:net';
import type { Client } from 'basic-ftp';
import type { Clock } from '../../clock.js';
import { isErrno } from '../../errno.js';
import { BlockError } from '../../error.js';
import { largestSize } from '../../limits.js';
import { Lock } from '../shared/lock.js';
import { Transfer } from './transfer.js';

/** Where a file is. */
export interface FtpPlace {
  /** The URL, for messages. */
  readonly name: string;
  readonly host: string;
  /** Default: that of the protocol. */
  readonly port: number | undefined;
  readonly path: string;
  readonly user: string;
  readonly password: string;
  readonly encrypted: boolean;
  readonly sslverify: boolean;
  /** Seconds; 0: for ever. */
  readonly timeout: number;
}

/** What the port of FTP is where encryption begins with the connection. */
const encryptedPort = 990;
const plainPort = 21;
/** The server has no such file, or does not let us have it; it does not let us in; it does not know a command. */
const noFile = 550;
const notLoggedIn = [430, 530, 532];
const unknownCommand = [500, 501, 502, 504];

/**
 * A file on an FTP server. There is one connection, and one request at a time; a transfer goes on where the next request begins
 * where the last one has ended.
 */
export class FtpFile {
  readonly #place: FtpPlace;
  readonly #clock: Clock;
  readonly #lock = new Lock();
  #client: Client | undefined;
  #transfer: Transfer | undefined;
  #length: number | undefined;
  #closed = false;

  private constructor(place: FtpPlace, clock: Clock) {
    this.#place = place;
    this.#clock = clock;
  }

  /** @throws BlockError when there is no such file, or the server cannot send a part of one */
  static async open(place: FtpPlace, clock: Clock): Promise<FtpFile> {
    for (const part of [place.path, place.user, place.password]) {
      // It would end a command and begin another one.
      if (/[\0\r\n]/.test(part)) throw new BlockError(`'${place.name}' has a line break in it`, { code: 'EINVAL' });
    }
    const file = new FtpFile(place, clock);
    try {
      await file.#connected();
      return file;
    } catch (error) {
      await file.close();
      throw file.#blockError(error);
    }
  }

  /** Bytes. */
  get length(): number {
    return this.#length ?? 0;
  }

  /**
   * Fills buffers that follow each other with what begins at `offset`. The range is inside of the file.
   *
   * @throws BlockError when the server fails, or takes too long
   */
  fetch(offset: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#lock.run(async () => {
      try {
        await this.#read(offset, buffers);
      } catch (error) {
        this.#disconnect();
        // Servers close connections that were idle. That says nothing of the next one.
        if (this.#closed || !isLoss(error)) throw this.#blockError(error);
        await this.#read(offset, buffers).catch((again: unknown) => {
          this.#disconnect();
          throw this.#blockError(again);
        });
      }
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#disconnect();
  }

  async #read(offset: number, buffers: readonly Uint8Array[]): Promise<void> {
    if (this.#transfer?.position !== offset || this.#client?.closed !== false) {
      await this.#transfer?.stop();
      this.#transfer = undefined;
      const client = await this.#connected();
      this.#transfer = await Transfer.start(client, this.#place.path, offset, this.#clock, this.#place.timeout);
    }
    for (const buffer of buffers) await this.#transfer.read(buffer);
  }

  /** A connection that is logged in, to a server that has the file as it was. */
  async #connected(): Promise<Client> {
    if (this.#client?.closed === false) return this.#client;
    const { host, port, user, password, encrypted, sslverify, timeout, path } = this.#place;
    // It is loaded when it is first needed.
    const { Client } = await import('basic-ftp');
    if (this.#closed) throw new BlockError('the node was closed', { code: 'ECANCELED' });
    const client = new Client(timeout * 1000);
    this.#client = client;
    await client.access({
      host,
      port: port ?? (encrypted ? encryptedPort : plainPort),
      user,
      password,
      ...(encrypted
        ? {
            secure: 'implicit',
            secureOptions: { rejectUnauthorized: sslverify, ...(isIP(host) === 0 ? { servername: host } : {}) },
          }
        : {}),
    });
    const length = await client.size(path);
    if (!Number.isSafeInteger(length) || length < 0 || length > largestSize) {
      throw new BlockError(`the server does not tell the length of the file, but ${length}`, { code: 'EIO' });
    }
    if (this.#length !== undefined && length !== this.#length) {
      throw new BlockError('the file has changed', { code: 'EIO' });
    }
    this.#length = length;
    await client.send('REST 0').catch((error: unknown) => {
      if (!unknownCommand.includes(codeOf(error) as number)) throw error;
      throw new BlockError("the server cannot send parts of a file ('REST'), which a disk image needs", {
        code: 'ENOTSUP',
      });
    });
    return client;
  }

  #disconnect(): void {
    this.#client?.close();
    this.#client = undefined;
    this.#transfer = undefined;
  }

  #blockError(error: unknown): BlockError {
    const code = codeOf(error);
    const reason = error instanceof Error ? error.message : String(error);
    const errno =
      error instanceof BlockError
        ? error.code
        : code === noFile
          ? 'ENOENT'
          : notLoggedIn.includes(code as number)
            ? 'EACCES'
            : isErrno(code)
              ? code
              : /timeout/i.test(reason)
                ? 'ETIMEDOUT'
                : 'EIO';
    return new BlockError(`'${this.#place.name}': ${reason}`, { code: errno, cause: error });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** Whether a connection was lost, rather than that the server has said no. */
function isLoss(error: unknown): boolean {
  const code = codeOf(error);
  return !(error instanceof BlockError && error.code !== 'ECONNRESET') && (typeof code !== 'number' || code === 421);
}
