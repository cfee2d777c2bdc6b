import { createRequire } from 'node:module';
import type koffi from 'koffi';
import { errnoOfNumber } from '../../errno.js';
import { BlockError } from '../../error.js';

/** What an object of the library is to us. */
export type Handle = unknown;

type Call = ReturnType<ReturnType<typeof koffi.load>['func']>;

/**
 * The functions of libgfapi that are used, of version 6 and newer. Older ones take fewer arguments of the same kinds, and do not see
 * those behind them.
 */
const definitions = {
  new: 'void *glfs_new(const char *volume)',
  server: 'int glfs_set_volfile_server(void *fs, const char *transport, const char *host, int port)',
  logging: 'int glfs_set_logging(void *fs, const char *logfile, int level)',
  init: 'int glfs_init(void *fs)',
  fini: 'int glfs_fini(void *fs)',
  open: 'void *glfs_open(void *fs, const char *path, int flags)',
  create: 'void *glfs_creat(void *fs, const char *path, int flags, uint32_t mode)',
  close: 'int glfs_close(void *fd)',
  seek: 'int64_t glfs_lseek(void *fd, int64_t offset, int whence)',
  read: 'int64_t glfs_pread(void *fd, void *buffer, size_t count, int64_t offset, int flags, void *after)',
  write:
    'int64_t glfs_pwrite(void *fd, const void *data, size_t count, int64_t offset, int flags, void *before, void *after)',
  sync: 'int glfs_fsync(void *fd, void *before, void *after)',
  truncate: 'int glfs_ftruncate(void *fd, int64_t size, void *before, void *after)',
  discard: 'int glfs_discard(void *fd, int64_t offset, size_t length)',
  zero: 'int glfs_zerofill(void *fd, int64_t offset, int64_t length)',
} as const;

/** libgfapi, through koffi. All calls run in other threads. */
export class GlusterLibrary {
  readonly #koffi: typeof koffi;
  readonly #calls: { readonly [name in keyof typeof definitions]: Call };
  /** What threads are at: addresses alone keep nothing alive. */
  readonly #inUse = new Set<object>();

  private constructor(loaded: typeof koffi) {
    this.#koffi = loaded;
    const library = loaded.load('libgfapi.so.0');
    const calls = Object.entries(definitions).map(([name, definition]) => [name, library.func(definition)]);
    this.#calls = Object.fromEntries(calls) as { [name in keyof typeof definitions]: Call };
  }

  /** @throws BlockError (ENOTSUP) when it, or koffi, is not installed */
  static load(): GlusterLibrary {
    loaded ??= GlusterLibrary.#load();
    return loaded;
  }

  static #load(): GlusterLibrary {
    try {
      return new GlusterLibrary(createRequire(import.meta.url)('koffi') as typeof koffi);
    } catch (cause) {
      throw new BlockError(
        "Driver 'gluster' needs the package koffi (npm install koffi) and the library libgfapi (of the system's package " +
          'libgfapi0 or glusterfs-api)',
        { code: 'ENOTSUP', cause },
      );
    }
  }

  /** Calls a function that returns a number, which is negative when it fails. @throws BlockError */
  number(name: keyof typeof definitions, ...values: unknown[]): Promise<number> {
    return this.#call(name, values, (result) => {
      const value = Number(result);
      return value < 0 ? undefined : value;
    });
  }

  /** Calls a function that returns an object, or nothing when it fails. @throws BlockError */
  handle(name: keyof typeof definitions, ...values: unknown[]): Promise<Handle> {
    return this.#call(name, values, (result) => (result === null || result === 0n ? undefined : result));
  }

  async #call<Result>(
    name: keyof typeof definitions,
    values: readonly unknown[],
    check: (result: unknown) => Result | undefined,
  ): Promise<Result> {
    this.#inUse.add(values);
    try {
      return await new Promise((resolve, reject) => {
        this.#calls[name].async(...values, (error: unknown, result: unknown) => {
          if (error) {
            reject(error);
            return;
          }
          const value = check(result);
          if (value !== undefined) resolve(value);
          else reject(new BlockError(`glfs_${name} failed`, { code: errnoOfNumber(this.#koffi.errno()) }));
        });
      });
    } finally {
      this.#inUse.delete(values);
    }
  }
}

let loaded: GlusterLibrary | undefined;
