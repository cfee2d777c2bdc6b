import type { SocketAddress } from '../../generated/index.js';
import { ListenError, removeStaleSocket } from '../qmp/server/listen.js';
import type { Backend } from './backend/backend.js';
import { nbdExport } from './backend/nbd-export.js';
import { BlockError, blockErrorOf } from './error.js';
import { type NbdAddress, NbdServer, type NbdServerOptions } from './nbd/server.js';

/** What an NBD door takes its exports from. */
export interface ExportSource {
  /** The named backend, if there is one of this name. */
  backend(name: string): Backend | undefined;
  /** A backend without a name on a node. @throws BlockError when there is no such node */
  openNode(name: string): Backend;
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

/** An NBD server with its exports: where guests come in. */
export class NbdDoor {
  readonly #source: ExportSource;
  readonly #server: NbdServer;
  readonly #exports = new Map<string, { readonly backend: Backend; readonly anonymous: boolean }>();

  private constructor(source: ExportSource, options: NbdServerOptions) {
    this.#source = source;
    this.#server = new NbdServer(options);
  }

  /** Opens a door. A socket that a dead process has left is replaced. @throws BlockError when the address cannot be had */
  static async open(source: ExportSource, address: NbdAddress, options: NbdServerOptions = {}): Promise<NbdDoor> {
    const door = new NbdDoor(source, options);
    try {
      if ('path' in address) await removeStaleSocket(address.path);
      await door.#server.listen(address);
    } catch (error) {
      if (error instanceof ListenError) throw new BlockError(error.message, { code: 'EBUSY', cause: error });
      const place = 'path' in address ? address.path : `${address.host}:${address.port}`;
      throw blockErrorOf(error, `Could not listen on ${place}`);
    }
    return door;
  }

  /** The TCP port, where it is TCP. */
  get port(): number | undefined {
    return this.#server.port;
  }

  /** @throws BlockError when the name is taken, or there is no such device or node, or the device is empty */
  add({ name, of, writable }: ExportRequest): void {
    if (this.#exports.has(name)) throw new BlockError(`NBD server already has an export named '${name}'`);
    const { backend, anonymous } = this.#find(of);
    if (backend.root === undefined) {
      throw new BlockError(`Device '${backend.name}' has no medium`, { code: 'ENOMEDIUM' });
    }
    this.#exports.set(name, { backend, anonymous });
    this.#server.add(nbdExport(backend, { name, readOnly: !writable || backend.root.node.flags.readOnly }));
  }

  #find(of: ExportRequest['of']): { backend: Backend; anonymous: boolean } {
    const device = 'device' in of ? of.device : 'deviceOrNode' in of ? of.deviceOrNode : undefined;
    const named = device === undefined ? undefined : this.#source.backend(device);
    if (named !== undefined) return { backend: named, anonymous: false };
    if ('device' in of) throw new BlockError(`Device '${of.device}' not found`, { class: 'DeviceNotFound' });
    return { backend: this.#source.openNode('node' in of ? of.node : of.deviceOrNode), anonymous: true };
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

/**
 * Where the addresses of `nbd-server-start` lead: one after the other, until one can be had.
 *
 * @throws BlockError for an address that no server can listen on
 */
export function nbdAddresses(address: SocketAddress): NbdAddress[] {
  if (address.type === 'unix') return [{ path: address.data.path }];
  if (address.type === 'fd') {
    throw new BlockError(`The file descriptor '${address.data.str}' was not given to this server: use inet or unix`);
  }
  const { host, port, to, ipv4, ipv6 } = address.data;
  const first = Number(port);
  if (!/^\d+$/.test(port) || first > 65535) throw new BlockError(`'${port}' is not a TCP port: 0 to 65535`);
  if (ipv4 === false && ipv6 === false) throw new BlockError('Neither IPv4 nor IPv6 is left to listen on');
  const last = to ?? first;
  if (last < first) throw new BlockError(`The last port, ${last}, is below the first, ${first}`);
  const name = host === '' ? (ipv4 === false ? '::' : '0.0.0.0') : host;
  return Array.from({ length: last - first + 1 }, (_, index) => ({ host: name, port: first + index }));
}
