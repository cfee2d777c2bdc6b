import { connect, type NetConnectOpts } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { QmpConnectionError } from './failure.js';

/** A pair of streams: a socket or other duplex is one, and so are the `stdout` and `stdin` of a process. */
export interface StreamPair {
  readonly readable: Readable;
  readonly writable: Writable;
}

/** A process whose standard input and output are a monitor (`-qmp stdio`). */
export interface MonitorProcess {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
}

/**
 * Where a QMP server is:
 *
 * - a string: the path of a unix socket, or `host:port`; `unix:` and `tcp:` before it leave no doubt
 * - `{ path }` or `{ host, port }`
 * - a duplex stream, two streams, or a child process that speaks QMP on its standard input and output
 * - a function that opens a new connection each time it is called
 */
export type QmpAddress =
  | string
  | { readonly path: string }
  | { readonly host?: string; readonly port: number }
  | (Readable & Writable)
  | StreamPair
  | MonitorProcess
  | (() => StreamPair | (Readable & Writable) | Promise<StreamPair | (Readable & Writable)>);

/** An address that can be opened, and what to call it in messages. */
export interface Endpoint {
  readonly name: string;
  /** Whether it can be opened again. */
  readonly lasting: boolean;
  /** Opens a connection. */
  open(signal: AbortSignal): Promise<StreamPair>;
}

const HOST_AND_PORT = /^(?!unix:)(?:tcp:)?\[?([\w.:-]*?)\]?:(\d+)$/;

/** Finds out what kind of address it is. */
export function endpointOf(address: QmpAddress): Endpoint {
  if (typeof address === 'string') {
    const [, host, port] = HOST_AND_PORT.exec(address) ?? [];
    return socket(port ? { host, port: Number(port) } : { path: address.replace(/^unix:/, '') });
  }
  if (typeof address === 'object' && !('write' in address) && ('path' in address || 'port' in address))
    return socket(address);
  const lasting = typeof address === 'function';
  return { name: 'the peer', lasting, open: async () => pairOf(await (lasting ? address() : (address as Streams))) };
}

type Streams = StreamPair | (Readable & Writable) | MonitorProcess;

function pairOf(streams: Streams): StreamPair {
  if ('write' in streams) return { readable: streams, writable: streams };
  if ('writable' in streams) return streams;
  const { stdin, stdout } = streams;
  if (stdin && stdout) return { readable: stdout, writable: stdin };
  throw new TypeError("a process that speaks QMP must be spawned with 'pipe' for stdin and stdout");
}

function socket(
  where: { readonly path: string } | { readonly host?: string | undefined; readonly port: number },
): Endpoint {
  const name = 'path' in where ? where.path : `${where.host || 'localhost'}:${where.port}`;
  return {
    name,
    lasting: true,
    open: (signal) =>
      new Promise((resolve, reject) => {
        const stream = connect(where as NetConnectOpts, () => {
          resolve({ readable: stream, writable: stream });
        });
        const fail = (cause: NodeJS.ErrnoException): void => {
          const why =
            cause.code === 'ENOENT' ? 'no such socket; does the program run, with a QMP monitor there?' : cause.message;
          reject(new QmpConnectionError(`cannot connect to ${name}: ${why}`, { cause }));
        };
        stream.setNoDelay().once('error', fail);
        signal.addEventListener('abort', () => {
          if (!stream.connecting) return;
          stream.destroy();
          reject(signal.reason);
        });
      }),
  };
}
