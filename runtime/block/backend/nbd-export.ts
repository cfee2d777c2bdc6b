import type { DirtyBitmap } from '../bitmaps/bitmap.js';
import { ioError } from '../error.js';
import { staysReadOnly } from '../graph/flags.js';
import type { NbdContext, NbdExport, NbdExtent } from '../nbd/export.js';
import { RequestFlag } from '../request-flag.js';
import type { Backend } from './backend.js';
import { allocationDepthOf, contextOf, statesOf } from './export-contexts.js';
import type { RunState } from './run-state.js';

/** What an export is made with. */
export interface BackendExportOptions {
  /** The name that clients ask for. */
  readonly name: string;
  readonly description?: string | undefined;
  readonly readOnly: boolean;
  /** What clients may see by the contexts `qemu:dirty-bitmap:…`. */
  readonly bitmaps?: readonly DirtyBitmap[];
  /** Whether clients may see in which layer data lies. */
  readonly allocationDepth?: boolean | undefined;
  /** While it is stopped, requests to a backend with a device wait. Default: they never do. */
  readonly runState?: RunState | undefined;
}

/** The preferred block size that is reported to clients, as by QEMU: the size of a page. */
const preferredBlockSize = 4096;
/** Bytes that are read at a time into caches, and dropped. */
const cachedAtOnce = 1 << 20;

const sameExtent = (before: NbdExtent, found: NbdExtent): boolean =>
  before.hole === found.hole && before.zero === found.zero;

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
  readonly contexts: readonly NbdContext[];
  readonly #attached: Backend;
  readonly #runState: RunState | undefined;

  constructor(backend: Backend, options: BackendExportOptions) {
    const { name, description, readOnly, bitmaps = [], allocationDepth = false } = options;
    const { root } = backend;
    if (root === undefined) throw ioError('ENOMEDIUM');
    this.name = name;
    if (description !== undefined) this.description = description;
    this.size = root.node.length;
    this.readOnly = readOnly || staysReadOnly(root.node.flags);
    const minimum = root.node.leastBlock ?? root.node.requestAlignment;
    this.blockSize = { minimum, preferred: Math.max(minimum, preferredBlockSize) };
    this.contexts = [...(allocationDepth ? [allocationDepthOf(backend)] : []), ...bitmaps.map(contextOf)];
    this.#attached = backend;
    this.#runState = options.runState;
  }

  read(offset: number, buffer: Uint8Array): Promise<void> {
    return this.#running((backend) => backend.read(offset, buffer));
  }

  write(offset: number, data: Uint8Array, { fua }: { fua: boolean }): Promise<void> {
    return this.#running((backend) => backend.write(offset, data, fua ? RequestFlag.fua : 0));
  }

  writeZeroes(
    offset: number,
    length: number,
    { unmap, fua, fast }: { unmap: boolean; fua: boolean; fast: boolean },
  ): Promise<void> {
    const flags =
      (unmap ? RequestFlag.mayUnmap : 0) | (fua ? RequestFlag.fua : 0) | (fast ? RequestFlag.noFallback : 0);
    return this.#running((backend) => backend.writeZeroes(offset, length, flags));
  }

  trim(offset: number, length: number, { fua }: { fua: boolean }): Promise<void> {
    return this.#running(async (backend) => {
      await backend.discard(offset, length);
      if (fua) await backend.flush();
    });
  }

  async cache(offset: number, length: number): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(Math.min(length, cachedAtOnce));
    for (let done = 0; done < length; done += buffer.length) {
      await this.read(offset + done, buffer.subarray(0, length - done));
    }
  }

  flush(): Promise<void> {
    return this.#running((backend) => backend.flush());
  }

  blockStatus(offset: number, length: number, options: { one: boolean }): Promise<readonly NbdExtent[]> {
    const next = async (at: number, most: number): Promise<NbdExtent> => {
      if (isInactive(this.#attached)) throw ioError('EPERM');
      const { length, data, zero } = await this.#attached.blockStatus(at, most);
      return { length, hole: !data, zero };
    };
    return statesOf(offset, length, options, next, sameExtent);
  }

  /** Makes a request when the device runs that the backend may have. */
  #running(request: (backend: Backend) => Promise<void>): Promise<void> {
    const backend = this.#attached;
    if (isInactive(backend)) return Promise.reject(ioError('EPERM'));
    const resumed = backend.device === undefined ? undefined : this.#runState?.resumed;
    // It may have been stopped again before those that waited get to run.
    return resumed === undefined ? request(backend) : resumed.then(() => this.#running(request));
  }
}

/** Whether another program has the image: what is read of it may not be what is there. */
function isInactive({ root }: Backend): boolean {
  return root?.node.flags.inactive !== undefined;
}
