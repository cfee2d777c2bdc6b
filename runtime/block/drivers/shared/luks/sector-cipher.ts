import { sectorSize } from '../../../limits.js';
import { blockCipher } from './block-cipher.js';
import { cbcCipher } from './cbc.js';
import type { CipherSpec } from './cipher-spec.js';
import { vectorGenerator } from './initialization-vectors.js';
import type { SectorCipher, SectorTransform } from './sector-transform.js';
import { xtsCipher } from './xts.js';

/** Sectors that are worked on at once: what that takes stays in the processor's cache. */
const batch = 64;

/**
 * The cipher that a volume's sectors are encrypted with.
 *
 * @param key as long as the spec needs it
 * @throws BlockError (ENOTSUP) when one of the primitives is not available
 */
export function sectorCipher(spec: CipherSpec, key: Uint8Array): SectorCipher {
  const { encrypt, decrypt } = batchCipher(spec, key);
  return { encrypt: inBatches(encrypt), decrypt: inBatches(decrypt) };
}

/** @throws BlockError when {@link sectorCipher} would, before time is spent on getting a key. */
export function requireSectorCipher(spec: CipherSpec, keyLength: number): void {
  sectorCipher(spec, new Uint8Array(keyLength));
}

function batchCipher(spec: CipherSpec, key: Uint8Array): SectorCipher {
  const vectors = vectorGenerator(spec, key, batch);
  switch (spec.mode) {
    case 'xts':
      return xtsCipher(spec.algorithm, key, vectors, batch);
    case 'cbc':
      return cbcCipher(spec.algorithm, key, vectors, batch);
    case 'ecb': {
      const { encrypt, decrypt } = blockCipher(spec.algorithm, key);
      return {
        encrypt: (_sector, source, target) => target.set(encrypt(source)),
        decrypt: (_sector, source, target) => target.set(decrypt(source)),
      };
    }
  }
}

function inBatches(transform: SectorTransform): SectorTransform {
  const most = batch * sectorSize;
  return (sector, source, target) => {
    if (source.length <= most) {
      transform(sector, source, target);
      return;
    }
    for (let at = 0; at < source.length; at += most) {
      transform(sector + at / sectorSize, source.subarray(at, at + most), target.subarray(at, at + most));
    }
  };
}
