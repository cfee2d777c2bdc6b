import { connect, type NetConnectOpts, Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { abstractName, abstractPath, needsSystemCalls } from './abstract/name.js';
import { explain } from './explain.js';
import { QmpConnectionError } from './failure.js';
import { type MonitorProcess, nameOf, streamsOf } from './monitor-process.js';
import { isPossible, LONGEST_SOCKET_PATH, type SocketPlace } from './socket-path.js';
import type { OpenedStreams, StreamPair } from './streams.js';

/** What is open, or opens with it: a duplex stream, two streams, or a process that speaks QMP on its standard input and output. */
type Streams = StreamPair | (Readable & Writable) | MonitorProcess;

/**
 * Where a QMP server is:
 *
 * - a string: the path of a unix socket, or `host:port`; `unix:` and `tcp:` before it leave no doubt; `abstract:NAME` for an abstract
 *   socket of Linux
 * - `{ path }` or `{ host, port }`; with `abstract`, the path is the name of an abstract socket, and with `tight: false` such a one as
 *   fills the address with NULs
 * - a duplex stream, two streams, or a child process that speaks QMP on its standard input and output
 * - a function that opens one of these each time it is called; the signal it is given is aborted when the client gives up
 */
export type QmpAddress =
  | string
  | { readonly path: string; readonly abstract?: boolean; readonly tight?: boolean }
  | { readonly host?: string; readonly port: number }
  | (Readable & Writable)
  | StreamPair
  | MonitorProcess
  | ((signal: AbortSignal) => Streams | Promise<Streams>);

/** An address that can be opened, and what to call it in messages. */
export interface Endpoint {
  readonly name: string;
  /** Whether it can be opened again. */
  readonly lasting: boolean;
  /** Opens a connection. */
  open(signal: AbortSignal): Promise<OpenedStreams>;
}

const HOST_AND_PORT = /^(?!unix:)(?:tcp:)?\[?([\w.:-]*?)\]?:(\d+)$/;

/** Finds out what kind of address it is. */
export function endpointOf(address: QmpAddress): Endpoint {
  if (typeof address === 'string') {
    const [, host, port] = HOST_AND_PORT.exec(address) ?? [];
    if (port) return socket({ host, port: Number(port) });
    const [, abstract] = /^abstract:(.*)$/s.exec(address) ?? [];
    return socket({ path: abstract === undefined ? address.replace(/^unix:/, '') : abstractPath(abstract) });
  }
  if (typeof address === 'function') {
    return { name: 'the peer', lasting: true, open: async (signal) => opened(await address(signal)) };
  }
  if (!('write' in address) && 'path' in address) {
    const { path, abstract, tight } = address;
    return socket({ path: abstract ? abstractPath(path, tight) : path });
  }
  if (!('write' in address) && 'port' in address) return socket(address);
  const name = 'stdin' in address ? nameOf(address) : 'the peer';
  return { name, lasting: false, open: async () => opened(address as Streams) };
}

function opened(streams: Streams): OpenedStreams {
  if ('write' in streams) return { readable: streams, writable: streams };
  return 'stdin' in streams ? streamsOf(streams) : streams;
}

function nameOfPath(path: string): string {
  const abstract = abstractName(path);
  return abstract ? `abstract:${abstract.name}` : path;
}

/** Opens a socket that Node.js does not get to. What does so is loaded then. */
async function systemSocket(path: string): Promise<Socket> {
  const { connectBySystem } = await import('./abstract/system-calls.js');
  return new Socket({ fd: connectBySystem(path) });
}

function socket(where: SocketPlace): Endpoint {
  const name = 'path' in where ? nameOfPath(where.path) : `${where.host || 'localhost'}:${where.port}`;
  return {
    name,
    lasting: true,
    open: (signal) =>
      new Promise((resolve, reject) => {
        const fail = async (error?: Error): Promise<void> => {
          const why = await explain(({ explainFailure }) => explainFailure(where, LONGEST_SOCKET_PATH, error));
          const message = `cannot connect to ${name}: ${why ?? error?.message ?? 'this is no address'}`;
          reject(new QmpConnectionError(message, error && { cause: error }));
        };
        if (!isPossible(where)) {
          fail();
          return;
        }
        if ('path' in where && needsSystemCalls(where.path)) {
          systemSocket(where.path).then((stream) => resolve({ readable: stream, writable: stream }), fail);
          return;
        }
        const stream = connect(where as NetConnectOpts, () => resolve({ readable: stream, writable: stream }));
        stream.setNoDelay().once('error', fail);
        signal.addEventListener('abort', () => {
          if (!stream.connecting) return;
          stream.destroy();
          reject(signal.reason);
        });
      }),
  };
}
