import { OptionError } from '../../runtime/visit/option-error.js';
import { type OptsType, parseOpts } from '../../runtime/visit/opts-text.js';
import { readBoolean, readSize } from '../../runtime/visit/scalar-text.js';
import { readSocketChardev, type SocketChardev } from './chardev-socket.js';

/** A character device: what a monitor is connected by. */
export type ChardevConfig = { readonly id: string } & (
  | { readonly backend: 'stdio' | 'null' }
  | FileChardev
  | { readonly backend: 'pipe'; readonly path: string }
  | (SocketChardev & { readonly backend: 'socket' })
);

/** A file that output goes to, and perhaps one that input comes from. */
export interface FileChardev {
  readonly backend: 'file';
  readonly path: string;
  /** What is in the file stays. */
  readonly append: boolean;
  readonly inputPath: string | undefined;
}

/** The keys of QEMU's `-chardev` for the kinds that its storage daemon has. */
export const chardevKeys: { readonly [key: string]: OptsType } = {
  backend: 'string',
  path: 'string',
  'input-path': 'string',
  append: 'bool',
  host: 'string',
  port: 'string',
  localaddr: 'string',
  localport: 'string',
  to: 'number',
  ipv4: 'bool',
  ipv6: 'bool',
  wait: 'bool',
  server: 'bool',
  delay: 'bool',
  nodelay: 'bool',
  reconnect: 'number',
  'reconnect-ms': 'number',
  telnet: 'bool',
  tn3270: 'bool',
  websocket: 'bool',
  mux: 'bool',
  signal: 'bool',
  logfile: 'string',
  logappend: 'bool',
  logtimestamp: 'bool',
  'tls-creds': 'string',
  'tls-authz': 'string',
  abstract: 'bool',
  tight: 'bool',
  fd: 'string',
  chardev: 'string',
  size: 'size',
  rows: 'number',
  cols: 'number',
  width: 'number',
  height: 'number',
  name: 'string',
  debug: 'number',
  mouse: 'bool',
  clipboard: 'bool',
  encoding: 'string',
};

/** The kinds that there are here, in the order in which help lists them. */
export const chardevKinds = ['file', 'memory', 'null', 'pipe', 'ringbuf', 'socket', 'stdio'] as const;

/** What the storage daemon has beside. */
const notHere = ['hub', 'mux', 'parallel', 'pty', 'serial', 'udp'];

/** What QEMU has for all kinds and this server has not: refused unless it is off. */
const absent = ['mux', 'logfile'];

/**
 * Reads a `--chardev`: `socket,id=ID,path=PATH,server=on,wait=off`, `stdio,id=ID`, `file,id=ID,path=PATH` and so on.
 *
 * @throws OptionError that says what is wrong
 */
export function readChardev(text: string): ChardevConfig {
  const opts = parseOpts(text, { name: 'chardev', impliedKey: 'backend', keys: chardevKeys });
  const { id } = opts;
  const given = new Map(opts.entries);
  const backend = given.get('backend');
  if (id === undefined) throw new OptionError('chardev: no id specified', 'id');
  if (backend === undefined) throw new OptionError(`chardev: "${id}" missing backend`, 'backend');
  if (notHere.includes(backend)) {
    throw new OptionError(
      `'${backend}' is not available in this server: there are ${chardevKinds.join(', ')}`,
      'backend',
    );
  }
  for (const key of absent) {
    const value = given.get(key);
    if (value !== undefined && value !== 'off') throw new OptionError(`'${key}' is not available in this server`, key);
  }
  switch (backend) {
    case 'socket':
      return { id, backend, ...readSocketChardev(given) };
    case 'stdio':
    case 'null':
      return { id, backend };
    case 'memory':
    case 'ringbuf':
      checkRing(given.get('size'));
      // Of what is written there only the HMP of the emulator reads something.
      return { id, backend: 'null' };
    case 'pipe':
      return { id, backend, path: expectPath(given, 'chardev: pipe: no device path given') };
    case 'file':
      return {
        id,
        backend,
        path: expectPath(given, 'chardev: file: no filename given'),
        append: readBoolean(given.get('append') ?? 'off') ?? false,
        inputPath: given.get('input-path'),
      };
    default:
      throw new OptionError(
        `'${backend}' is not a valid char driver name: there are ${chardevKinds.join(', ')}`,
        'backend',
      );
  }
}

function expectPath(given: ReadonlyMap<string, string>, missing: string): string {
  const path = given.get('path');
  if (path === undefined) throw new OptionError(missing, 'path');
  return path;
}

function checkRing(text: string | undefined): void {
  if (text === undefined) return;
  const size = readSize(text) ?? 0n;
  if ((size & (size - 1n)) !== 0n) {
    throw new OptionError('size of ringbuf chardev must be power of two', 'size');
  }
}
