import { createCipheriv } from 'node:crypto';
import type { QCryptoCipherAlgorithm } from '../../../../../generated/index.js';
import { sectorSize } from '../../../limits.js';
import { blockCipher } from './block-cipher.js';
import { type VectorGenerator, vectorLength } from './initialization-vectors.js';
import { bytesOf, type SectorCipher, wordsOf } from './sector-transform.js';

const wordsPerBlock = vectorLength / 4;
const wordsPerSector = sectorSize / 4;

/**
 * CBC: each block is mixed with the encrypted one before it, the first of a sector with the initialization vector.
 *
 * Decrypting needs nothing but encrypted blocks, so one call does it for many sectors, and the mixing comes after. Encrypting
 * goes sector by sector, with a cipher that is set up only once: it mixes what it put out last into the next block, so that is
 * mixed into the block beforehand, too, which cancels it out.
 *
 * @param batch the most sectors that are handed to the transforms
 */
export function cbcCipher(
  algorithm: QCryptoCipherAlgorithm,
  key: Uint8Array,
  vectors: VectorGenerator,
  batch: number,
): SectorCipher {
  const { decrypt } = blockCipher(algorithm, key);
  const chain = createCipheriv(`${algorithm}-cbc`, key, new Uint8Array(vectorLength)).setAutoPadding(false);
  const last = new Uint32Array(wordsPerBlock);
  const input = new Uint32Array(batch * wordsPerSector);
  const bytes = bytesOf(input);

  return {
    encrypt(sector, source, target) {
      bytes.set(source);
      const ivs = wordsOf(vectors(sector, source.length / sectorSize));
      for (let offset = 0; offset < source.length; offset += sectorSize) {
        const word = offset / 4;
        const iv = (offset / sectorSize) * wordsPerBlock;
        for (let index = 0; index < wordsPerBlock; index++) {
          input[word + index] = at(input, word + index) ^ at(ivs, iv + index) ^ at(last, index);
        }
        const encrypted = chain.update(bytes.subarray(offset, offset + sectorSize));
        bytesOf(last).set(encrypted.subarray(sectorSize - vectorLength));
        target.set(encrypted, offset);
      }
    },
    decrypt(sector, source, target) {
      bytes.set(source);
      const ivs = wordsOf(vectors(sector, source.length / sectorSize));
      const words = wordsOf(decrypt(bytes.subarray(0, source.length)));
      for (let index = 0; index < words.length; index++) {
        const place = index % wordsPerSector;
        const before =
          place < wordsPerBlock
            ? at(ivs, Math.floor(index / wordsPerSector) * wordsPerBlock + place)
            : at(input, index - wordsPerBlock);
        words[index] = at(words, index) ^ before;
      }
      target.set(bytesOf(words));
    },
  };
}

/** A word that is known to be there. */
function at(words: Uint32Array, index: number): number {
  return words[index] as number;
}
