import { RequestFlag } from '../driver.js';
import { ioError } from '../error.js';
import type { NbdExport, NbdExtent } from '../nbd/export.js';
import type { Backend } from './backend.js';

/** What an export is made with. */
export interface BackendExportOptions {
  /** The name that clients ask for. */
  readonly name: string;
  readonly description?: string;
  readonly readOnly: boolean;
}

/** The preferred block size that is reported to clients, as by QEMU: the size of a page. */
const preferredBlockSize = 4096;

/** The most extents that one request is answered with. A client asks again for what is left. */
const mostExtents = 1024;

/**
 * Offers a backend to NBD clients. Its size is what the backend's is now, and stays that.
 *
 * @throws BlockError (ENOMEDIUM) when there is no medium
 */
export function nbdExport(backend: Backend, options: BackendExportOptions): NbdExport {
  return new BackendExport(backend, options);
}

class BackendExport implements NbdExport {
  readonly name: string;
  readonly description?: string;
  readonly size: number;
  readonly readOnly: boolean;
  readonly blockSize: { readonly minimum: number; readonly preferred: number };
  readonly #backend: Backend;

  constructor(backend: Backend, { name, description, readOnly }: BackendExportOptions) {
    const { root } = backend;
    if (root === undefined) throw ioError('ENOMEDIUM');
    this.name = name;
    if (description !== undefined) this.description = description;
    this.size = root.node.length;
    this.readOnly = readOnly || root.node.flags.readOnly;
    const minimum = root.node.leastBlock ?? root.node.requestAlignment;
    this.blockSize = { minimum, preferred: Math.max(minimum, preferredBlockSize) };
    this.#backend = backend;
  }

  read(offset: number, buffer: Uint8Array): Promise<void> {
    return this.#backend.read(offset, buffer);
  }

  write(offset: number, data: Uint8Array, { fua }: { fua: boolean }): Promise<void> {
    return this.#backend.write(offset, data, fua ? RequestFlag.fua : 0);
  }

  writeZeroes(
    offset: number,
    length: number,
    { unmap, fua, fast }: { unmap: boolean; fua: boolean; fast: boolean },
  ): Promise<void> {
    const flags =
      (unmap ? RequestFlag.mayUnmap : 0) | (fua ? RequestFlag.fua : 0) | (fast ? RequestFlag.noFallback : 0);
    return this.#backend.writeZeroes(offset, length, flags);
  }

  async trim(offset: number, length: number, { fua }: { fua: boolean }): Promise<void> {
    await this.#backend.discard(offset, length);
    if (fua) await this.#backend.flush();
  }

  flush(): Promise<void> {
    return this.#backend.flush();
  }

  async blockStatus(offset: number, length: number, { one }: { one: boolean }): Promise<readonly NbdExtent[]> {
    const most = one ? 1 : mostExtents;
    const extents: NbdExtent[] = [];
    const end = offset + length;
    let present: { length: number; hole: boolean; zero: boolean } | undefined;
    for (let position = offset; position < end; ) {
      const status = await this.#backend.blockStatus(position, end - position);
      const hole = !status.data;
      if (present !== undefined && present.hole === hole && present.zero === status.zero) {
        present.length += status.length;
      } else {
        if (extents.length === most) break;
        present = { length: status.length, hole, zero: status.zero };
        extents.push(present);
      }
      position += status.length;
    }
    return extents;
  }
}
