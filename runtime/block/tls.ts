/*
 * TLS on connections that are there already, by Node's own implementation. NBD goes over to it in the middle of its handshake.
 */

import { isIP, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect,
  createServer,
  type PeerCertificate,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { BlockError } from './error.js';

/** What one side of a TLS connection shows, and by what it checks the other: an object of the type `tls-creds-…`. */
export type TlsCredentials = ServerCredentials | ClientCredentials;

/** Those of a server. */
export interface ServerCredentials {
  readonly endpoint: 'server';
  /** For the handshake. A client that must show a certificate, and has none that is vouched for, is turned away. */
  readonly options: TlsOptions;
  /** Whether clients must show certificates. */
  readonly verifyPeer: boolean;
  /** The key of a user, where clients are known by keys that they share with the server. */
  readonly keyOf?: (user: string) => Buffer | undefined;
}

/** Those of a client. */
export interface ClientCredentials {
  readonly endpoint: 'client';
  readonly options: ConnectionOptions;
  /** Whether the server must show a certificate that is for the name by which it is called. */
  readonly verifyPeer: boolean;
  /** Whether client and server are known to each other by a key, and no certificates are shown. */
  readonly sharedKey: boolean;
}

/** Whether a client may come in: by the distinguished name of its certificate, or the user that its key is of. */
export type Admission = (identity: string) => Promise<boolean>;

/**
 * Makes the handshake of a server.
 *
 * @param admit whether a client that has shown who it is may come in. Default: all may
 * @throws BlockError when the client does not speak TLS, or may not come in; the socket is closed then
 */
export async function secureServer(socket: Socket, credentials: ServerCredentials, admit?: Admission): Promise<Socket> {
  const { options, verifyPeer, keyOf } = credentials;
  let user = '';
  const secured = await accepted(socket, {
    ...options,
    requestCert: verifyPeer,
    // Looked at below, where the reason is known.
    rejectUnauthorized: false,
    ...(keyOf && {
      pskCallback: (_: TLSSocket, identity: string) => {
        user = identity;
        return keyOf(identity) ?? null;
      },
    }),
  } as TlsOptions);
  try {
    secured.on('error', () => secured.destroy());
    if (verifyPeer && keyOf === undefined && !secured.authorized) {
      throw denied(`the client's certificate does not pass: ${reasonOf(secured.authorizationError)}`);
    }
    if (admit === undefined) return secured;
    const identity = keyOf === undefined ? distinguishedName(secured) : user;
    if (identity === undefined) throw denied('the client has shown no certificate, by which it could be let in');
    if (!(await admit(identity))) throw denied(`the client '${identity}' is not let in`);
    return secured;
  } catch (error) {
    secured.destroy();
    throw error;
  }
}

function accepted(socket: Socket, options: TlsOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    // It listens nowhere: a server is what Node.js lets accept a connection that is there already.
    const server = createServer(options, resolve);
    const fail = (cause: Error): void => reject(denied(`the TLS handshake failed: ${cause.message}`, cause));
    server.once('tlsClientError', fail);
    socket.once('close', () => fail(new Error('the connection was closed')));
    server.emit('connection', socket);
  });
}

/**
 * Makes the handshake of a client.
 *
 * @param hostname what the server's certificate must be for; absent: there is none that it could be for
 * @throws BlockError when the server does not speak TLS, or is another one; the socket is closed then
 */
export function secureClient(
  socket: Socket,
  credentials: ClientCredentials,
  hostname: string | undefined,
): Promise<Socket> {
  const { options, verifyPeer, sharedKey } = credentials;
  const checksName = verifyPeer && !sharedKey;
  if (checksName && hostname === undefined) {
    socket.destroy();
    return Promise.reject(denied("No hostname for certificate validation: give one by 'tls-hostname'"));
  }
  const checkName = (_: string, certificate: PeerCertificate): Error | undefined =>
    checksName && checkServerIdentity(hostname ?? '', certificate)
      ? new Error(`Certificate does not match the hostname ${hostname}`)
      : undefined;
  return new Promise((resolve, reject) => {
    const secured = connect({
      ...options,
      socket,
      rejectUnauthorized: checksName,
      checkServerIdentity: checkName,
      ...(hostname === undefined || isIP(hostname) ? {} : { servername: hostname }),
    });
    secured.once('secureConnect', () => resolve(secured));
    secured.on('error', (cause) => {
      secured.destroy();
      reject(denied(`TLS handshake failed: ${cause.message}`, cause));
    });
    secured.once('close', () => reject(denied('TLS handshake failed: the connection was closed')));
  });
}

/** A certificate's distinguished name as QEMU writes it: in the order of the certificate, `C=DE,O=Example,CN=client`. */
function distinguishedName(secured: TLSSocket): string | undefined {
  const subject = secured.getPeerX509Certificate()?.subject;
  // A line for each part; those of a part with several values are joined with ` + `, and what is in a value is escaped.
  return subject?.replaceAll('\n', ',').replaceAll(' + ', '+');
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error ?? 'there is none');
}

function denied(message: string, cause?: unknown): BlockError {
  return new BlockError(message, { code: 'EACCES', cause });
}
