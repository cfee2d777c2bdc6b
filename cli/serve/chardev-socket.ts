import { abstractPath } from '../../runtime/qmp/abstract/name.js';
import { LONGEST_DELAY } from '../../runtime/qmp/deadline.js';
import { familyOf, type InetFamily } from '../../runtime/qmp/server/inet-place.js';
import { OptionError } from '../../runtime/visit/option-error.js';
import { readBoolean, readUnsigned } from '../../runtime/visit/scalar-text.js';

/** A socket that the parent process has opened, and passed on under this number: one that listens, or one that is connected. */
interface PassedSocket {
  readonly fd: number;
}

/** A TCP address, or, of a server, some: it takes the first port that is free. */
export interface InetRange {
  readonly host: string;
  readonly port: number;
  /** The last port. */
  readonly to: number;
  readonly family: InetFamily;
}

/** A socket, as server or as client. */
export interface SocketChardev {
  /** A path that begins with NUL is an abstract name. */
  readonly place: { readonly path: string } | InetRange | PassedSocket;
  readonly server: boolean;
  /** Of a server: it negotiates the options of telnet, and takes them out of what the client sends. */
  readonly telnet: boolean;
  /** Of a server: starting waits for the first client. */
  readonly wait: boolean;
  /** Of a client: milliseconds after which it connects again. Absent: never. */
  readonly reconnect: number | undefined;
  /** Id of the object with the TLS credentials. Absent: no TLS. */
  readonly tlsCreds: string | undefined;
  /** Id of the object that says which clients get in. */
  readonly tlsAuthz: string | undefined;
}

/** What QEMU has and this server has not: refused unless it is off. */
const absent = ['tn3270', 'websocket'];

/**
 * Reads what a `--chardev` of the kind `socket` says.
 *
 * @param given its keys, which have values of their types
 * @throws OptionError that says what is wrong
 */
export function readSocketChardev(given: ReadonlyMap<string, string>): SocketChardev {
  for (const key of absent) {
    const value = given.get(key);
    if (value !== undefined && value !== 'off') throw new OptionError(`'${key}' is not available in this server`, key);
  }
  const flag = (key: string) => readFlag(given, key);
  if (given.has('delay') && given.has('nodelay')) {
    throw new OptionError("'delay' and 'nodelay' are mutually exclusive", 'nodelay');
  }
  if (['path', 'fd', 'host'].filter((key) => given.has(key)).length > 1) {
    throw new OptionError("None or one of 'path', 'fd' or 'host' option required.", 'path');
  }
  const server = flag('server') ?? false;
  const wait = flag('wait');
  const pauseKey = given.has('reconnect-ms') ? 'reconnect-ms' : 'reconnect';
  const pause = given.get(pauseKey);
  const unit = pauseKey === 'reconnect-ms' ? 1 : 1000;
  if (!server && wait !== undefined) {
    throw new OptionError("'wait' option is incompatible with socket in client connect mode", 'wait');
  }
  if (given.has('fd') && pause !== undefined) {
    throw new OptionError(`'${pauseKey}' option is incompatible with 'fd'`, pauseKey);
  }
  if (server && pause !== undefined) {
    throw new OptionError(`'${pauseKey}' option is incompatible with socket in server listen mode`, pauseKey);
  }
  const milliseconds = pause === undefined ? 0 : Math.min(Number(readUnsigned(pause)) * unit, LONGEST_DELAY);
  return {
    place: readPlace(given, server),
    server,
    telnet: server && (flag('telnet') ?? false),
    wait: server && (wait ?? true),
    reconnect: milliseconds === 0 ? undefined : milliseconds,
    tlsCreds: given.get('tls-creds'),
    tlsAuthz: given.get('tls-authz'),
  };
}

function readFlag(given: ReadonlyMap<string, string>, key: string): boolean | undefined {
  const value = given.get(key);
  return value === undefined ? undefined : readBoolean(value);
}

function readPlace(given: ReadonlyMap<string, string>, server: boolean): SocketChardev['place'] {
  const flag = (key: string) => readFlag(given, key);
  const fd = given.get('fd');
  if (fd !== undefined) {
    if (!/^\d{1,9}$/.test(fd)) throw new OptionError(`'${fd}' is not the number of a file descriptor`, 'fd');
    return { fd: Number(fd) };
  }
  const path = given.get('path');
  if (path !== undefined) return { path: flag('abstract') ? abstractPath(path, flag('tight')) : path };
  const host = given.get('host');
  const port = given.get('port');
  if (port === undefined) {
    throw new OptionError(
      host === undefined
        ? "chardev: socket: give 'path', or 'host' and 'port', or 'fd'"
        : 'chardev: socket: no port given',
    );
  }
  const first = readPort(port, 'port');
  const family = familyOf(flag('ipv4'), flag('ipv6'));
  if (family === 'none') throw new OptionError('Cannot disable IPv4 and IPv6 at same time', 'ipv6');
  const end = given.get('to');
  if (end !== undefined && !server) throw new OptionError("'to' goes with a socket that listens", 'to');
  const last = end === undefined ? first : readPort(end, 'to');
  if (last < first) throw new OptionError(`the last port, ${last}, is below the first, ${first}`, 'to');
  const loopback = family === undefined ? 'localhost' : family === 6 ? '::1' : '127.0.0.1';
  return { host: host === undefined || host === '' ? loopback : host, port: first, to: last, family };
}

function readPort(text: string, key: string): number {
  if (/^\d+$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new OptionError(`'${text}' is not a TCP port`, key);
}
