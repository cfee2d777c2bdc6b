import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { QCryptoCipherAlgorithm } from '../../../../../generated/index.js';
import { BlockError } from '../../../error.js';

/** Encrypts or decrypts whole blocks, each by itself, into a new buffer. */
export type BlockTransform = (blocks: Uint8Array) => Uint8Array;

/** A block cipher with its key, without any mode. */
export interface BlockCipher {
  readonly encrypt: BlockTransform;
  readonly decrypt: BlockTransform;
}

/** @throws BlockError (ENOTSUP) for a cipher that Node.js does not have: all but AES */
function requireCipher(algorithm: QCryptoCipherAlgorithm): void {
  if (/^aes-(128|192|256)$/.test(algorithm)) return;
  throw new BlockError(`The cipher '${algorithm}' is not available here, only aes-128, aes-192 and aes-256 are`, {
    code: 'ENOTSUP',
  });
}

/**
 * A block cipher, kept ready for use: making one costs more than encrypting a sector.
 *
 * @throws BlockError (ENOTSUP) for a cipher that Node.js does not have
 */
export function blockCipher(algorithm: QCryptoCipherAlgorithm, key: Uint8Array): BlockCipher {
  requireCipher(algorithm);
  // Without padding, what goes in comes out at once, and in ECB the blocks know nothing of each other.
  const cipher = createCipheriv(`${algorithm}-ecb`, key, null).setAutoPadding(false);
  const decipher = createDecipheriv(`${algorithm}-ecb`, key, null).setAutoPadding(false);
  return {
    encrypt: (blocks) => cipher.update(blocks),
    decrypt: (blocks) => decipher.update(blocks),
  };
}
