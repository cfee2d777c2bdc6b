import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { isAbstract } from '../abstract/name.js';
import { formatSocketPlace, type SocketPlace } from './socket-place.js';

/** The address cannot be listened on. The message says why, and what to do. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/**
 * Says why an address cannot be listened on: first in QEMU's words, which are the system's.
 *
 * @param error what the system has reported
 */
export function listenError(error: unknown, place: SocketPlace): ListenError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const path = 'path' in place && !isAbstract(place.path) ? place.path : undefined;
  // Node.js calls a missing folder a want of permission.
  const missing = path !== undefined && code === 'EACCES' && !existsSync(dirname(path));
  if (path === '')
    return new ListenError('Cannot listen at an empty path: name a file for the socket', { cause: error });
  if ('host' in place && code === 'ENOTFOUND') {
    const name = `${place.host}:${place.port}`;
    return new ListenError(`address resolution failed for ${name}: Name or service not known`, { cause: error });
  }
  const reason = reasons[missing ? 'ENOENT' : code] ?? [message];
  const where = path ?? formatSocketPlace(place);
  const failed =
    'path' in place
      ? `Failed to bind socket to ${where}`
      : code === 'EADDRINUSE'
        ? 'Failed to find an available port'
        : 'Failed to bind socket';
  const ours = 'path' in place ? reason.slice(1) : [where, ...reason.slice(1)];
  return new ListenError([`${failed}: ${reason[0]}`, ...ours].join(': '), { cause: error });
}

/** The system's words, and what they mean here. */
const reasons: Readonly<Record<string, readonly string[]>> = {
  EADDRINUSE: ['Address already in use'],
  EACCES: ['Permission denied', 'this user may not create it'],
  ENOENT: ['No such file or directory', 'its folder does not exist'],
  ENOTDIR: ['Not a directory'],
  EADDRNOTAVAIL: ['Cannot assign requested address', 'this machine does not have it'],
};
