import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ByteReader } from './byte-reader.js';

/** A client's connection: written to as a stream, and read by messages. */
export interface Connection {
  readonly socket: Socket;
  readonly reader: ByteReader;
}

/** A connection that may go on encrypted. */
export interface SecurableConnection extends Connection {
  /**
   * Goes over to TLS: to be called in the same turn in which the last plain bytes were read and written.
   *
   * @throws Error when the client has sent more in plain, or what the handshake throws
   */
  readonly startTls: () => Promise<Connection>;
}

/** What a socket of Node.js has besides what it declares. */
interface Handled {
  _handle?: { readonly useUserBuffer?: unknown } | null;
}

/**
 * Reads from a socket that a server has accepted.
 *
 * A socket that receives into memory of ours saves 64 KiB of fresh memory for each read, and with it 10 to 20 µs in the kernel:
 * about as much as the read itself. Node.js lets only who makes a socket say so, and servers make theirs by themselves; so its connection
 * moves to one made by us. Where Node.js has no such thing as is moved here, the socket is read as any other.
 */
export function connectionOf(accepted: Socket): Connection {
  const reader = new ByteReader();
  const socket = moved(accepted, reader);
  if (socket === undefined) return connectionOver(accepted);
  follow(reader, socket);
  return { socket, reader };
}

/** Reads from a socket that stays as it is. */
function connectionOver(socket: Socket): Connection {
  return { socket, reader: readerOf(socket).reader };
}

/**
 * Reads from a socket, at first in plain.
 *
 * @param secure makes the TLS handshake on the socket, and returns one that is encrypted
 */
export function securableConnection(socket: Socket, secure: (socket: Socket) => Promise<Socket>): SecurableConnection {
  const { reader, detach } = readerOf(socket);
  return {
    socket,
    reader,
    async startTls() {
      // What came before the encryption may be anyone's, and must not count as the peer's.
      if (reader.take(1) !== undefined) throw new Error('Plain data came where a TLS handshake was due');
      detach();
      return connectionOver(await secure(socket));
    },
  };
}

/** Reads from any stream. */
function readerOf(stream: Duplex): { readonly reader: ByteReader; detach(): void } {
  const reader = new ByteReader();
  const take = (chunk: Buffer): void => {
    if (!reader.push(chunk)) stream.pause();
  };
  stream.on('data', take);
  follow(reader, stream);
  const detach = (): void => {
    stream.off('data', take);
    stream.pause();
  };
  return { reader, detach };
}

function follow(reader: ByteReader, stream: Duplex): void {
  const end = (): void => reader.end();
  stream.on('end', end);
  stream.on('close', end);
  reader.resume = () => void stream.resume();
}

function moved(accepted: Socket & Handled, reader: ByteReader): Socket | undefined {
  const handle = accepted._handle;
  if (typeof handle?.useUserBuffer !== 'function') return undefined;
  accepted._handle = null;
  const onread = { buffer: () => reader.room(), callback: (count: number) => reader.arrived(count) };
  const socket = new Socket({ handle, onread } as ConstructorParameters<typeof Socket>[0]);
  // The server counts the socket that it knows.
  socket.once('close', () => accepted.destroy());
  return socket;
}
