import type { Commands, SocketAddressLegacy } from '../../../generated/index.js';
import { ExportServer, type ExportSource } from '../backend/export-server.js';
import { BlockError } from '../error.js';
import type { NbdAddress, NbdServerOptions } from '../nbd/server.js';
import type { UserObjects } from '../objects/user-objects.js';
import { secureServer } from '../tls.js';
import type { BlockHandlers } from './handlers.js';

/** Keeps the one NBD server that commands start, beside those of the command line. */
export interface CommandServer {
  running: ExportServer | undefined;
}

/**
 * Commands of the NBD server.
 *
 * @param authorize throws for sockets that may not be made
 */
export function nbdServerCommands(
  place: CommandServer,
  source: ExportSource,
  objects: UserObjects,
  defaults: NbdServerOptions,
  authorize: (path: string) => Promise<void>,
) {
  async function open(address: NbdAddress, options: NbdServerOptions): Promise<ExportServer> {
    if (!('path' in address)) return ExportServer.open(source, address, options);
    await authorize(address.path);
    const server = await ExportServer.open(source, address, options);
    try {
      // Once more: the folder may be another one by now.
      await authorize(address.path);
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  return {
    async 'nbd-server-start'({ addr, ...wanted }) {
      if (place.running !== undefined) throw new BlockError('NBD server already running');
      const options = { ...defaults, ...nbdServerOptions(wanted, objects) };
      let failure: unknown;
      for (const address of nbdAddresses(addr)) {
        try {
          place.running = await open(address, options);
          return;
        } catch (error) {
          failure = error;
        }
      }
      throw failure;
    },

    async 'nbd-server-add'({ device, writable = false }) {
      if (place.running === undefined) throw new BlockError('NBD server not running');
      await place.running.add({ name: device, of: { deviceOrNode: device }, writable });
    },

    async 'nbd-server-stop'() {
      const { running } = place;
      place.running = undefined;
      await running?.close();
    },
  } satisfies Partial<BlockHandlers>;
}

/** What `nbd-server-start` says besides the address. @throws BlockError when there are no such credentials */
export function nbdServerOptions(
  {
    'tls-creds': credentials,
    'tls-authz': authorization,
    'max-connections': most,
    'handshake-max-seconds': seconds,
  }: Omit<Commands['nbd-server-start']['arguments'], 'addr'>,
  objects: UserObjects,
): NbdServerOptions {
  const tls = credentials === undefined ? undefined : objects.tlsCredentials(credentials, 'server');
  // The object that lets clients in may come later; until then none gets in.
  const admit =
    authorization === undefined ? undefined : (identity: string) => objects.authorizes(authorization, identity);
  return {
    ...(tls && { secure: (socket) => secureServer(socket, tls, admit) }),
    ...(most !== undefined && { maxConnections: most }),
    ...(seconds !== undefined && { handshakeSeconds: seconds }),
  };
}

/**
 * Where the addresses of `nbd-server-start` lead: one after the other, until one is available.
 *
 * @throws BlockError for an address that no server can listen on
 */
export function nbdAddresses(address: SocketAddressLegacy): NbdAddress[] {
  if (address.type === 'unix') return [{ path: address.data.path }];
  if (address.type === 'vsock') throw new BlockError('This server cannot listen on vsock: use inet or unix');
  if (address.type === 'fd') {
    throw new BlockError(`The file descriptor '${address.data.str}' was not given to this server: use inet or unix`);
  }
  const { host, port, to, ipv4, ipv6 } = address.data;
  const first = Number(port);
  if (!/^\d+$/.test(port) || first > 65535) throw new BlockError(`'${port}' is not a TCP port: 0 to 65535`);
  if (ipv4 === false && ipv6 === false) throw new BlockError('Neither IPv4 nor IPv6 is left to listen on');
  const last = to ?? first;
  if (last < first) throw new BlockError(`The last port, ${last}, is below the first, ${first}`);
  // NBD knows no passwords: who wants to be reached from elsewhere says so.
  const name = host === '' ? (ipv4 === false ? '::1' : '127.0.0.1') : host;
  return Array.from({ length: last - first + 1 }, (_, index) => ({ host: name, port: first + index }));
}
