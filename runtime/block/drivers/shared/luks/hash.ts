import { getHashes, hash } from 'node:crypto';
import type { QCryptoHashAlgorithm } from '../../../../../generated/index.js';
import { BlockError } from '../../../error.js';

/** Bytes of the digests. The names are also those by which Node.js knows the functions. */
export const digestLength: { readonly [name in QCryptoHashAlgorithm]: number } = {
  md5: 16,
  sha1: 20,
  sha224: 28,
  sha256: 32,
  sha384: 48,
  sha512: 64,
  ripemd160: 20,
  sm3: 32,
};

/** @throws BlockError (ENOTSUP) for a hash function that this build of Node.js lacks: old ones are switched off in some */
export function requireHash(name: QCryptoHashAlgorithm): void {
  if (getHashes().includes(name)) return;
  throw new BlockError(`The hash function '${name}' is not available here`, { code: 'ENOTSUP' });
}

/** The digest of some data. */
export function digestOf(name: QCryptoHashAlgorithm, data: Uint8Array): Uint8Array {
  return hash(name, data, 'buffer');
}
