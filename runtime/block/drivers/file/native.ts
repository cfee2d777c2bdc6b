/*
 * The system calls that Node.js does not have, by way of koffi, an optional peer: this is the only module that knows it.
 * Without it, or on another system than Linux, images work, but have no holes and cannot be punched.
 */

import { createRequire } from 'node:module';
import { constants } from 'node:os';
import type koffi from 'koffi';
import type { BlockHost } from '../../driver.js';
import { errnoOfNumber } from '../../errno.js';
import { type BlockError, ioError } from '../../error.js';

/** What `fallocate` does to a range, as Linux numbers it (linux/falloc.h). Combined with `|`. */
export const FallocateMode = { allocate: 0, keepSize: 1, punchHole: 2, zeroRange: 16 } as const;

/** Where `lseek` goes. */
export const Whence = { end: 2, data: 3, hole: 4 } as const;

/** The calls that there are. Those that may wait for a disk run in threads. */
export interface NativeCalls {
  /**
   * Reads what is in memory already, and never waits for a disk (`preadv2` with RWF_NOWAIT).
   *
   * @returns how many bytes were read, or a failure's number, negative: `-EAGAIN` when the data is not in memory
   */
  readCached(fd: number, buffer: Uint8Array, offset: number): number;
  /**
   * Writes so that the data is on the disk afterwards, and nothing else need be (`pwritev2` with RWF_DSYNC).
   *
   * @returns how many bytes were written
   * @throws BlockError ENOTSUP where there is no such call
   */
  writeDurable(fd: number, data: Uint8Array, offset: number): Promise<number>;
  /** `lseek`, which tells where data or a hole begins. @throws BlockError ENXIO where there is none */
  seek(fd: number, offset: number, whence: number): Promise<number>;
  /** Allocates, zeroes or punches a range. @throws BlockError ENOTSUP when the file system cannot */
  fallocate(fd: number, mode: number, offset: number, length: number): Promise<void>;
  /**
   * Locks a byte of a file for its open file description (`F_OFD_SETLK`), shared with other holders, or unlocks it.
   *
   * @throws BlockError EAGAIN when another holds it for itself alone; ENOTSUP, EINVAL or ENOLCK where there are no such locks
   */
  lockByte(fd: number, offset: number, locked: boolean): Promise<void>;
  /** Whether another open file description, of any process, holds a lock on a byte (`F_OFD_GETLK`). @throws BlockError */
  isLocked(fd: number, offset: number): Promise<boolean>;
  /** An `ioctl` that takes an integer. @throws BlockError */
  ioctl(fd: number, request: number, argument: number): Promise<number>;
  /** An `ioctl` that takes a range of bytes. @throws BlockError */
  ioctlRange(fd: number, request: number, offset: number, length: number): Promise<void>;
}

type Library = ReturnType<typeof koffi.load>;
type Call = ReturnType<Library['func']>;

/** koffi queues no more than 256 calls and throws then; this many keep every thread busy. */
const mostCalls = 32;

/** Flags of `preadv2` and `pwritev2` (linux/fs.h): RWF_NOWAIT and RWF_DSYNC. */
const dontWait = 8;
const durable = 2;
/** `struct iovec` has two members of the size of a pointer; they are only filled in where that is 64 bits. */
const wideArchitectures: readonly string[] = ['x64', 'arm64', 'riscv64', 'loong64', 'ppc64', 's390x'];

/** Commands of `fcntl` and types of locks (linux/fcntl.h, asm-generic/fcntl.h). */
const FileLock = { get: 36, set: 37 } as const;
const LockType = { shared: 0, exclusive: 1, none: 2 } as const;
const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** A `struct flock` of one byte, counted from the beginning of the file, where pointers have 64 bits. */
function flock(type: number, offset: number): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  view.setInt16(0, type, littleEndian);
  view.setBigInt64(8, BigInt(offset), littleEndian);
  view.setBigInt64(16, 1n, littleEndian);
  return bytes;
}

class KoffiCalls implements NativeCalls {
  readonly #koffi: typeof koffi;
  readonly #preadv2: Call | undefined;
  readonly #pwritev2: Call | undefined;
  readonly #lseek: Call;
  readonly #fallocate: Call;
  readonly #ioctl: Call;
  readonly #ioctlPointer: Call;
  readonly #fcntl: Call | undefined;
  readonly #vector = new BigUint64Array(2);
  /** What threads are at: addresses alone keep nothing alive. */
  readonly #inUse = new Set<object>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(loaded: typeof koffi) {
    this.#koffi = loaded;
    const library = loaded.load(null);
    const wide = wideArchitectures.includes(process.arch);
    // Where pointers have 32 bits, the plain names take offsets of 32 bits, too.
    const suffix = wide ? '' : '64';
    this.#lseek = library.func(`int64_t lseek${suffix}(int fd, int64_t offset, int whence)`);
    this.#fallocate = library.func(`int fallocate${suffix}(int fd, int mode, int64_t offset, int64_t length)`);
    this.#ioctl = library.func('int ioctl(int fd, unsigned long request, long argument)');
    this.#ioctlPointer = library.func('int ioctl(int fd, unsigned long request, void *argument)');
    this.#fcntl = wide ? library.func('int fcntl(int fd, int command, void *argument)') : undefined;
    this.#preadv2 = wide ? optional(library, 'int64_t preadv2(int, const void *, int, int64_t, int)') : undefined;
    this.#pwritev2 = wide ? optional(library, 'int64_t pwritev2(int, const void *, int, int64_t, int)') : undefined;
  }

  readCached(fd: number, buffer: Uint8Array, offset: number): number {
    if (this.#preadv2 === undefined) return -constants.errno.ENOTSUP;
    this.#vector[0] = this.#koffi.address(buffer);
    this.#vector[1] = BigInt(buffer.length);
    const count = this.#preadv2(fd, this.#vector, 1, offset, dontWait) as number;
    return count < 0 ? -this.#koffi.errno() : count;
  }

  async writeDurable(fd: number, data: Uint8Array, offset: number): Promise<number> {
    if (this.#pwritev2 === undefined) throw ioError('ENOTSUP');
    const vector = new BigUint64Array([this.#koffi.address(data), BigInt(data.length)]);
    const used = [data, vector];
    this.#inUse.add(used);
    try {
      return await this.#call(this.#pwritev2, fd, vector, 1, offset, durable);
    } finally {
      this.#inUse.delete(used);
    }
  }

  seek(fd: number, offset: number, whence: number): Promise<number> {
    return this.#call(this.#lseek, fd, offset, whence);
  }

  async fallocate(fd: number, mode: number, offset: number, length: number): Promise<void> {
    await this.#call(this.#fallocate, fd, mode, offset, length);
  }

  async lockByte(fd: number, offset: number, locked: boolean): Promise<void> {
    await this.#lock(fd, FileLock.set, flock(locked ? LockType.shared : LockType.none, offset));
  }

  async isLocked(fd: number, offset: number): Promise<boolean> {
    const lock = flock(LockType.exclusive, offset);
    await this.#lock(fd, FileLock.get, lock);
    return new DataView(lock.buffer).getInt16(0, littleEndian) !== LockType.none;
  }

  ioctl(fd: number, request: number, argument: number): Promise<number> {
    return this.#call(this.#ioctl, fd, request, argument);
  }

  async ioctlRange(fd: number, request: number, offset: number, length: number): Promise<void> {
    const range = new BigUint64Array([BigInt(offset), BigInt(length)]);
    this.#inUse.add(range);
    try {
      await this.#call(this.#ioctlPointer, fd, request, range);
    } finally {
      this.#inUse.delete(range);
    }
  }

  async #lock(fd: number, command: number, lock: Uint8Array): Promise<void> {
    if (this.#fcntl === undefined) throw ioError('ENOTSUP');
    this.#inUse.add(lock);
    try {
      await this.#call(this.#fcntl, fd, command, lock);
    } finally {
      this.#inUse.delete(lock);
    }
  }

  async #call(call: Call, ...values: unknown[]): Promise<number> {
    if (this.#running >= mostCalls) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await new Promise((resolve, reject) => {
        call.async(...values, (error: unknown, result: number | bigint) => {
          if (error) reject(error);
          else if (result < 0) reject(this.#failure());
          else resolve(Number(result));
        });
      });
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  /** The failure of the call whose callback this runs in. */
  #failure(): BlockError {
    const number = this.#koffi.errno();
    // To the callers it is the same whether the kernel lacks a call or the file system lacks what it does.
    return ioError(number === constants.errno.ENOSYS ? 'ENOTSUP' : errnoOfNumber(number));
  }
}

function optional(library: Library, definition: string): Call | undefined {
  try {
    return library.func(definition);
  } catch {
    return undefined;
  }
}

const warned = new WeakSet<object>();

/** Says once to each host, where the package would help, what files lack without it. */
export function warnWithoutNative(host: Pick<BlockHost, 'warn'>, native: NativeCalls | undefined): void {
  if (native !== undefined || process.platform !== 'linux' || warned.has(host)) return;
  warned.add(host);
  host.warn(
    "The package 'koffi' is not installed: holes in files are neither seen nor made, devices of this machine cannot be opened, " +
      'and flushes and cached reads are slower; npm install koffi',
  );
}

/**
 * Ends the process at once. `process.exit` waits for the threads of Node.js, for ever where one hangs in a file system that does not
 * answer. Without the system's call the process ends by SIGINT, which shells report as 130.
 *
 * @param code its exit code
 */
export function endProcess(code: number): void {
  // What is to happen at the end in any case, such as removing sockets.
  process.emit('exit', code);
  if (nativeCalls() !== undefined) endWith?.(code);
  process.removeAllListeners('SIGINT');
  process.kill(process.pid, 'SIGINT');
}

let endWith: ((code: number) => void) | undefined;
let calls: NativeCalls | undefined;
let tried = false;

/** The calls of this system; absent where there are none. The package is loaded when it is first needed. */
export function nativeCalls(): NativeCalls | undefined {
  if (!tried && process.platform === 'linux') {
    try {
      const loaded: typeof koffi = createRequire(import.meta.url)('koffi');
      calls = new KoffiCalls(loaded);
      endWith = loaded.load(null).func('void _exit(int code)') as (code: number) => void;
    } catch {
      // It is not installed, or not for this machine: what needs the calls has another way or says so.
    }
  }
  tried = true;
  return calls;
}
