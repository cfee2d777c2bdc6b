import { isAbstract } from '../../../qmp/abstract/name.js';
import { formatSocketPlace } from '../../../qmp/server/socket-place.js';
import { type BlockError, invalid } from '../../error.js';

/** Where an NBD server listens. A path that begins with NUL is an abstract name. */
export type NbdPlace =
  | { readonly path: string }
  | {
      /** A socket that is connected to it already, which was passed to this process. */
      readonly fd: number;
    }
  | {
      readonly host: string;
      readonly port: number;
      /** The only version of IP that may be used. */
      readonly family?: 4 | 6;
    };

/** What a file name says. */
export interface NamedExport {
  readonly place: NbdPlace;
  /** The name of the export. Absent: the name does not say. */
  readonly export?: string;
}

/** The port that belongs to the protocol. */
export const defaultPort = 10809;

/**
 * Reads a file name: `nbd:HOST:PORT[:exportname=EXPORT]`, `nbd:unix:PATH[:exportname=EXPORT]`, `nbd://HOST[:PORT][/EXPORT]` or
 * `nbd+unix:///[EXPORT]?socket=PATH`.
 *
 * @throws BlockError when it is none of these
 */
export function parseNbdName(name: string): NamedExport {
  return /^nbd(\+tcp|\+unix)?:\/\//.test(name) ? parseUri(name) : parsePlain(name);
}

function parseUri(name: string): NamedExport {
  const [, scheme = '', authority = '', path = '', query] =
    /^([^:]+):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?$/.exec(name) ?? [];
  const text = decoded(path.replace(/^\/+/, ''), name);
  const named = text === '' ? {} : { export: text };
  if (scheme !== 'nbd+unix') {
    if (authority === '' || query !== undefined) throw malformed(name);
    return { place: parseAuthority(authority, name), ...named };
  }
  const [, socket = ''] = /^socket=([^&]*)$/.exec(query ?? '') ?? [];
  if (authority !== '' || socket === '') throw malformed(name);
  return { place: { path: decoded(socket, name) }, ...named };
}

function parseAuthority(authority: string, name: string): NbdPlace {
  const [, six, host = six ?? '', port] = /^(?:\[([^\]]+)\]|([^:@]+))(?::(\d*))?$/.exec(authority) ?? [];
  if (host === '') throw malformed(name);
  return { host: decoded(host, name), port: port === undefined || port === '' ? defaultPort : parsePort(port) };
}

function parsePlain(name: string): NamedExport {
  // What is behind it, colons included, is the name of the export.
  const [, server = '', exported] = /^nbd:(.*?)(?::exportname=(.*))?$/s.exec(name) ?? [];
  const named = exported === undefined ? {} : { export: exported };
  const [, path] = /^unix:(.+)$/s.exec(server) ?? [];
  if (path !== undefined) return { place: { path }, ...named };
  const [, six, host = six ?? '', port = ''] = /^(?:\[([^\]]+)\]|([^:]*)):([^:]+)$/.exec(server) ?? [];
  if (port === '') throw malformed(name);
  return { place: { host: host === '' ? 'localhost' : host, port: parsePort(port) }, ...named };
}

/** A TCP port. @throws BlockError when it is none */
export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port > 0 && port <= 65535) return port;
  throw invalid(`'${text}' is not a TCP port: 1 to 65535`);
}

/** A place as messages name it. */
export function describePlace(place: NbdPlace): string {
  if ('fd' in place) return `fd:${place.fd}`;
  if ('path' in place) return isAbstract(place.path) ? formatSocketPlace(place) : place.path;
  return authorityOf(place);
}

/** A file name for an export. It may have characters that make it another one's. */
export function plainName(place: Exclude<NbdPlace, { readonly fd: number }>, exportName: string): string {
  const path = exportName === '' ? '' : `/${exportName}`;
  return 'path' in place ? `nbd+unix://${path}?socket=${place.path}` : `nbd://${authorityOf(place)}${path}`;
}

function authorityOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function decoded(text: string, name: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`'${name}' is not percent-encoded as it must be`);
  }
}

function malformed(name: string): BlockError {
  return invalid(
    `'${name}' names no NBD server: write nbd:HOST:PORT:exportname=EXPORT, nbd:unix:PATH:exportname=EXPORT, ` +
      'nbd://HOST:PORT/EXPORT or nbd+unix:///EXPORT?socket=PATH',
  );
}
