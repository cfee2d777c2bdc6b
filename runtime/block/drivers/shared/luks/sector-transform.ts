/**
 * Encrypts or decrypts whole sectors.
 *
 * @param sector the number of the first one
 * @param target as long as `source`; may be the same
 */
export type SectorTransform = (sector: number, source: Uint8Array, target: Uint8Array) => void;

/** A cipher in some mode, with its key. */
export interface SectorCipher {
  readonly encrypt: SectorTransform;
  readonly decrypt: SectorTransform;
}

/** Words of 32 bits: what modes of ciphers combine with "exclusive or". */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, bytes.length / 4);
}

/** The bytes that words consist of. */
export function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
