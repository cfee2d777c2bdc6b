import { endianness } from 'node:os';
import type { QCryptoCipherAlgorithm } from '../../../../../generated/index.js';
import { BlockError } from '../../../error.js';
import { sectorSize } from '../../../limits.js';
import { type BlockTransform, blockCipher } from './block-cipher.js';
import type { VectorGenerator } from './initialization-vectors.js';
import { bytesOf, type SectorCipher, type SectorTransform, wordsOf } from './sector-transform.js';

const wordsPerSector = sectorSize / 4;

/**
 * XTS (IEEE 1619): each block is mixed with a tweak before and after it is encrypted. The tweak of a sector's first block is
 * the initialization vector, encrypted with the second half of the key; from block to block it is multiplied by x in
 * GF(2^128), whose polynomial is x^128 + x^7 + x^2 + x + 1.
 *
 * The library's own XTS has to be set up anew for each sector, which takes several times as long as encrypting it. Here all
 * blocks of many sectors are encrypted by one call, and the tweaks are computed and mixed in around it.
 *
 * @param key two keys of the cipher
 * @param batch the most sectors that are handed to the transforms
 */
export function xtsCipher(
  algorithm: QCryptoCipherAlgorithm,
  key: Uint8Array,
  vectors: VectorGenerator,
  batch: number,
): SectorCipher {
  if (endianness() !== 'LE') {
    throw new BlockError("The cipher mode 'xts' is only available on little-endian machines", { code: 'ENOTSUP' });
  }
  const data = blockCipher(algorithm, key.subarray(0, key.length / 2));
  const tweak = blockCipher(algorithm, key.subarray(key.length / 2));
  const tweaks = new Uint32Array(batch * wordsPerSector);
  const mixed = new Uint32Array(batch * wordsPerSector);
  const bytes = bytesOf(mixed);

  function transform(blocks: BlockTransform): SectorTransform {
    return (sector, source, target) => {
      const { length } = source;
      bytes.set(source);
      mixTweaks(wordsOf(tweak.encrypt(vectors(sector, length / sectorSize))), tweaks, mixed);
      const words = wordsOf(blocks(bytes.subarray(0, length)));
      for (let index = 0; index < words.length; index++) words[index] = at(words, index) ^ at(tweaks, index);
      target.set(bytesOf(words));
    };
  }
  return { encrypt: transform(data.encrypt), decrypt: transform(data.decrypt) };
}

/**
 * Computes the tweaks of all blocks, and mixes them in.
 *
 * @param first the tweaks of the first blocks of the sectors, which say how many sectors there are
 */
function mixTweaks(first: Uint32Array, tweaks: Uint32Array, mixed: Uint32Array): void {
  let index = 0;
  for (let start = 0; start < first.length; start += 4) {
    // A tweak is an integer of 128 bits, the least significant word first.
    let a = at(first, start);
    let b = at(first, start + 1);
    let c = at(first, start + 2);
    let d = at(first, start + 3);
    const end = index + wordsPerSector;
    while (index < end) {
      tweaks[index] = a;
      tweaks[index + 1] = b;
      tweaks[index + 2] = c;
      tweaks[index + 3] = d;
      mixed[index] = at(mixed, index) ^ a;
      mixed[index + 1] = at(mixed, index + 1) ^ b;
      mixed[index + 2] = at(mixed, index + 2) ^ c;
      mixed[index + 3] = at(mixed, index + 3) ^ d;
      index += 4;
      const overflow = -(d >>> 31) & 0x87;
      d = (d << 1) | (c >>> 31);
      c = (c << 1) | (b >>> 31);
      b = (b << 1) | (a >>> 31);
      a = (a << 1) ^ overflow;
    }
  }
}

/** A word that is known to be there. */
function at(words: Uint32Array, index: number): number {
  return words[index] as number;
}
