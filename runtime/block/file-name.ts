import { isUtf8 } from 'node:buffer';

/*
 * To the system a file name is bytes; here it is text. A byte that is not part of UTF-8, 0x80 to 0xff, is the lone surrogate
 * U+DC80 to U+DCFF in that text, which no other text has: so any name survives, and shows as U+FFFD where it is printed.
 */

const escapeBase = 0xdc00;
/** With the flag `u` the second half of a pair, which is one character, does not match. */
const escapes = /[\udc80-\udcff]/u;
const longestSequence = 4;

/** The name that some bytes are. */
export function decodeFileName(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isUtf8(buffer)) return buffer.toString();
  let name = '';
  for (let at = 0; at < buffer.length; ) {
    const length = sequenceAt(buffer, at);
    name +=
      length === 0 ? String.fromCharCode(escapeBase + (buffer[at] ?? 0)) : buffer.toString('utf8', at, at + length);
    at += length || 1;
  }
  return name;
}

/** Bytes of the character that begins here; 0 when none does. */
function sequenceAt(buffer: Buffer, at: number): number {
  for (let length = 1; length <= longestSequence && at + length <= buffer.length; length++) {
    if (isUtf8(buffer.subarray(at, at + length))) return length;
  }
  return 0;
}

/** The bytes that a name is to the system. */
export function encodeFileName(name: string): Buffer {
  if (!escapes.test(name)) return Buffer.from(name);
  return Buffer.concat(
    Array.from(name, (character) =>
      escapes.test(character) ? Buffer.of(character.charCodeAt(0) - escapeBase) : Buffer.from(character),
    ),
  );
}

/** A name as Node.js takes it for a path. */
export function systemPath(name: string): string | Buffer {
  return escapes.test(name) ? encodeFileName(name) : name;
}
