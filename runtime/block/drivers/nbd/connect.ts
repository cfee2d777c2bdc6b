import type { Socket } from 'node:net';
import { isAbstract } from '../../../qmp/abstract/name.js';
import { connectAt } from '../../../qmp/server/connect-at.js';
import type { BlockHost } from '../../driver.js';
import { isErrno } from '../../errno.js';
import { BlockError, blockErrorOf } from '../../error.js';
import { ByteReader, ConnectionClosed } from '../../nbd/byte-reader.js';
import { type Connection, type SecurableConnection, securableConnection } from '../../nbd/connection.js';
import { secureClient } from '../../tls.js';
import { type Agreement, handshake } from './handshake.js';
import { describePlace, type NbdPlace } from './names.js';
import type { NbdOptions } from './options.js';

/** An open connection, on which requests may be sent. */
export interface Connected extends Connection {
  readonly agreement: Agreement;
}

/** Nanoseconds that it may take to reach a server and to agree with it. */
const patience = 30e9;
/** Milliseconds without traffic after which the system checks that the other machine is still there. */
const keepAlive = 30_000;

/**
 * Connects to a server and chooses an export.
 *
 * @param signal gives up
 * @throws BlockError when the server cannot be reached, has no such export, or does not speak as it should
 */
export async function connectTo(options: NbdOptions, host: BlockHost, signal: AbortSignal): Promise<Connected> {
  const { place, tls } = options;
  const credentials = tls && host.clientCredentials?.(tls.credentials);
  if (tls && credentials === undefined) throw new BlockError(`No TLS credentials with id '${tls.credentials}'`);
  const subject = 'path' in place && !isAbstract(place.path) ? place.path : `nbd://${describePlace(place)}`;
  // What the operator has passed on is allowed.
  if (!('fd' in place)) await host.authorize(subject);
  const connection = openConnection(place, credentials && ((plain) => secureClient(plain, credentials, tls.hostname)));
  const { socket } = connection;
  const stop = (): void => void socket.destroy(new BlockError('the node was closed', { code: 'ECANCELED' }));
  const late = host.clock.after(patience, () => {
    socket.destroy(new BlockError(`no answer within ${patience / 1e9} s`, { code: 'ETIMEDOUT' }));
  });
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const failure = new Promise<never>((_, reject) => socket.once('error', reject));
  // It may fail later, when there is no interest in how.
  failure.catch(() => {});
  try {
    const connected = new Promise<void>((resolve) => socket.once('connect', resolve));
    await Promise.race([connected, failure]).catch((error) => {
      throw problem(`Failed to connect to '${describePlace(place)}'`, error);
    });
    // Once more: the folder of the socket may be another one by now.
    if ('path' in place) await host.authorize(subject);
    return await Promise.race([handshake(connection, options), failure]).catch((error) => {
      // That the connection has ended may be noticed before the reason is.
      const reason = error instanceof ConnectionClosed ? (socket.errored ?? closedByServer(error)) : error;
      throw problem(`NBD server '${describePlace(place)}'`, reason);
    });
  } catch (error) {
    // What was said last, that it is over, may still go out.
    socket.destroySoon();
    throw error;
  } finally {
    late.cancel();
    signal.removeEventListener('abort', stop);
  }
}

/** A connection whose socket receives into memory of the reader, unless it is to go over to TLS. */
function openConnection(
  place: NbdPlace,
  secure: ((plain: Socket) => Promise<Socket>) | undefined,
): Connection | SecurableConnection {
  const reader = new ByteReader();
  const onread = { buffer: () => reader.room(), callback: (count: number) => reader.arrived(count) };
  const options = { ...place, ...(secure ? {} : { onread }) };
  const socket = connectAt(options);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAlive);
  // What is lost is found by the reader.
  socket.on('error', () => {});
  if (secure) return securableConnection(socket, secure);
  const end = (): void => reader.end();
  socket.on('end', end);
  socket.on('close', end);
  reader.resume = () => void socket.resume();
  return { socket, reader };
}

function closedByServer(cause: Error): BlockError {
  return new BlockError('the server has closed the connection', { code: 'ECONNRESET', cause });
}

/** What an error says, in the system's words where it has some. @throws the error when it is none of a connection */
function problem(context: string, error: unknown): BlockError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (error instanceof BlockError || isErrno(code)) return blockErrorOf(error, context);
  if (typeof code !== 'string') throw error;
  return new BlockError(`${context}: ${(error as Error).message || code}`, { cause: error });
}
