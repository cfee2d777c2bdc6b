import { hostIn, type InetFamily } from '../qmp/server/inet-place.js';
import { blockErrorOf } from './error.js';

/**
 * The address that the host of a TCP address stands for.
 *
 * @param port for messages
 * @param numeric names are not looked up
 * @throws BlockError when there is none in the version of IP that is asked for
 */
export function resolveHost(
  host: string,
  port: number | string,
  family: InetFamily,
  numeric?: boolean,
): Promise<string> {
  return hostIn(host, family, numeric).catch((error: unknown) => {
    throw blockErrorOf(error, `address resolution failed for ${host}:${port}`);
  });
}
