import { abstractName, abstractPath } from '../abstract/name.js';

/** Where a server listens: a unix socket, or TCP. A path that begins with NUL is an abstract name. */
export type SocketPlace = { readonly path: string } | { readonly host: string; readonly port: number };

const tcp = /^tcp:(?:\[([\da-f:.]+)\]|([\w.-]*)):(\d{1,5})$/i;

/**
 * Reads `unix:PATH`, `abstract:NAME` or `tcp:HOST:PORT`. Without a host it is the loopback interface, which no other machine reaches.
 *
 * @returns nothing when the text is none of these
 */
export function parseSocketPlace(text: string): SocketPlace | undefined {
  if (text.startsWith('unix:') && text.length > 'unix:'.length) return { path: text.slice('unix:'.length) };
  const [, abstract, loose] = /^abstract:(.+?)(,tight=off)?$/s.exec(text) ?? [];
  if (abstract !== undefined) return { path: abstractPath(abstract, loose === undefined) };
  const [, literal, name, port] = tcp.exec(text) ?? [];
  if (port === undefined || Number(port) > 0xffff) return undefined;
  return { host: literal ?? (name || 'localhost'), port: Number(port) };
}

/** A place as {@link parseSocketPlace} reads it. */
export function formatSocketPlace(place: SocketPlace): string {
  if ('path' in place) {
    const abstract = abstractName(place.path);
    if (abstract === undefined) return `unix:${place.path}`;
    return `abstract:${abstract.name}${abstract.tight ? '' : ',tight=off'}`;
  }
  return `tcp:${place.host.includes(':') ? `[${place.host}]` : place.host}:${place.port}`;
}
