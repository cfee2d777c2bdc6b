import { OptionError } from '../../visit/option-error.js';

/** Where a server listens: a unix socket, or TCP. */
export type SocketPlace = { readonly path: string } | { readonly host: string; readonly port: number };

const tcp = /^tcp:(?:\[([\da-f:.]+)\]|([\w.-]*)):(\d{1,5})$/i;

/**
 * Reads `unix:PATH` or `tcp:HOST:PORT`. Without a host it is the loopback interface, which no other machine reaches.
 *
 * @throws OptionError when it is neither
 */
export function readSocketPlace(text: string): SocketPlace {
  if (text.startsWith('unix:') && text.length > 'unix:'.length) return { path: text.slice('unix:'.length) };
  const [, literal, name, port] = tcp.exec(text) ?? [];
  if (port === undefined || Number(port) > 0xffff) {
    throw new OptionError(`'${text}' is no address: write unix:PATH or tcp:HOST:PORT`);
  }
  return { host: literal ?? (name || 'localhost'), port: Number(port) };
}

/** An address as {@link readSocketPlace} reads it. */
export function formatSocketPlace(place: SocketPlace): string {
  if ('path' in place) return `unix:${place.path}`;
  return `tcp:${place.host.includes(':') ? `[${place.host}]` : place.host}:${place.port}`;
}
