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

const HOST_AND_PORT = /^(?:tcp:)?(?:\[([\da-f:.]+)\]|([\w.-]*)):(\d+)$/i;

/** Finds out what kind of address it is. */
export function endpointOf(address: QmpAddress): Endpoint {
  if (typeof address === 'string') {
    const [, literal, host, port] = HOST_AND_PORT.exec(address) ?? [];
    return port === undefined
      ? socket({ path: address.replace(/^unix:/, '') })
      : socket({ host: literal ?? (host || 'localhost'), port: Number(port) });
  }
  if (typeof address === 'function')
    return { name: 'the peer', lasting: true, open: async () => pairOf(await address()) };
  if ('path' in address && typeof address.path === 'string' && !isStream(address))
    return socket({ path: address.path });
  if ('port' in address && !isStream(address)) return socket({ host: 'localhost', ...address } as NetConnectOpts);
  return { name: 'the peer', lasting: false, open: async () => pairOf(address as Streams) };
}

const isStream = (value: object): value is Readable & Writable => 'pipe' in value && 'write' in value;

type Streams = StreamPair | (Readable & Writable) | MonitorProcess;

function pairOf(streams: Streams): StreamPair {
  if (isStream(streams)) return { readable: streams, writable: streams };
  if ('readable' in streams && 'writable' in streams) return streams;
  const { stdin, stdout } = streams as MonitorProcess;
  if (stdin && stdout) return { readable: stdout, writable: stdin };
  throw new TypeError("a process that is to speak QMP must be spawned with 'pipe' for its standard input and output");
}

function socket(where: NetConnectOpts): Endpoint {
  const name = 'path' in where ? where.path : `${where.host}:${where.port}`;
  return {
    name,
    lasting: true,
    open: (signal) =>
      new Promise((resolve, reject) => {
        const stream = connect(where);
        const abort = (): void => void stream.destroy(signal.reason);
        signal.addEventListener('abort', abort);
        stream.once('error', (cause) => {
          signal.removeEventListener('abort', abort);
          reject(signal.aborted ? signal.reason : new QmpConnectionError(refusal(name, cause), { cause }));
        });
        stream.once('connect', () => {
          signal.removeEventListener('abort', abort);
          stream.removeAllListeners('error');
          stream.setNoDelay();
          resolve({ readable: stream, writable: stream });
        });
      }),
  };
}

/** Why a socket could not be opened, and what to do about it. */
function refusal(name: string, cause: NodeJS.ErrnoException): string {
  const hint = HINTS[cause.code ?? ''];
  return `cannot connect to ${name}: ${hint ?? cause.message}`;
}

const HINTS: Record<string, string> = {
  ENOENT: 'there is no such socket; has the program been started with a QMP monitor there?',
  ECONNREFUSED: 'nobody listens there; has the program ended?',
  EACCES: 'this user may not open the socket',
};
