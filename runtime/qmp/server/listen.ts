import { unlinkSync } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAbstract, isPossibleAbstract, LONGEST_ABSTRACT_NAME } from '../abstract/name.js';
import { LONGEST_SOCKET_PATH } from '../socket-path.js';
import type { StreamPair } from '../streams.js';
import { listenAt } from './listen-at.js';
import { ListenError, listenError } from './listen-error.js';
import { formatSocketPlace, parseSocketPlace, type SocketPlace } from './socket-place.js';

/**
 * Where a server takes clients:
 *
 * - `unix:PATH` or `{ path }`: a unix socket, for this user only
 * - `abstract:NAME`, or `{ path }` beginning with NUL: an abstract unix socket of Linux, for every user
 * - `tcp:HOST:PORT` or `{ port, host }`: TCP; without a host on the loopback interface, so that no other machine can connect
 * - `stdio`, or two streams: one client that is already there
 */
export type ListenAddress =
  | `unix:${string}`
  | `abstract:${string}`
  | `tcp:${string}`
  | 'stdio'
  | { readonly path: string }
  | { readonly port: number; readonly host?: string }
  | StreamPair;

/** A place where clients are taken. */
export interface Listener {
  /** Where it is, as a client would name it. With port 0 this tells the port that was chosen. */
  readonly address: string;
  /** Takes no more clients and removes the socket file. */
  close(): Promise<void>;
}

/**
 * Begins to take clients.
 *
 * @param accept called for every client
 * @throws ListenError when the address is malformed or not available
 */
export async function listen(address: ListenAddress, accept: (streams: StreamPair) => void): Promise<Listener> {
  const where = resolve(address);
  if ('readable' in where) {
    // The program may set up what its clients see first, as on a socket.
    setImmediate(() => accept(where));
    return { address: 'stdio', close: async () => {} };
  }
  // A client that has said all it wants still reads the answers: its connection is ended when they are out.
  const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    socket.setNoDelay(true);
    accept({ readable: socket, writable: socket });
  });
  if ('path' in where) return listenOnPath(server, where.path);
  await bind(server, { host: where.host ?? 'localhost', port: where.port });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : where.port;
  const place = formatSocketPlace({ host: where.host ?? 'localhost', port });
  return { address: place, close: () => closed(server) };
}

function resolve(address: ListenAddress): Exclude<ListenAddress, string> {
  if (typeof address !== 'string') return address;
  if (address === 'stdio') return { readable: process.stdin, writable: process.stdout };
  const place = parseSocketPlace(address);
  if (place !== undefined) return place;
  throw new ListenError(`Cannot listen on '${address}': expected unix:PATH, abstract:NAME, tcp:HOST:PORT or stdio`);
}

async function listenOnPath(server: Server, path: string): Promise<Listener> {
  await clearSocketPath(path);
  if (isAbstract(path)) {
    await bind(server, { path });
    return { address: formatSocketPlace({ path }), close: () => closed(server) };
  }
  // Only this user may connect, from the moment the file is there. Node.js makes it before `listen` returns.
  const mask = process.umask(0o177);
  const bound = bind(server, { path });
  process.umask(mask);
  await bound;
  const remove = (): void => {
    try {
      unlinkSync(path);
    } catch {
      // Another process was faster.
    }
  };
  process.once('exit', remove);
  return {
    address: `unix:${path}`,
    close: async () => {
      process.off('exit', remove);
      await closed(server);
    },
  };
}

/**
 * Sees to it that a socket can be made: removes one that an earlier process has left behind.
 *
 * @throws ListenError when something is in use there, or is no socket, or the path would be cut
 */
export async function clearSocketPath(path: string): Promise<void> {
  if (isAbstract(path)) {
    if (isPossibleAbstract(path)) return;
    throw new ListenError(
      `Cannot listen on '${formatSocketPlace({ path })}': an abstract name is one of Linux, with 1 to ${LONGEST_ABSTRACT_NAME} bytes, and no NUL among them`,
    );
  }
  // Node.js cuts it silently, and listens somewhere else.
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH || path.includes('\0')) {
    throw new ListenError(
      `Cannot listen on '${path}': expected at most ${LONGEST_SOCKET_PATH} bytes, and no NUL among them`,
    );
  }
  const found = await lstat(path).catch(() => undefined);
  if (!found) return;
  if (!found.isSocket()) throw new ListenError(`Cannot listen on '${path}': a file that is no socket is there`);
  if (await answers(path)) throw new ListenError(`Cannot listen on '${path}': another process listens there`);
  await unlink(path).catch(() => {});
}

/** Milliseconds for which the socket of a process that has ended may still take connections: io_uring lets go of it late. */
const lingering = 500;

/** Whether a process takes clients at a path. One that has only just ended does not. */
async function answers(path: string): Promise<boolean> {
  const end = Date.now() + lingering;
  for (;;) {
    const found = await probed(path, end - Date.now());
    if (found !== 'cut off' || Date.now() >= end) return found !== 'nothing';
    await sleep(20);
  }
}

/** Connects. `cut off`: the connection was ended without a word, as those are that nothing takes any more. */
function probed(path: string, patience: number): Promise<'server' | 'nothing' | 'cut off'> {
  return new Promise((settle) => {
    const probe = connect(path);
    const timer = setTimeout(() => probe.destroy(), patience);
    let outcome: 'server' | 'nothing' | 'cut off' = 'server';
    probe.once('data', () => probe.destroy());
    probe.once('end', () => {
      outcome = 'cut off';
      probe.destroy();
    });
    probe.once('error', ({ code }: NodeJS.ErrnoException) => {
      outcome = code === 'ECONNREFUSED' || code === 'ENOENT' ? 'nothing' : code === 'ECONNRESET' ? 'cut off' : 'server';
    });
    probe.once('close', () => {
      clearTimeout(timer);
      settle(outcome);
    });
  });
}

async function bind(server: Server, place: SocketPlace): Promise<void> {
  await listenAt(server, place).catch((error: unknown) => {
    throw listenError(error, place);
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((settle) => server.close(() => settle()));
}
