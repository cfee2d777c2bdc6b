import { createServer, type Socket } from 'node:net';
import { resolveHost } from '../../runtime/block/commands/address.js';
import { blockErrorOf } from '../../runtime/block/error.js';
import type { BlockLayer } from '../../runtime/block/index.js';
import { serverHandshake } from '../../runtime/block/objects/server-handshake.js';
import { expectPassedSocket } from '../../runtime/block/passed-socket.js';
import { secureClient } from '../../runtime/block/tls.js';
import { isAbstract } from '../../runtime/qmp/abstract/name.js';
import { connectAt } from '../../runtime/qmp/server/connect-at.js';
import { ConnectionTurns } from '../../runtime/qmp/server/connection-turns.js';
import { type Listener, listen } from '../../runtime/qmp/server/listen.js';
import { listenAt } from '../../runtime/qmp/server/listen-at.js';
import { ListenError } from '../../runtime/qmp/server/listen-error.js';
import { formatSocketPlace, type SocketPlace } from '../../runtime/qmp/server/socket-place.js';
import type { StreamPair } from '../../runtime/qmp/streams.js';
import type { InetRange, SocketChardev } from './chardev-socket.js';
import { aborted } from './lifetime.js';
import type { OpenChardev } from './open-chardev.js';
import { telnet } from './telnet.js';

type Accept = Parameters<typeof listen>[1];

/** What a monitor's socket is opened with. */
export interface MonitorSocketOptions {
  readonly chardev: SocketChardev;
  /** Begins to serve a client. */
  readonly serve: (client: StreamPair) => void;
  /** Has the objects with TLS credentials. */
  readonly layer: BlockLayer;
  /** Tells the operator. */
  warn(message: string): void;
  /** Starting is given up, or the server ends. */
  readonly signal: AbortSignal;
}

/**
 * Listens for the client of a monitor, one at a time, or connects to it.
 *
 * @throws BlockError when there are no such TLS credentials, or the client cannot be reached and is not to be tried again
 * @throws ListenError when the address is not available
 */
export function openMonitorSocket(options: MonitorSocketOptions): Promise<OpenChardev> {
  return options.chardev.server ? listenForClient(options) : connectToClient(options);
}

async function listenForClient({ chardev, serve, layer, signal }: MonitorSocketOptions): Promise<OpenChardev> {
  const { place, tlsCreds, tlsAuthz, wait, telnet: speaksTelnet } = chardev;
  const secure = serverHandshake(layer.objects, tlsCreds, tlsAuthz);
  let arrived = (): void => {};
  const first = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  /** The last client that was to make the handshake. */
  let handshaking: Socket | undefined;
  const turns = new ConnectionTurns(1, async (socket) => {
    handshaking = socket;
    const streams = secure === undefined ? socket : await secure(socket);
    handshaking = undefined;
    serve(speaksTelnet ? telnet(streams) : { readable: streams, writable: streams });
    arrived();
  });
  const take = (socket: Socket): void => turns.take(socket);
  const listener =
    'fd' in place
      ? await listenOnPassed(place.fd, take)
      : await listenAtFirst(place, ({ readable }) => take(readable as Socket));
  if (wait) await Promise.race([first, aborted(signal)]);
  return {
    address: listener.address,
    close: () => {
      // The server ends the client that it serves; of the others it does not know.
      turns.close();
      handshaking?.destroy();
      return listener.close();
    },
  };
}

async function connectToClient(options: MonitorSocketOptions): Promise<OpenChardev> {
  const { chardev, serve, layer, warn, signal } = options;
  const { place, reconnect, tlsCreds } = chardev;
  const credentials = tlsCreds === undefined ? undefined : layer.objects.tlsCredentials(tlsCreds, 'client');
  const hostname = 'host' in place ? place.host : undefined;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let plain: Socket | undefined;
  const again = (): void => {
    if (reconnect === undefined || closed || signal.aborted) return;
    timer = setTimeout(() => void open().catch(again), reconnect);
  };
  const open = async (): Promise<void> => {
    plain = await connected(
      'port' in place ? { ...place, host: await resolveHost(place.host, place.port, place.family) } : place,
    );
    const streams = credentials === undefined ? plain : await secureClient(plain, credentials, hostname);
    plain.once('close', again);
    serve({ readable: streams, writable: streams });
  };
  try {
    await open();
  } catch (error) {
    const name = 'path' in place && !isAbstract(place.path) ? place.path : addressOf(place).replace(/^tcp:/, '');
    const failure = blockErrorOf(error, `Failed to connect to '${name}'`);
    if (reconnect === undefined) throw failure;
    warn(`${failure.message}; it is tried again`);
    again();
  }
  return {
    address: addressOf(place),
    close: async () => {
      closed = true;
      clearTimeout(timer);
      plain?.destroySoon();
    },
  };
}

/** Listens at the first port of a range that is free. @throws ListenError when none is */
async function listenAtFirst(place: { readonly path: string } | InetRange, accept: Accept): Promise<Listener> {
  if ('path' in place) return listen(place, accept);
  const host = await resolveHost(place.host, place.port, place.family);
  for (let port = place.port; ; port++) {
    try {
      return await listen({ host, port }, accept);
    } catch (error) {
      if (!(error instanceof ListenError) || port === place.to) throw error;
    }
  }
}

/** Takes clients at a socket that the parent process listens on. @throws BlockError when it is none */
async function listenOnPassed(fd: number, take: (socket: Socket) => void): Promise<Listener> {
  expectPassedSocket(String(fd));
  const server = createServer({ allowHalfOpen: true }, take);
  await listenAt(server, { fd }).catch((error: unknown) => {
    throw blockErrorOf(error, `Could not listen on file descriptor ${fd}`);
  });
  return { address: `fd:${fd}`, close: () => new Promise((closed) => server.close(() => closed())) };
}

function addressOf(place: SocketChardev['place']): string {
  return 'fd' in place ? `fd:${place.fd}` : formatSocketPlace(place);
}

function connected(place: SocketPlace | { readonly fd: number }): Promise<Socket> {
  if ('fd' in place) expectPassedSocket(String(place.fd));
  return new Promise((resolve, reject) => {
    const socket = connectAt({ ...place, allowHalfOpen: true });
    socket.setNoDelay(true);
    socket.once('connect', () => resolve(socket));
    socket.on('error', (error) => {
      socket.destroy();
      reject(error);
    });
  });
}
