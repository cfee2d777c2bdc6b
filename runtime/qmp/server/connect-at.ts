import { connect, type NetConnectOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { needsSystemCalls } from '../abstract/name.js';
import { connectBySystem } from '../abstract/system-calls.js';

/**
 * Connects as `connect` of Node.js does, also to names that Node.js does not get to, and by a socket that is connected already: `fd` is
 * its number.
 */
export function connectAt(options: (NetConnectOpts | { readonly fd: number }) & SocketConstructorOpts): Socket {
  if (!('fd' in options && options.fd !== undefined)) {
    if (!('path' in options && needsSystemCalls(options.path))) return connect(options as NetConnectOpts);
  }
  try {
    const fd = 'path' in options ? connectBySystem(options.path) : options.fd;
    const socket = new Socket({ ...options, ...(fd === undefined ? {} : { fd }) });
    process.nextTick(() => socket.emit('connect'));
    return socket;
  } catch (error) {
    const socket = new Socket();
    process.nextTick(() => socket.destroy(error as Error));
    return socket;
  }
}
