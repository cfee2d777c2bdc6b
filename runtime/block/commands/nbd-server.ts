import type {
  InetSocketAddress,
  NbdServerOptions,
  NbdServerOptionsBase,
  SocketAddress,
  SocketAddressLegacy,
} from '../../../generated/index.js';
import { abstractPath, isAbstract } from '../../qmp/abstract/name.js';
import { familyOf, type InetFamily } from '../../qmp/server/inet-place.js';
import { formatSocketPlace } from '../../qmp/server/socket-place.js';
import { ExportServer, type ExportSource, nameOfPlace } from '../backend/export-server.js';
import { BlockError } from '../error.js';
import type { NbdAddress, NbdServerOptions as ServerOptions } from '../nbd/server.js';
import { serverHandshake } from '../objects/server-handshake.js';
import type { UserObjects } from '../objects/user-objects.js';
import { expectPassedSocket } from '../passed-socket.js';
import { resolveHost } from './address.js';
import type { BlockHandlers } from './handlers.js';

/** The one NBD server that commands and `--nbd-server` start, beside those of `--nbd`. */
export class CommandServer {
  readonly #source: ExportSource;
  readonly #objects: UserObjects;
  readonly #defaults: ServerOptions;
  readonly #authorize: (path: string) => Promise<void>;
  #running: ExportServer | undefined;

  /** @param authorize throws for sockets that may not be made */
  constructor(
    source: ExportSource,
    objects: UserObjects,
    defaults: ServerOptions,
    authorize: (path: string) => Promise<void>,
  ) {
    this.#source = source;
    this.#objects = objects;
    this.#defaults = defaults;
    this.#authorize = authorize;
  }

  get running(): ExportServer | undefined {
    return this.#running;
  }

  /** @throws BlockError when it does not run */
  expectRunning(): ExportServer {
    if (this.#running === undefined) throw new BlockError('NBD server not running');
    return this.#running;
  }

  /**
   * Starts it at the first address that is available.
   *
   * @param checked whether it must be allowed to make a socket there: what the operator asks for is
   * @returns where it listens
   * @throws BlockError when none is, or it runs already
   */
  async start({ addr, ...wanted }: NbdServerOptions, checked: boolean): Promise<string> {
    if (this.#running !== undefined) throw new BlockError('NBD server already running');
    const options: ServerOptions = { ...this.#defaults, ...nbdServerOptions(wanted, this.#objects) };
    let failure: unknown;
    for (const address of await nbdAddresses(addr, checked)) {
      try {
        const running = await this.#open(address, options, checked);
        this.#running = running;
        return nameOfPlace('port' in address ? { ...address, port: running.port ?? address.port } : address);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** Ends it, and all its exports. Nothing happens when it does not run. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.close();
  }

  async #open(address: NbdAddress, options: ServerOptions, checked: boolean): Promise<ExportServer> {
    if (!checked || !('path' in address)) return ExportServer.open(this.#source, address, options);
    const path = isAbstract(address.path) ? `nbd:${formatSocketPlace(address)}` : address.path;
    await this.#authorize(path);
    const server = await ExportServer.open(this.#source, address, options);
    try {
      // Once more: the folder may be another one by now.
      await this.#authorize(path);
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  }
}

/** Commands of the NBD server. */
export function nbdServerCommands(place: CommandServer) {
  return {
    async 'nbd-server-start'({ addr, ...wanted }) {
      await place.start({ addr: withoutData(addr), ...wanted }, true);
    },

    async 'nbd-server-stop'() {
      place.expectRunning();
      await place.stop();
    },
  } satisfies Partial<BlockHandlers>;
}

/** What `nbd-server-start` says besides the address. @throws BlockError when there are no such credentials */
function nbdServerOptions(
  {
    'tls-creds': credentials,
    'tls-authz': authorization,
    'max-connections': most,
    'handshake-max-seconds': seconds,
  }: NbdServerOptionsBase,
  objects: UserObjects,
): ServerOptions {
  const secure = serverHandshake(objects, credentials, authorization);
  return {
    ...(secure && { secure }),
    ...(most !== undefined && { maxConnections: most }),
    ...(seconds !== undefined && { handshakeSeconds: seconds }),
  };
}

/** An address as commands have had it since 2013, in the form of today: without `data`. */
function withoutData(address: SocketAddressLegacy): SocketAddress {
  return { type: address.type, ...address.data } as SocketAddress;
}

/**
 * Where the addresses of `nbd-server-start` lead: one after the other, until one is available.
 *
 * @param checked a client asks for it, which cannot pass sockets on and does not know what the numbers of others stand for
 * @throws BlockError for an address that no server can listen on
 */
export async function nbdAddresses(address: SocketAddress, checked = true): Promise<NbdAddress[]> {
  switch (address.type) {
    case 'unix':
      return [{ path: address.abstract ? abstractPath(address.path, address.tight) : address.path }];
    case 'vsock':
      throw new BlockError('This server cannot listen on vsock: use inet or unix');
    case 'fd':
      if (checked) {
        throw new BlockError(`The file descriptor '${address.str}' was not given to this server: use inet or unix`);
      }
      return [{ fd: expectPassedSocket(address.str) }];
    case 'inet':
      return inetAddresses(address);
  }
}

async function inetAddresses(address: InetSocketAddress): Promise<NbdAddress[]> {
  const { host, port, to, ipv4, ipv6, numeric, mptcp, 'keep-alive': keeps, 'keep-alive-idle': idle } = address;
  if (mptcp) throw new BlockError('This server has no multipath TCP: leave out mptcp');
  const first = Number(port);
  if (!/^\d+$/.test(port) || first > 65535) throw new BlockError(`'${port}' is not a TCP port: 0 to 65535`);
  const family = familyOf(ipv4, ipv6);
  if (family === 'none') throw new BlockError('Cannot disable IPv4 and IPv6 at same time');
  const last = to ?? first;
  if (last < first) throw new BlockError(`The last port, ${last}, is below the first, ${first}`);
  const name = await addressOf(host, port, family, numeric);
  const more = keeps ? { keepAlive: idle ?? 0 } : {};
  return Array.from({ length: last - first + 1 }, (_, index) => ({ host: name, port: first + index, ...more }));
}

async function addressOf(host: string, port: string, family: InetFamily, numeric = false): Promise<string> {
  // NBD knows no passwords: who wants to be reached from elsewhere says so.
  if (host === '') return family === 6 ? '::1' : '127.0.0.1';
  return resolveHost(host, port, family, numeric);
}
