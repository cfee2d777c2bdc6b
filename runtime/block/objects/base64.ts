import { invalid } from '../error.js';

const alphabet = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Decodes Base64, perhaps of several lines. Strictly, as a secret that is guessed at is no use: Node.js itself skips what it
 * does not know.
 *
 * @throws BlockError (EINVAL) for other characters, and for text that has lost its end
 */
export function decodeBase64(text: string): Uint8Array {
  const joined = text.replaceAll('\n', '');
  if (!alphabet.test(joined)) throw invalid('Base64 data contains invalid characters');
  if (joined.length % 4 !== 0) throw invalid('Base64 data must be a multiple of 4 characters long');
  return new Uint8Array(Buffer.from(joined, 'base64'));
}
