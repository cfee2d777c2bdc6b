import type {
  NbdServerOptions,
  NbdServerOptionsBase,
  SocketAddress,
  SocketAddressLegacy,
} from '../../../generated/index.js';
import { formatSocketPlace } from '../../qmp/server/socket-place.js';
import { ExportServer, type ExportSource } from '../backend/export-server.js';
import { BlockError } from '../error.js';
import type { NbdAddress, NbdServerOptions as ServerOptions } from '../nbd/server.js';
import { serverHandshake } from '../objects/server-handshake.js';
import type { UserObjects } from '../objects/user-objects.js';
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
    for (const address of nbdAddresses(addr)) {
      try {
        const running = await this.#open(address, options, checked);
        this.#running = running;
        return formatSocketPlace('path' in address ? address : { ...address, port: running.port ?? address.port });
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
    await this.#authorize(address.path);
    const server = await ExportServer.open(this.#source, address, options);
    try {
      // Once more: the folder may be another one by now.
      await this.#authorize(address.path);
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
 * @throws BlockError for an address that no server can listen on
 */
export function nbdAddresses(address: SocketAddress): NbdAddress[] {
  if (address.type === 'unix') {
    if (address.abstract) throw new BlockError('This server cannot listen on an abstract socket: give a path');
    return [{ path: address.path }];
  }
  if (address.type === 'vsock') throw new BlockError('This server cannot listen on vsock: use inet or unix');
  if (address.type === 'fd') {
    throw new BlockError(`The file descriptor '${address.str}' was not given to this server: use inet or unix`);
  }
  const { host, port, to, ipv4, ipv6 } = address;
  const first = Number(port);
  if (!/^\d+$/.test(port) || first > 65535) throw new BlockError(`'${port}' is not a TCP port: 0 to 65535`);
  if (ipv4 === false && ipv6 === false) throw new BlockError('Neither IPv4 nor IPv6 is left to listen on');
  const last = to ?? first;
  if (last < first) throw new BlockError(`The last port, ${last}, is below the first, ${first}`);
  // NBD knows no passwords: who wants to be reached from elsewhere says so.
  const name = host === '' ? (ipv4 === false ? '::1' : '127.0.0.1') : host;
  return Array.from({ length: last - first + 1 }, (_, index) => ({ host: name, port: first + index }));
}
