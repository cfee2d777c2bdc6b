/*
 * Apple Data Compression. A byte tells what follows:
 * 1lllllll: l + 1 bytes as they are;
 * 01llllll and two bytes of distance: l + 4 bytes again;
 * 00llllhh and one byte of distance, of which h are the high bits: l + 3 bytes again.
 * Distances count from 1.
 */

/** Decompresses data that is as long as `length` says. @returns nothing when the data is broken */
export function unpackAdc(stored: Uint8Array, length: number): Uint8Array | undefined {
  const data = new Uint8Array(length);
  let done = 0;
  for (let at = 0; at < stored.length && done < length; ) {
    const code = stored[at] ?? 0;
    if (code >= 0x80) {
      const count = (code & 0x7f) + 1;
      const plain = stored.subarray(at + 1, at + 1 + count);
      if (plain.length < count || done + count > length) return undefined;
      data.set(plain, done);
      done += count;
      at += 1 + count;
      continue;
    }
    const long = code >= 0x40;
    if (at + (long ? 3 : 2) > stored.length) return undefined;
    const [second = 0, third = 0] = stored.subarray(at + 1, at + 3);
    const count = long ? (code & 0x3f) + 4 : (code >> 2) + 3;
    const distance = (long ? second * 256 + third : (code & 3) * 256 + second) + 1;
    if (distance > done || done + count > length) return undefined;
    // What is repeated may be what is being written.
    for (let index = 0; index < count; index++, done++) data[done] = data[done - distance] ?? 0;
    at += long ? 3 : 2;
  }
  return done === length ? data : undefined;
}
