import { isAbstract, isPossibleAbstract } from './abstract/name.js';

/** A socket that a client connects to. A path that begins with NUL is an abstract name. */
export type SocketPlace = { readonly path: string } | { readonly host?: string | undefined; readonly port: number };

const LONGEST: Partial<Record<NodeJS.Platform, number>> = { linux: 107, win32: Infinity };

/**
 * The longest path of a unix socket, in bytes, on the system that runs. Node.js cuts a longer one silently, and uses another socket.
 * Windows has named pipes instead, which may be longer.
 */
export const LONGEST_SOCKET_PATH = LONGEST[process.platform] ?? 103;

/** Whether a socket can be there at all. */
export function isPossible(place: SocketPlace): boolean {
  if (!('path' in place)) return Number.isInteger(place.port) && place.port > 0 && place.port < 65_536;
  const { path } = place;
  if (isAbstract(path)) return isPossibleAbstract(path);
  return path !== '' && !path.includes('\0') && Buffer.byteLength(path) <= LONGEST_SOCKET_PATH;
}
