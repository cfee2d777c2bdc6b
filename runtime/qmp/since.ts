import type { QmpClient } from './client.js';
import type { QmpSchema, SchemaSince } from './schema.js';

/**
 * A client as that of a release or later ones, when its server is one of them by what it said in its greeting; undefined when it is
 * older: {@link QmpClient.since} as a function.
 *
 * @example
 * const newer = since(client, '9.0');
 */
export function since<S extends SchemaSince, N extends keyof S['since'] & string>(
  client: QmpClient<S>,
  release: N,
): QmpClient<Extract<S['since'][N], QmpSchema>> | undefined {
  return client.since(release);
}
