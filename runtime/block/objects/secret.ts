import { createDecipheriv } from 'node:crypto';
import type { SecretProperties } from '../../../generated/index.js';
import { BlockError, invalid } from '../error.js';
import { decodeBase64 } from './base64.js';
import { readObjectFile } from './object-file.js';
import { propertiesOf } from './object-types.js';
import type { ObjectHost, UserObject } from './user-object.js';

/** Bytes of a key that other secrets are encrypted with: AES-256. */
const keyLength = 32;

/** Bytes of a block of that cipher, and of an initialization vector. */
const blockLength = 16;

/**
 * Makes a secret: reads, decrypts and decodes what it keeps.
 *
 * @throws BlockError when the properties contradict each other, or the data is not what they say
 */
export async function makeSecret(properties: SecretProperties, host: ObjectHost): Promise<UserObject> {
  const { file, format = 'raw', keyid, iv } = properties;
  const given = await givenData(properties, host);
  const decoded = (): Uint8Array => (format === 'base64' ? decodeBase64(given.toString('latin1')) : given);
  const secret = keyid === undefined ? decoded() : decrypted(decoded, host.secretData(keyid), iv);
  return {
    type: 'secret',
    properties: propertiesOf('secret', { format, keyid: keyid ?? '', iv: iv ?? '', file: file ?? '' }),
    secret,
  };
}

async function givenData({ data, file }: SecretProperties, host: ObjectHost): Promise<Buffer> {
  if (file === undefined) {
    if (data === undefined) throw invalid("Either 'file' or 'data' must be provided");
    return Buffer.from(data);
  }
  if (data !== undefined) throw invalid("'file' and 'data' are mutually exclusive");
  return readObjectFile(file, host);
}

/** Decrypts AES-256 in CBC mode, padded as PKCS #7 has it. The order of the checks is QEMU's. */
function decrypted(ciphertext: () => Uint8Array, key: Uint8Array, iv: string | undefined): Uint8Array {
  if (key.length !== keyLength) throw invalid(`Key should be ${keyLength} bytes in length, not ${key.length}`);
  if (iv === undefined) throw invalid("IV is required to decrypt secret: 'keyid' takes an 'iv'");
  const vector = decodeBase64(iv);
  if (vector.length !== blockLength) {
    throw invalid(`IV should be ${blockLength} bytes in length not ${vector.length}`);
  }
  const data = ciphertext();
  if (data.length === 0 || data.length % blockLength !== 0) {
    throw invalid(`Length ${data.length} must be a multiple of block size ${blockLength}`);
  }
  const decipher = createDecipheriv('aes-256-cbc', key, vector);
  try {
    return new Uint8Array(Buffer.concat([decipher.update(data), decipher.final()]));
  } catch (error) {
    throw new BlockError("The secret does not end as data encrypted with this 'keyid' and 'iv' does", {
      code: 'EINVAL',
      cause: error,
    });
  }
}
