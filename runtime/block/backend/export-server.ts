import { clearSocketPath, ListenError } from '../../qmp/server/listen.js';
import { formatSocketPlace } from '../../qmp/server/socket-place.js';
import { BlockError, blockErrorOf, deviceNotFound, noMedium } from '../error.js';
import { type NbdAddress, NbdServer, type NbdServerOptions } from '../nbd/server.js';
import type { Backend } from './backend.js';
import { nbdExport } from './nbd-export.js';

/** Where the backends to export are. */
export interface ExportSource {
  /** The named backend, if there is one of this name. */
  backend(name: string): Backend | undefined;
  /** A backend without a name on a node. @throws BlockError when there is no such node, or others do not let it be used */
  openNode(name: string, writable: boolean): Promise<Backend>;
  /** Lets go of such a backend. */
  closeNode(backend: Backend): Promise<void>;
}

/** What is to be exported. */
export interface ExportRequest {
  /** The name that clients ask for. */
  readonly name: string;
  /** A device, through which its limits, its statistics and its error policies apply, or a node. */
  readonly of: { readonly device: string } | { readonly node: string } | { readonly deviceOrNode: string };
  readonly writable: boolean;
}

/** An NBD server whose exports are backends: where guests come in. */
export class ExportServer {
  readonly #source: ExportSource;
  readonly #server: NbdServer;
  readonly #exports = new Map<string, { readonly backend: Backend; readonly anonymous: boolean }>();

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
      if (error instanceof ListenError) throw new BlockError(error.message, { code: 'EBUSY', cause: error });
      throw blockErrorOf(error, `Could not listen on '${formatSocketPlace(address)}'`);
    }
    return opened;
  }

  /** The TCP port, where it is TCP. */
  get port(): number | undefined {
    return this.#server.port;
  }

  /** Offers an export. @throws BlockError when the name is taken, or there is no such device or node, or the device is empty */
  async add({ name, of, writable }: ExportRequest): Promise<void> {
    if (this.#exports.has(name)) throw nameTaken(name);
    const { backend, anonymous } = await this.#find(of, writable);
    if (backend.root === undefined) throw noMedium(backend.name);
    if (this.#exports.has(name)) {
      if (anonymous) await this.#source.closeNode(backend);
      throw nameTaken(name);
    }
    this.#exports.set(name, { backend, anonymous });
    this.#server.add(nbdExport(backend, { name, readOnly: !writable }));
  }

  async #find(of: ExportRequest['of'], writable: boolean): Promise<{ backend: Backend; anonymous: boolean }> {
    const device = 'device' in of ? of.device : 'deviceOrNode' in of ? of.deviceOrNode : undefined;
    const named = device === undefined ? undefined : this.#source.backend(device);
    if (named !== undefined) return { backend: named, anonymous: false };
    if ('device' in of) throw deviceNotFound(of.device);
    const backend = await this.#source.openNode('node' in of ? of.node : of.deviceOrNode, writable);
    return { backend, anonymous: true };
  }

  /** Withdraws the exports of a device, whose medium goes away. Their clients are disconnected. */
  removeOf(backend: Backend): void {
    for (const [name, taken] of this.#exports) {
      if (taken.backend !== backend) continue;
      this.#exports.delete(name);
      this.#server.remove(name);
    }
  }

  /** Disconnects all clients, and lets go of what was exported. */
  async close(): Promise<void> {
    await this.#server.close();
    for (const { backend, anonymous } of this.#exports.values()) {
      if (anonymous) await this.#source.closeNode(backend);
    }
    this.#exports.clear();
  }
}

function nameTaken(name: string): BlockError {
  return new BlockError(`NBD server already has an export named '${name}'`);
}
