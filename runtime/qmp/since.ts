import type { QmpClient } from './client.js';
import type { QmpSchema } from './schema.js';

/** A schema for several releases: what the client of a server turns out to be typed by, release by release. */
export interface SchemaSince extends QmpSchema {
  /** By release, the schema of servers of that release or a later one. */
  readonly since: object;
}

/**
 * A client as that of a release or later ones, when its server is one of them by what it said in its greeting; undefined when it is
 * older. Types as `qapi-ts generate --releases` writes them say which releases there are. A development version counts as what it
 * calls itself: `8.2.90` is older than 9.0.
 *
 * A server may have got a command of a later release, or may lack one that was left out when it was built: `supports` asks for that.
 *
 * @example
 * const client = await connect<Schema<'7.2..10.1'>>('/run/qmp.sock');
 * const newer = since(client, '9.0');
 * if (newer) await newer.commands['dump-skeys']({ filename: 'keys' });
 */
export function since<S extends SchemaSince, N extends keyof S['since'] & string>(
  client: QmpClient<S>,
  release: N,
): QmpClient<Extract<S['since'][N], QmpSchema>> | undefined {
  const { major, minor } = client.greeting.version.qemu;
  const [wantedMajor = 0, wantedMinor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  const isThere = major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
  return isThere ? (client as unknown as QmpClient<Extract<S['since'][N], QmpSchema>>) : undefined;
}
