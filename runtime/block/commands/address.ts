import { hostIn, type InetFamily } from '../../qmp/server/inet-place.js';
import { parseSocketPlace, type SocketPlace } from '../../qmp/server/socket-place.js';
import { OptionError } from '../../visit/option-error.js';
import { blockErrorOf } from '../error.js';

/** Where an option says that a server listens. @throws OptionError when it is no address */
export function readSocketPlace(text: string): SocketPlace {
  const place = parseSocketPlace(text);
  if (place === undefined)
    throw new OptionError(`'${text}' is no address: write unix:PATH, abstract:NAME or tcp:HOST:PORT`);
  return place;
}

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
