import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import type { Clock } from '../../clock.js';
import { BlockError, blockErrorOf } from '../../error.js';
import {
  acknowledgement,
  errorPacket,
  parsePacket,
  readRequest,
  type ServerPacket,
  type TransferOptions,
} from './packets.js';

/** What fits into a packet of Ethernet, and is asked for. */
const wanted: TransferOptions = { blockSize: 1428, window: 32 };
/** What a server does that knows no options. */
const plain: TransferOptions = { blockSize: 512, window: 1 };
/** What was sent is sent again after so many nanoseconds without progress. */
const patience = 5e8;
const badOptions = 8;
const codes: { readonly [code: number]: 'ENOENT' | 'EACCES' | 'EIO' } = { 1: 'ENOENT', 2: 'EACCES' };

/** What is downloaded, and where to. */
export interface DownloadRequest {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Seconds without progress after which the server is given up; 0: never. */
  readonly timeout: number;
  /** Bytes that the file may have. */
  readonly most: number;
  readonly clock: Clock;
  /** Takes what comes next. */
  write(data: Buffer): Promise<void>;
}

/** Downloads a file. @returns its length @throws BlockError */
export async function download(request: DownloadRequest): Promise<number> {
  try {
    return await new Download(request, wanted).run();
  } catch (error) {
    if (!(error instanceof OptionsRefused)) throw error;
    return new Download(request, undefined).run();
  }
}

class OptionsRefused extends BlockError {}

class Download {
  readonly #request: DownloadRequest;
  readonly #wanted: TransferOptions | undefined;
  #agreed: TransferOptions | undefined;
  #socket: Socket | undefined;
  /** The port that the server answers from is another one for each transfer. */
  #peer: { readonly address: string; readonly port: number } | undefined;
  #address = '';
  /** The number of the last block that has come in order. */
  #last = 0;
  /** Blocks since the last acknowledgement. */
  #unacknowledged = 0;
  /** The blocks of a window. */
  #pending: Buffer[] = [];
  #length = 0;
  /** A block was missing, and the server knows. */
  #reported = false;
  #idle = 0;
  #work: Promise<void> = Promise.resolve();
  #settle: (error?: unknown) => void = () => {};

  constructor(request: DownloadRequest, options: TransferOptions | undefined) {
    this.#request = request;
    this.#wanted = options;
  }

  async run(): Promise<number> {
    const { host, clock } = this.#request;
    const found = await lookup(host).catch((error: unknown) => {
      throw blockErrorOf(error);
    });
    this.#address = found.address;
    const socket = createSocket(found.family === 6 ? 'udp6' : 'udp4');
    this.#socket = socket;
    let timer: { cancel(): void } | undefined;
    const wait = (): void => {
      timer = clock.after(patience, () => {
        this.#late();
        wait();
      });
    };
    try {
      await new Promise<void>((resolve, reject) => {
        this.#settle = (error) => (error === undefined ? resolve() : reject(error));
        socket.on('error', (error) => reject(blockErrorOf(error)));
        socket.on('message', (packet, from) => this.#received(packet, from));
        this.#send(readRequest(this.#request.path, this.#wanted));
        wait();
      });
      return this.#length;
    } finally {
      timer?.cancel();
      await this.#work;
      socket.close();
    }
  }

  #received(packet: Buffer, { address, port }: RemoteInfo): void {
    this.#peer ??= address === this.#address ? { address, port } : undefined;
    if (address !== this.#peer?.address || port !== this.#peer.port) return;
    const parsed = parsePacket(packet);
    if (parsed === undefined) return;
    this.#work = this.#work.then(() => this.#handle(parsed)).catch((error: unknown) => this.#fail(error));
  }

  async #handle(packet: ServerPacket): Promise<void> {
    if (packet.kind === 'error') {
      if (packet.code === badOptions && this.#wanted !== undefined) throw new OptionsRefused(packet.message);
      const reason = packet.message === '' ? `error ${packet.code}` : packet.message;
      throw new BlockError(`the server answers: ${reason}`, { code: codes[packet.code] ?? 'EIO' });
    }
    if (packet.kind === 'options') {
      // The answer to it may have been lost.
      if (this.#agreed === undefined) this.#agreed = agree(packet.options, this.#wanted ?? plain);
      if ((this.#agreed.size ?? 0) > this.#request.most) this.#refuseSize();
      if (this.#last === 0) this.#acknowledge();
      return;
    }
    this.#agreed ??= plain;
    await this.#take(packet.block, packet.data, this.#agreed);
  }

  async #take(block: number, data: Buffer, { blockSize, window, size }: TransferOptions): Promise<void> {
    if (block !== ((this.#last + 1) & 0xffff)) {
      const ahead = (block - this.#last) & 0xffff;
      // What has come twice needs no answer: the server would send everything twice from then on.
      if (ahead === 0 || ahead > window || this.#reported) return;
      this.#reported = true;
      await this.#flush();
      this.#acknowledge();
      return;
    }
    if (data.length > blockSize) throw new BlockError('the server sends blocks that are too long', { code: 'EIO' });
    this.#last = block;
    this.#reported = false;
    this.#idle = 0;
    this.#length += data.length;
    if (this.#length > this.#request.most) this.#refuseSize();
    this.#pending.push(data);
    this.#unacknowledged++;
    const ended = data.length < blockSize;
    if (!ended && this.#unacknowledged < window) return;
    // The server waits for the answer, and so for the disk.
    await this.#flush();
    this.#acknowledge();
    if (!ended) return;
    if (size !== undefined && size !== this.#length) {
      throw new BlockError(`the server has announced ${size} bytes, and sent ${this.#length}`, { code: 'EIO' });
    }
    this.#settle();
  }

  async #flush(): Promise<void> {
    const data = Buffer.concat(this.#pending);
    this.#pending = [];
    if (data.length > 0) await this.#request.write(data);
  }

  #acknowledge(): void {
    this.#unacknowledged = 0;
    this.#send(acknowledgement(this.#last));
  }

  #refuseSize(): never {
    throw new BlockError(`the file is larger than ${this.#request.most} bytes`, { code: 'EFBIG' });
  }

  #late(): void {
    const { timeout } = this.#request;
    this.#idle += patience;
    if (timeout > 0 && this.#idle > timeout * 1e9) {
      this.#fail(new BlockError('the server does not answer', { code: 'ETIMEDOUT' }));
    } else if (this.#agreed === undefined) {
      this.#send(readRequest(this.#request.path, this.#wanted));
    } else {
      this.#work = this.#work
        .then(() => this.#flush())
        .then(
          () => this.#acknowledge(),
          (error: unknown) => this.#fail(error),
        );
    }
  }

  #fail(error: unknown): void {
    if (this.#peer === undefined) this.#settle(error);
    else this.#send(errorPacket(0, 'the transfer is over'), () => this.#settle(error));
  }

  #send(packet: Buffer, done: () => void = () => {}): void {
    const { port, address } = this.#peer ?? { port: this.#request.port, address: this.#address };
    // What cannot be sent is sent again later, or the time runs out.
    this.#socket?.send(packet, port, address, done);
  }
}

/** What both sides do. @throws BlockError when the server has not asked for less, but for more */
function agree(options: ReadonlyMap<string, string>, most: TransferOptions): TransferOptions {
  const number = (name: string, least: number, limit: number): number | undefined => {
    const text = options.get(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= limit) return value;
    throw new BlockError(`the server wants '${name}' to be '${text}'`, { code: 'EIO' });
  };
  return {
    blockSize: number('blksize', 8, most.blockSize) ?? plain.blockSize,
    window: number('windowsize', 1, most.window) ?? plain.window,
    size: number('tsize', 0, Number.MAX_SAFE_INTEGER),
  };
}
