import { hashOrder } from '../../json/member-order.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json/value.js';
import { QmpError } from '../error.js';

/** A request of the right shape. */
export interface ServerRequest {
  readonly command: string;
  readonly arguments: JsonObject;
  readonly outOfBand: boolean;
}

/** Whether a message asks for out-of-band execution. One that names a command both ways is in-band, and fails in its turn. */
export function isOutOfBand(message: JsonValue): boolean {
  return isJsonObject(message) && Object.hasOwn(message, 'exec-oob') && !Object.hasOwn(message, 'execute');
}

/**
 * Checks the shape of a request. Members are looked at in the server's internal order, which decides the error when
 * several are wrong.
 *
 * @param oobEnabled whether the client has negotiated out-of-band execution; otherwise `exec-oob` is an unknown member
 * @throws QmpError that names the member at fault
 */
export function readRequest(message: JsonValue, oobEnabled: boolean): ServerRequest {
  if (!isJsonObject(message)) throw new QmpError('A request must be a JSON object');
  return isPlain(message)
    ? { command: message.execute, arguments: {}, outOfBand: false }
    : readMembers(message, oobEnabled);
}

/** Whether a request is of the most frequent form: a command, perhaps an `id`, and nothing else. */
function isPlain(message: JsonObject): message is JsonObject & { execute: string } {
  if (typeof message.execute !== 'string') return false;
  for (const key in message) if (key !== 'execute' && key !== 'id') return false;
  return true;
}

function readMembers(message: JsonObject, oobEnabled: boolean): ServerRequest {
  let command: string | undefined;
  let args: JsonObject = {};
  let outOfBand = false;
  for (const key of hashOrder(Object.keys(message))) {
    const value = message[key] as JsonValue;
    if (key === 'execute' || (key === 'exec-oob' && oobEnabled)) {
      if (command !== undefined) throw new QmpError("A request cannot have both 'execute' and 'exec-oob'");
      if (typeof value !== 'string') throw new QmpError(`Request member '${key}' must be a string`);
      command = value;
      outOfBand = key === 'exec-oob';
    } else if (key === 'arguments') {
      if (!isJsonObject(value)) throw new QmpError("Request member 'arguments' must be an object");
      args = value;
    } else if (key !== 'id') {
      throw new QmpError(`A request has no member '${key}'; its members are 'execute', 'arguments' and 'id'`);
    }
  }
  if (command === undefined) throw new QmpError("A request must name its command in 'execute'");
  return { command, arguments: args, outOfBand };
}
