import { isAscii, isUtf8 } from 'node:buffer';
import { decode } from './decode.js';
import { JsonSyntaxError } from './syntax-error.js';

/**
 * The text of a message in the variety of UTF-8 that QMP reads: U+0000 may be written as the two bytes C0 80.
 * A zero byte cannot occur otherwise: the scanner has refused it.
 *
 * @throws JsonSyntaxError when the bytes are not that
 */
export function decodeStrict(bytes: Uint8Array): string {
  if (isAscii(bytes)) return decode(bytes);
  const plain = isUtf8(bytes) ? bytes : contractNul(bytes);
  if (!isUtf8(plain)) throw new JsonSyntaxError('a string is not valid UTF-8');
  return decode(plain);
}

/** The bytes with each C0 80 replaced by a zero byte. */
function contractNul(bytes: Uint8Array): Uint8Array {
  const plain = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const nul = bytes[at] === 0xc0 && bytes[at + 1] === 0x80;
    plain[length++] = nul ? 0 : (bytes[at] as number);
    if (nul) at++;
  }
  return plain.subarray(0, length);
}

/** Code points that Unicode reserves for internal use: no QMP peer accepts them. */
const NONCHARACTER = /\p{Noncharacter_Code_Point}/u;

/** Whether a text holds a code point that may not be exchanged. */
export function hasNoncharacter(value: string): boolean {
  return NONCHARACTER.test(value);
}
