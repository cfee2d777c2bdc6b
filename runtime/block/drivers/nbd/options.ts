import { abstractName, abstractPath, isAbstract } from '../../../qmp/abstract/name.js';
import { familyOf } from '../../../qmp/server/inet-place.js';
import type { BlockHost } from '../../driver.js';
import { BlockError, invalid } from '../../error.js';
import { longestName } from '../../nbd/protocol.js';
import type { BlockOptions } from '../../options.js';
import { defaultPort, type NamedExport, type NbdPlace, parseNbdName, parsePort, plainName } from './names.js';

/** What is connected to, and how. */
export interface NbdOptions {
  readonly place: NbdPlace;
  readonly exportName: string;
  /** The metadata context that block status comes from, where it is not the usual one. */
  readonly context: string | undefined;
  /** TLS with the server: the id of the object that has the credentials, and what the server's certificate must be for. */
  readonly tls: { readonly credentials: string; readonly hostname: string | undefined } | undefined;
  /** Nanoseconds that requests wait for a server that has gone. */
  readonly reconnectDelay: number;
  /** Nanoseconds in which opening tries again to reach a server. */
  readonly openTimeout: number;
  /** The options that decide what is read, as queries show them. */
  readonly shown: { readonly [key: string]: string | number | boolean };
  /** The file name that means the same; absent where none does. */
  readonly exactFilename: string | undefined;
}

const longestDelay = 2 ** 32 - 1;

/**
 * Takes the options of a node: `server` (or `filename`, or `path`, or `host` and `port`), `export`, `reconnect-delay` and
 * `open-timeout` in seconds, `x-dirty-bitmap`.
 *
 * @throws BlockError when one makes no sense
 */
export function takeNbdOptions(options: BlockOptions, host: Pick<BlockHost, 'passedSocket'>): NbdOptions {
  const filename = options.takeString('filename');
  const named = takePlace(filename, options, host);
  const { place } = named;
  const given = options.takeString('export');
  if (given !== undefined && named.export !== undefined) {
    throw invalid("The export is named twice: in the file name and by the option 'export'");
  }
  const exportName = given ?? named.export ?? '';
  if (Buffer.byteLength(exportName) > longestName) {
    throw invalid(`The name of the export has more than ${longestName} bytes, which no server could be sent`);
  }
  const credentials = options.takeString('tls-creds');
  // It is about certificates, which there are none of without TLS.
  const givenHostname = options.takeString('tls-hostname');
  const hostname = givenHostname ?? ('host' in place ? place.host : undefined);
  const seconds = { least: 0, most: longestDelay };
  const reconnectDelay = options.takeInteger('reconnect-delay', seconds) ?? 0;
  const openTimeout = options.takeInteger('open-timeout', seconds) ?? 0;
  const context = options.takeString('x-dirty-bitmap');
  if (context !== undefined && Buffer.byteLength(context) > longestName) {
    throw invalid(`'x-dirty-bitmap' has more than ${longestName} bytes, which no server could be sent`);
  }
  return {
    place,
    exportName,
    context,
    tls: credentials === undefined ? undefined : { credentials, hostname },
    reconnectDelay: reconnectDelay * 1e9,
    openTimeout: openTimeout * 1e9,
    shown: {
      ...(filename === undefined ? shownPlace(place) : {}),
      ...(exportName === '' || named.export !== undefined ? {} : { export: exportName }),
      ...(context === undefined ? {} : { 'x-dirty-bitmap': context }),
      ...(credentials === undefined ? {} : { 'tls-creds': credentials }),
      ...(credentials === undefined || givenHostname === undefined ? {} : { 'tls-hostname': givenHostname }),
    },
    exactFilename: context === undefined ? exactName(place, exportName) : undefined,
  };
}

function takePlace(
  filename: string | undefined,
  options: BlockOptions,
  host: Pick<BlockHost, 'passedSocket'>,
): NamedExport {
  const server = options.takeUnder('server');
  const old = {
    path: options.takeString('path'),
    host: options.takeString('host'),
    port: options.takeString('port'),
  };
  const ways = [filename !== undefined, server.size > 0, old.path !== undefined, old.host !== undefined];
  const count = ways.filter(Boolean).length;
  if (count > 1) {
    throw invalid("The NBD server is named twice: give a file name, or 'server', or 'path', or 'host' and 'port'");
  }
  if (old.port !== undefined && old.host === undefined) throw invalid("Option 'port' needs a 'host'");
  if (filename !== undefined) {
    const named = parseNbdName(filename);
    if ('path' in named.place) expectPath(named.place.path);
    return named;
  }
  if (server.size > 0) return { place: takeServer(server, host) };
  if (old.path !== undefined) return { place: { path: expectPath(old.path) } };
  if (old.host === undefined) throw invalid("Driver 'nbd' needs the address of a server as option 'server'");
  return { place: inetPlace(old.host, old.port) };
}

/** An address as the schema has it. */
function takeServer(server: BlockOptions, host: Pick<BlockHost, 'passedSocket'>): NbdPlace {
  const type = server.takeEnum('type', ['inet', 'unix', 'fd'] as const);
  if (type === undefined) throw invalid("Option 'server.type' is missing: give inet or unix");
  let place: NbdPlace;
  if (type === 'fd') {
    const name = server.takeString('str') ?? '';
    const fd = host.passedSocket?.(name);
    if (fd === undefined) {
      throw invalid(`The file descriptor '${name}' was not given to this server: use inet or unix`);
    }
    place = { fd };
  } else if (type === 'unix') {
    const path = expectPath(server.takeString('path'));
    const [abstract, tight] = [server.takeBoolean('abstract'), server.takeBoolean('tight')];
    place = { path: abstract ? abstractPath(path, tight) : path };
  } else {
    const host = server.takeString('host');
    const port = server.takeString('port');
    if (host === undefined || port === undefined) throw invalid("Options 'server.host' and 'server.port' are needed");
    takeKeptAlive(server);
    place = inetPlace(host, port, { ipv4: server.takeBoolean('ipv4'), ipv6: server.takeBoolean('ipv6') });
  }
  const [unknown] = server.keys();
  if (unknown !== undefined) throw invalid(`Option 'server.${unknown}' does not go with a server that is connected to`);
  return place;
}

/** What says how often an idle connection is checked: this one always is, every half minute. */
function takeKeptAlive(server: BlockOptions): void {
  server.takeBoolean('keep-alive');
  for (const key of ['keep-alive-count', 'keep-alive-idle', 'keep-alive-interval'])
    server.takeInteger(key, { least: 0 });
  if (server.takeBoolean('mptcp')) throw invalid('There is no multipath TCP here: leave out mptcp');
}

function expectPath(path: string | undefined): string {
  if (path === undefined || path === '') throw invalid("Option 'server.path' is missing: the path of the socket");
  if (path.includes('\0')) throw invalid('The path of the socket has a NUL in it');
  return path;
}

function inetPlace(
  host: string,
  port: string | undefined,
  { ipv4, ipv6 }: { ipv4?: boolean | undefined; ipv6?: boolean | undefined } = {},
): NbdPlace {
  const only = familyOf(ipv4, ipv6);
  if (only === 'none') throw invalid('Cannot disable IPv4 and IPv6 at same time');
  return {
    host: host === '' ? 'localhost' : host,
    port: port === undefined ? defaultPort : parsePort(port),
    ...(only === undefined ? {} : { family: only }),
  };
}

function shownPlace(place: NbdPlace): { [key: string]: string | boolean } {
  if ('fd' in place) return { 'server.type': 'fd', 'server.str': `${place.fd}` };
  if ('path' in place) {
    const abstract = abstractName(place.path);
    if (abstract === undefined) return { 'server.type': 'unix', 'server.path': place.path };
    const { name, tight } = abstract;
    return {
      'server.type': 'unix',
      'server.path': name,
      'server.abstract': true,
      ...(tight ? {} : { 'server.tight': false }),
    };
  }
  const { host, port, family } = place;
  return {
    'server.type': 'inet',
    'server.host': host,
    'server.port': `${port}`,
    ...(family === undefined ? {} : { [`server.ipv${family}`]: true }),
  };
}

/** A plain name, if it leads to the same export when it is read again. */
function exactName(place: NbdPlace, exportName: string): string | undefined {
  if ('fd' in place || ('path' in place && isAbstract(place.path))) return undefined;
  const name = plainName(place, exportName);
  try {
    const again = parseNbdName(name);
    return JSON.stringify(again.place) === JSON.stringify(place) && (again.export ?? '') === exportName
      ? name
      : undefined;
  } catch (error) {
    if (error instanceof BlockError) return undefined;
    throw error;
  }
}
