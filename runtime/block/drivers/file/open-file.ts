import { constants } from 'node:fs';
import { constants as system } from 'node:os';
import type { NodeFlags } from '../../driver.js';
import { BlockError, blockErrorOf, errnoOf } from '../../error.js';
import { alignedMemory } from './aligned-memory.js';
import type { NativeCalls } from './native.js';
import { QuickWrites, writesQuickly } from './quick-writes.js';
import { closeFd, openFd, readFd, syncFd, writeFd } from './system-io.js';
import { TurnBudget } from './turn-budget.js';

/** The alignments that O_DIRECT may ask for, in bytes. */
const alignments = [512, 1024, 2048, 4096];
const largestAlignment = 4096;

/** What may be read and written at once, in one turn of the event loop: some tenths of a millisecond. */
const budget = new TurnBudget(2 ** 20);
/** A read of more bytes is left to a thread. */
const mostAtOnce = 2 ** 18;

const done = Promise.resolve();

/** What is to be opened. */
export interface OpenPlace {
  readonly path: string;
  /** What to call it in messages. Default: its path. */
  readonly name?: string;
  /** Called with the descriptor. Throws for what may not be used. Absent: it may. */
  authorize?(fd: number): Promise<void>;
}

/** An open file or device: reads and writes at any place, through the host's cache or past it. */
export class OpenFile {
  readonly fd: number;
  /** Requests begin and end at multiples of it, in bytes; 1 when they go through the host's cache. */
  readonly alignment: number;
  /** Absent when they are of no use: the cache is bypassed, or this file system cannot say what is cached. */
  #cached: NativeCalls | undefined;
  /** Absent where writes cannot be made durable one by one. */
  #durable: NativeCalls | undefined;
  /** Absent where writes may have to wait. */
  readonly #quick: QuickWrites | undefined;
  #closed = false;

  private constructor(fd: number, alignment: number, native: NativeCalls | undefined, quick: QuickWrites | undefined) {
    this.fd = fd;
    this.alignment = alignment;
    this.#cached = alignment === 1 ? native : undefined;
    this.#durable = native;
    this.#quick = quick;
  }

  /**
   * Opens what is there.
   *
   * @throws BlockError `Could not open …` with the system's reason; EACCES also where the file system is read-only, and EINVAL
   * where `cache.direct` is not supported
   */
  static async open(
    place: OpenPlace,
    { readOnly, direct }: Pick<NodeFlags, 'readOnly' | 'direct'>,
    native: NativeCalls | undefined,
  ): Promise<OpenFile> {
    const { path, name = path } = place;
    // A FIFO or a drive without a medium would hold up the thread; to files it makes no difference.
    const flags = (readOnly ? constants.O_RDONLY : constants.O_RDWR) | constants.O_NONBLOCK;
    if (direct && constants.O_DIRECT === undefined) throw noDirect(name);
    let fd: number;
    try {
      fd = await openFd(path, flags | (direct ? constants.O_DIRECT : 0));
    } catch (error) {
      if (direct && errnoOf(error) === 'EINVAL') throw noDirect(name);
      if (errnoOf(error) === 'EROFS') throw readOnlySystem(name);
      throw blockErrorOf(error, `Could not open '${name}'`);
    }
    try {
      await place.authorize?.(fd);
      if (direct) return new OpenFile(fd, await findAlignment(fd, name), native, undefined);
      const quick = !readOnly && (await writesQuickly(fd)) ? new QuickWrites(fd, budget) : undefined;
      return new OpenFile(fd, 1, native, quick);
    } catch (error) {
      await closeFd(fd).catch(() => {});
      throw error;
    }
  }

  /** The same file, opened once more in another way, whatever has become of its name. @throws BlockError */
  reopen(
    place: OpenPlace,
    flags: Pick<NodeFlags, 'readOnly' | 'direct'>,
    native: NativeCalls | undefined,
  ): Promise<OpenFile> {
    const { path } = place;
    const same = process.platform === 'linux' ? { path: `/proc/self/fd/${this.fd}`, name: path } : place;
    return OpenFile.open(same, flags, native);
  }

  /** Fills a buffer; beyond the end there are zeroes. @throws BlockError */
  read(offset: number, buffer: Uint8Array): Promise<void> {
    if (this.alignment > 1) return this.#readDirect(offset, buffer);
    let filled = 0;
    if (this.#cached !== undefined && buffer.length <= mostAtOnce && budget.spend(buffer.length)) {
      filled = this.#cached.readCached(this.fd, buffer, offset);
      if (filled === buffer.length) return done;
      if (filled < 0) {
        if (filled !== -system.errno.EAGAIN) this.#cached = undefined;
        filled = 0;
      }
    }
    return this.#readRest(offset, buffer, filled);
  }

  /** Writes; a file becomes longer where it must. @throws BlockError */
  write(offset: number, data: Uint8Array): Promise<void> {
    if (this.alignment > 1) return this.#writeDirect(offset, data, false);
    let written = 0;
    try {
      written = this.#quick?.write(data, offset) ?? 0;
    } catch (error) {
      return Promise.reject(error as BlockError);
    }
    return written === data.length ? done : writeFd(this.fd, data, offset, written);
  }

  /**
   * Writes to the disk. What else waits to be written need not be: with 64 MiB of that a flush took 40 ms, this half of one.
   *
   * @throws BlockError
   */
  writeDurable(offset: number, data: Uint8Array): Promise<void> {
    if (this.alignment > 1) return this.#writeDirect(offset, data, true);
    return this.busy(() => this.#writeThrough(offset, data));
  }

  /** What was written is on the disk afterwards. @throws BlockError */
  sync(): Promise<void> {
    return this.busy(() => syncFd(this.fd));
  }

  /** Does something in a thread that may keep writes to the file waiting meanwhile. */
  busy<T>(work: () => Promise<T>): Promise<T> {
    return this.#quick === undefined ? work() : this.#quick.during(work);
  }

  /** Lets go of the file. Further calls do nothing. @throws BlockError */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await closeFd(this.fd);
  }

  async #readRest(offset: number, buffer: Uint8Array, from: number): Promise<void> {
    const filled = await readFd(this.fd, buffer, offset, from);
    if (filled < buffer.length) buffer.fill(0, filled);
  }

  async #readDirect(offset: number, buffer: Uint8Array): Promise<void> {
    const memory = alignedMemory();
    for (let position = 0; position < buffer.length; position += memory.bufferSize) {
      const length = Math.min(memory.bufferSize, buffer.length - position);
      const bounce = await memory.take();
      try {
        const part = bounce.subarray(0, length);
        const filled = await readFd(this.fd, part, offset + position, 0, this.alignment);
        part.fill(0, filled);
        buffer.set(part, position);
      } finally {
        memory.giveBack(bounce);
      }
    }
  }

  async #writeThrough(offset: number, data: Uint8Array): Promise<void> {
    let written = 0;
    try {
      written = (await this.#durable?.writeDurable(this.fd, data, offset)) ?? 0;
    } catch (error) {
      if (errnoOf(error) !== 'ENOTSUP') throw error;
      this.#durable = undefined;
    }
    if (written === data.length) return;
    await writeFd(this.fd, data.subarray(written), offset + written);
    await this.sync();
  }

  async #writeDirect(offset: number, data: Uint8Array, durable: boolean): Promise<void> {
    const memory = alignedMemory();
    for (let position = 0; position < data.length; position += memory.bufferSize) {
      const length = Math.min(memory.bufferSize, data.length - position);
      const bounce = await memory.take();
      try {
        const part = bounce.subarray(0, length);
        part.set(data.subarray(position, position + length));
        await (durable ? this.#writeThrough(offset + position, part) : writeFd(this.fd, part, offset + position));
      } finally {
        memory.giveBack(bounce);
      }
    }
  }
}

/** The least alignment with which a read does not fail. Nothing tells it but trying. */
async function findAlignment(fd: number, path: string): Promise<number> {
  const memory = alignedMemory();
  const bounce = await memory.take();
  try {
    // Beyond the end of a file nothing is checked: an empty one may turn out to ask for more than it shows.
    if ((await tryRead(fd, bounce, largestAlignment)) === 0) return largestAlignment;
    for (const alignment of alignments) {
      if ((await tryRead(fd, bounce, alignment)) !== undefined) return alignment;
    }
  } catch (error) {
    throw blockErrorOf(error, `Could not open '${path}'`);
  } finally {
    memory.giveBack(bounce);
  }
  throw new BlockError(`Could not find working O_DIRECT alignment for '${path}'; try cache.direct=off`, {
    code: 'EINVAL',
  });
}

async function tryRead(fd: number, bounce: Buffer, length: number): Promise<number | undefined> {
  try {
    return await readFd(fd, bounce.subarray(0, length), 0, 0, length);
  } catch (error) {
    if (errnoOf(error) === 'EINVAL') return undefined;
    throw error;
  }
}

function noDirect(name: string): BlockError {
  return new BlockError(`Could not open '${name}': file system may not support O_DIRECT; try cache.direct=off`, {
    code: 'EINVAL',
  });
}

/** As in QEMU, it does not matter why a file cannot be written. */
function readOnlySystem(name: string): BlockError {
  return new BlockError(`Could not open '${name}': Read-only file system; try read-only=on`, { code: 'EACCES' });
}
