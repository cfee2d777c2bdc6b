import { parseSocketPlace, type SocketPlace } from '../../qmp/server/socket-place.js';
import { OptionError } from '../../visit/option-error.js';

/** Where an option says that a server listens. @throws OptionError when it is no address */
export function readSocketPlace(text: string): SocketPlace {
  const place = parseSocketPlace(text);
  if (place === undefined)
    throw new OptionError(`'${text}' is no address: write unix:PATH, abstract:NAME or tcp:HOST:PORT`);
  return place;
}
