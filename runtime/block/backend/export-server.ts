import { clearSocketPath } from '../../qmp/server/listen.js';
import { ListenError, listenError } from '../../qmp/server/listen-error.js';
import { formatSocketPlace } from '../../qmp/server/socket-place.js';
import type { DirtyBitmap } from '../bitmaps/bitmap.js';
import { BlockError, blockErrorOf, deviceNotFound, invalid, noMedium } from '../error.js';
import { longestName } from '../nbd/protocol.js';
import { type NbdAddress, NbdServer, type NbdServerOptions } from '../nbd/server.js';
import type { Backend } from './backend.js';
import { nbdExport } from './nbd-export.js';
import type { RunState } from './run-state.js';

/** A bitmap to be exported: by its name in the node or one below, or of one node. */
export type ExportedBitmap = string | { readonly node: string; readonly name: string };

/** What an export is of: a device, through which its limits, its statistics and its error policies apply, or a node. */
export type Exported = { readonly device: string } | { readonly node: string } | { readonly deviceOrNode: string };

/** Where the backends to export are. */
export interface ExportSource {
  /** Whether the devices of backends run. */
  readonly runState: RunState;
  /** The named backend, if there is one of this name. */
  backend(name: string): Backend | undefined;
  /** A backend without a name on a node. @throws BlockError when there is no such node, or others do not let it be used */
  openNode(
    of: Exclude<Exported, { readonly device: string }>,
    how: { readonly writable: boolean; readonly allowsInactive: boolean },
  ): Promise<Backend>;
  /** Lets go of such a backend. */
  closeNode(backend: Backend): Promise<void>;
  /** Bitmaps for the clients of a backend. @throws BlockError when one is not there, or cannot be shown */
  bitmaps(backend: Backend, wanted: readonly ExportedBitmap[], writable: boolean): readonly DirtyBitmap[];
}

/** What is to be exported. */
export interface ExportRequest {
  /** The name that clients ask for. */
  readonly name: string;
  readonly of: Exported;
  readonly writable: boolean;
  readonly description?: string | undefined;
  /** Whether all writes are on the disk before they are answered. Default: `false`. */
  readonly writethrough?: boolean | undefined;
  readonly bitmaps?: readonly ExportedBitmap[] | undefined;
  readonly allocationDepth?: boolean | undefined;
  /** A node that is inactive stays so, and may become so: clients are refused meanwhile. Default: `false`, it is activated. */
  readonly allowsInactive?: boolean | undefined;
  /** Called once it is gone, for whatever reason. */
  readonly onGone?: (() => void) | undefined;
}

/** An export that is offered. */
export interface ServedExport {
  readonly name: string;
  readonly backend: Backend;
  /** Whether a client is connected to it. */
  isUsed(): boolean;
  /** Withdraws it: its clients are disconnected. Nothing happens when it is gone already. */
  remove(): Promise<void>;
}

interface Entry {
  readonly backend: Backend;
  readonly anonymous: boolean;
  /** Lets the bitmaps be changed again. */
  readonly releases: readonly (() => void)[];
  readonly onGone: (() => void) | undefined;
}

/** An NBD server whose exports are backends: where guests come in. */
export class ExportServer {
  readonly #source: ExportSource;
  readonly #server: NbdServer;
  readonly #exports = new Map<string, Entry>();

  private constructor(source: ExportSource, options: NbdServerOptions) {
    this.#source = source;
    this.#server = new NbdServer(options);
  }

  /** Starts to listen. A socket that a dead process has left is replaced. @throws BlockError when the address is not available */
  static async open(source: ExportSource, address: NbdAddress, options: NbdServerOptions = {}): Promise<ExportServer> {
    const opened = new ExportServer(source, options);
    try {
      if ('path' in address) await clearSocketPath(address.path);
      await opened.#server.listen(address);
    } catch (error) {
      if ('fd' in address) throw blockErrorOf(error, `Could not listen on '${nameOfPlace(address)}'`);
      const { message } = error instanceof ListenError ? error : listenError(error, address);
      throw new BlockError(message, { code: 'EBUSY', cause: error });
    }
    return opened;
  }

  /** The TCP port, where it is TCP. */
  get port(): number | undefined {
    return this.#server.port;
  }

  /** Offers an export. @throws BlockError when the name is taken, or there is no such device or node, or the device is empty */
  async add(request: ExportRequest): Promise<ServedExport> {
    const { of, writable, writethrough = false, allowsInactive = false } = request;
    const { backend, anonymous } = await this.#find(of, { writable, allowsInactive });
    try {
      if (backend.root === undefined) throw noMedium(backend.name);
      if (anonymous) backend.writeback = !writethrough;
      return this.#offer(request, backend, anonymous);
    } catch (error) {
      if (anonymous) await this.#source.closeNode(backend);
      throw error;
    }
  }

  #offer(request: ExportRequest, backend: Backend, anonymous: boolean): ServedExport {
    const { name, writable, description, allocationDepth, onGone } = request;
    expectShort('export name', name);
    expectShort('description', description ?? '');
    this.expectFree(name);
    const bitmaps = this.#source.bitmaps(backend, request.bitmaps ?? [], writable);
    const exported = nbdExport(backend, {
      name,
      readOnly: !writable,
      description,
      bitmaps,
      allocationDepth,
      runState: this.#source.runState,
    });
    const entry: Entry = { backend, anonymous, releases: bitmaps.map((bitmap) => bitmap.hold()), onGone };
    this.#exports.set(name, entry);
    this.#server.add(exported);
    return {
      name,
      backend,
      isUsed: () => this.#server.isUsed(name),
      remove: async () => {
        if (this.#exports.get(name) === entry) await this.#remove(name, entry);
      },
    };
  }

  /** @throws BlockError when there is an export of a name */
  expectFree(name: string): void {
    if (this.#exports.has(name)) throw new BlockError(`NBD server already has export named '${name}'`);
  }

  async #find(
    of: Exported,
    how: { readonly writable: boolean; readonly allowsInactive: boolean },
  ): Promise<{ backend: Backend; anonymous: boolean }> {
    const device = 'device' in of ? of.device : 'deviceOrNode' in of ? of.deviceOrNode : undefined;
    const named = device === undefined ? undefined : this.#source.backend(device);
    if (named !== undefined) return { backend: named, anonymous: false };
    if ('device' in of) throw deviceNotFound(of.device);
    return { backend: await this.#source.openNode(of, how), anonymous: true };
  }

  /** Withdraws the exports of a device, whose medium goes away. Their clients are disconnected. */
  async removeOf(backend: Backend): Promise<void> {
    for (const [name, entry] of [...this.#exports]) if (entry.backend === backend) await this.#remove(name, entry);
  }

  /** Disconnects all clients, and lets go of what was exported. */
  async close(): Promise<void> {
    await this.#server.close();
    for (const [name, entry] of [...this.#exports]) await this.#remove(name, entry);
  }

  async #remove(name: string, { backend, anonymous, releases, onGone }: Entry): Promise<void> {
    this.#exports.delete(name);
    this.#server.remove(name);
    if (anonymous) await this.#source.closeNode(backend);
    for (const release of releases) release();
    onGone?.();
  }
}

/** A place as messages and the operator's log name it. */
export function nameOfPlace(address: NbdAddress): string {
  return 'fd' in address ? `fd:${address.fd}` : formatSocketPlace(address);
}

function expectShort(what: string, text: string): void {
  if (Buffer.byteLength(text) > longestName) throw invalid(`${what} '${text}' too long`);
}
