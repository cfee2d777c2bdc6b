import { BlockError } from '../../../error.js';
import { type BlockTransform, blockCipher } from './block-cipher.js';
import { type CipherSpec, luksCiphers } from './cipher-spec.js';
import { digestLength, digestOf, requireHash } from './hash.js';

/** Bytes of an initialization vector: those of a block of the cipher. */
export const vectorLength = 16;

/**
 * The initialization vectors of `count` sectors from `first` on, one after the other. What is returned is only valid until
 * the next call.
 */
export type VectorGenerator = (first: number, count: number) => Uint8Array;

/**
 * How a volume's initialization vectors are made. All begin with the sector's number: `plain` has 32 bits of it, `plain64` 64,
 * and `essiv` encrypts the latter with a cipher whose key is a hash of the key, so that they cannot be known without the key.
 *
 * @param key the key of the volume, or of the key material that is to be read
 * @param most the largest `count`
 * @throws BlockError when `essiv` has no cipher that takes such a hash for its key, or it is not available
 */
export function vectorGenerator(spec: CipherSpec, key: Uint8Array, most: number): VectorGenerator {
  const bytes = new Uint8Array(most * vectorLength);
  const view = new DataView(bytes.buffer);
  const wide = spec.ivGenerator !== 'plain';
  const encrypt = spec.ivGenerator === 'essiv' ? essivCipher(spec, key) : undefined;
  return (first, count) => {
    for (let index = 0; index < count; index++) {
      const sector = first + index;
      // Typed arrays and views take numbers modulo 2^32, exactly.
      view.setUint32(index * vectorLength, sector, true);
      if (wide) view.setUint32(index * vectorLength + 4, sector / 2 ** 32, true);
    }
    const vectors = bytes.subarray(0, count * vectorLength);
    return encrypt === undefined ? vectors : encrypt(vectors);
  };
}

function essivCipher({ algorithm, ivHash }: CipherSpec, key: Uint8Array): BlockTransform {
  if (ivHash === undefined) {
    throw new BlockError("The IV generator 'essiv' needs a hash function", { code: 'EINVAL' });
  }
  requireHash(ivHash);
  const family = algorithm.slice(0, algorithm.indexOf('-'));
  const wanted = `${family}-${8 * digestLength[ivHash]}`;
  const fitting = luksCiphers.find((known) => known === wanted);
  if (fitting === undefined) {
    throw new BlockError(`The IV generator 'essiv:${ivHash}' does not suit '${algorithm}': there is no '${wanted}'`, {
      code: 'EINVAL',
    });
  }
  return blockCipher(fitting, digestOf(ivHash, key)).encrypt;
}
