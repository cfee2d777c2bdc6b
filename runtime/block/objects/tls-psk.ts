import type { ConnectionOptions } from 'node:tls';
import type { TlsCredsPskProperties } from '../../../generated/index.js';
import { BlockError, invalid } from '../error.js';
import type { TlsCredentials } from '../tls.js';
import { propertiesOf } from './object-types.js';
import { checkPriority, folderOf, readCredentials } from './tls-files.js';
import type { ObjectHost, UserObject } from './user-object.js';

const fileName = 'keys.psk';
/** All of OpenSSL's that need a shared key; for TLS 1.3, all do with one. */
const ciphers = 'PSK';

/**
 * Makes credentials of keys that both sides have: the file `keys.psk`, with a line `USER:KEY` for each, the key in hexadecimal.
 *
 * @throws BlockError when the file cannot be read, or has no such key
 */
export async function makePskCredentials(properties: TlsCredsPskProperties, host: ObjectHost): Promise<UserObject> {
  const { endpoint = 'client', 'verify-peer': verifyPeer = true, priority, username = 'qemu' } = properties;
  checkPriority(priority);
  const dir = folderOf(properties.dir);
  const text = await readCredentials(dir, fileName, host);
  const keys = parseKeys(text.toString('latin1'));
  text.fill(0);
  return {
    type: 'tls-creds-psk',
    properties: propertiesOf('tls-creds-psk', {
      endpoint,
      dir,
      'verify-peer': verifyPeer,
      priority: priority ?? '',
      username: properties.username ?? '',
    }),
    tls: endpoint === 'server' ? serverOf(keys, dir) : clientOf(keys, dir, username),
  };
}

function serverOf(keys: ReadonlyMap<string, Buffer>, dir: string): TlsCredentials {
  if (keys.size === 0) throw invalid(`${dir}/${fileName} has no key`);
  return { endpoint: 'server', options: { ciphers }, verifyPeer: false, keyOf: (user) => keys.get(user) };
}

function clientOf(keys: ReadonlyMap<string, Buffer>, dir: string, username: string): TlsCredentials {
  const key = keys.get(username);
  if (key === undefined) {
    throw new BlockError(`Username ${username} not found in PSK file ${dir}/${fileName}`, { code: 'EINVAL' });
  }
  const options: ConnectionOptions = { ciphers, pskCallback: () => ({ psk: key, identity: username }) };
  return { endpoint: 'client', options, verifyPeer: false, sharedKey: true };
}

/** @throws BlockError that names the line at fault */
function parseKeys(text: string): Map<string, Buffer> {
  const keys = new Map<string, Buffer>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, user, key] = /^([^:]+):((?:[\da-f]{2})+)\s*$/i.exec(line) ?? [];
    if (user === undefined || key === undefined) {
      throw invalid(`line ${index + 1} of ${fileName} is not USER:KEY, the key in hexadecimal`);
    }
    // The first of a user counts, as in GnuTLS.
    if (!keys.has(user)) keys.set(user, Buffer.from(key, 'hex'));
  }
  return keys;
}
