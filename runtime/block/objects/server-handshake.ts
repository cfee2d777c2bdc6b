import type { Socket } from 'node:net';
import { secureServer } from '../tls.js';
import type { UserObjects } from './user-objects.js';

/**
 * How a server goes over to TLS with its clients, by the ids of objects.
 *
 * @param credentials absent: it does not
 * @param authorization of what says which clients get in. It may be made later; until then none gets in. Absent: all do
 * @returns makes the handshake with a client; nothing without credentials
 * @throws BlockError when there are no such credentials of a server
 */
export function serverHandshake(
  objects: UserObjects,
  credentials: string | undefined,
  authorization: string | undefined,
): ((client: Socket) => Promise<Socket>) | undefined {
  if (credentials === undefined) return undefined;
  const tls = objects.tlsCredentials(credentials, 'server');
  const admit =
    authorization === undefined ? undefined : (identity: string) => objects.authorizes(authorization, identity);
  return (client) => secureServer(client, tls, admit);
}
