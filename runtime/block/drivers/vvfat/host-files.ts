import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { BlockHost } from '../../driver.js';
import { BlockError, blockErrorOf } from '../../error.js';
import { systemPath } from '../../file-name.js';

/** Files that are open at a time. */
const mostOpen = 16;

/** The files of a folder, opened when they are read; those used last stay open. */
export class HostFiles {
  readonly #host: BlockHost;
  readonly #files = new Map<string, Promise<FileHandle>>();
  readonly #busy = new Map<Promise<FileHandle>, number>();

  constructor(host: BlockHost) {
    this.#host = host;
  }

  /** Fills a buffer; beyond the end of the file there are zeroes. @throws BlockError */
  async read(path: string, offset: number, buffer: Uint8Array): Promise<void> {
    const opening = this.#get(path);
    this.#busy.set(opening, (this.#busy.get(opening) ?? 0) + 1);
    try {
      await fill(await opening, path, offset, buffer);
    } finally {
      const left = (this.#busy.get(opening) ?? 1) - 1;
      if (left > 0) this.#busy.set(opening, left);
      else this.#busy.delete(opening);
      await this.#closeOld();
    }
  }

  async close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    // What could not be opened need not be closed.
    const opened = await Promise.allSettled(files);
    await Promise.all(opened.map((file) => (file.status === 'fulfilled' ? file.value.close() : undefined)));
  }

  #get(path: string): Promise<FileHandle> {
    const known = this.#files.get(path);
    this.#files.delete(path);
    const opening = known ?? this.#open(path);
    this.#files.set(path, opening);
    if (known === undefined) {
      opening.catch(() => {
        if (this.#files.get(path) === opening) this.#files.delete(path);
      });
    }
    return opening;
  }

  async #open(path: string): Promise<FileHandle> {
    await this.#host.authorize(path);
    // What was a file may have become a FIFO, which must not hold up the thread.
    const file = await open(systemPath(path), constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
      throw blockErrorOf(error, `Could not open '${path}'`);
    });
    try {
      await this.#host.authorize(path, file.fd);
      if ((await file.stat()).isFile()) return file;
      throw new BlockError(`'${path}' is no file any more`, { code: 'EIO' });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #closeOld(): Promise<void> {
    for (const [path, opening] of this.#files) {
      if (this.#files.size <= mostOpen) return;
      if (this.#busy.has(opening)) continue;
      this.#files.delete(path);
      await (await opening).close();
    }
  }
}

async function fill(file: FileHandle, path: string, offset: number, buffer: Uint8Array): Promise<void> {
  try {
    for (let done = 0; done < buffer.length; ) {
      const { bytesRead } = await file.read(buffer, done, buffer.length - done, offset + done);
      if (bytesRead === 0) {
        buffer.fill(0, done);
        return;
      }
      done += bytesRead;
    }
  } catch (error) {
    throw blockErrorOf(error, `Could not read '${path}'`);
  }
}
