import { randomFillSync } from 'node:crypto';
import type { QCryptoHashAlgorithm } from '../../../../../generated/index.js';
import { digestLength, digestOf } from './hash.js';

/*
 * LUKS blows a key up to many times its length, so that a disk that fails to erase a few sectors of it does not give it
 * away: all pieces are needed to get it back. (LUKS On-Disk Format 1.2.3, section 2.4.)
 */

/**
 * Blows a key up.
 *
 * @param stripes the number of pieces, each as long as the key
 */
export function splitKey(key: Uint8Array, stripes: number, hash: QCryptoHashAlgorithm): Uint8Array {
  const material = new Uint8Array(key.length * stripes);
  const last = material.length - key.length;
  randomFillSync(material, 0, last);
  const state = diffuse(material.subarray(0, last), key.length, hash);
  for (const [index, byte] of key.entries()) material[last + index] = byte ^ (state[index] as number);
  return material;
}

/** Gets a key back. Whether it is the right one does not show. */
export function mergeKey(material: Uint8Array, keyLength: number, hash: QCryptoHashAlgorithm): Uint8Array {
  const last = material.length - keyLength;
  const key = diffuse(material.subarray(0, last), keyLength, hash);
  mix(key, material.subarray(last));
  return key;
}

/** All pieces but the last, each mixed into what the hash function made of those before. */
function diffuse(pieces: Uint8Array, length: number, hash: QCryptoHashAlgorithm): Uint8Array {
  const state = new Uint8Array(length);
  for (let at = 0; at < pieces.length; at += length) {
    mix(state, pieces.subarray(at, at + length));
    hashParts(state, hash);
  }
  return state;
}

function mix(state: Uint8Array, piece: Uint8Array): void {
  for (const [index, byte] of piece.entries()) state[index] = (state[index] as number) ^ byte;
}

/** Replaces each part, as long as a digest, by the digest of its number and itself; of the last one as much as there is room for. */
function hashParts(state: Uint8Array, hash: QCryptoHashAlgorithm): void {
  const step = digestLength[hash];
  for (let start = 0, number = 0; start < state.length; start += step, number++) {
    const part = state.subarray(start, start + step);
    const input = new Uint8Array(4 + part.length);
    new DataView(input.buffer).setUint32(0, number);
    input.set(part, 4);
    part.set(digestOf(hash, input).subarray(0, part.length));
  }
}
