/*
 * LZVN, which LZFSE has for short data. A code is followed by bytes that are taken as they are, and refers back by a distance, its own or
 * the last one. L: number of bytes; M: length of what is repeated; D: distance; bits are from the highest to the lowest.
 *
 * LLMMMDDD DDDDDDDD            L, M + 3, D
 * LLMMM111 and 16 bits of D    L, M + 3, D; the lower byte first
 * LLMMM110                     L, M + 3, the last distance; L is not 0
 * 101LLMMM DDDDDDMM DDDDDDDD   L, M + 3, D: the two bits of the second byte are the lowest of M
 * 1110LLLL, 11100000 LLLLLLLL  L, or L + 16
 * 1111MMMM, 11110000 MMMMMMMM  M, or M + 16, the last distance
 * 00000110                     the end; seven more bytes follow
 * 00001110, 00010110           nothing
 */

/** Bytes of the code for the end. */
const endLength = 8;

/** What a code says. */
interface Step {
  /** Bytes of the code. */
  readonly code: number;
  readonly literals: number;
  readonly match: number;
  /** Absent: the last one. */
  readonly distance?: number;
}

/**
 * Decompresses a payload, all of it.
 *
 * @param at where in `data` it begins; it may refer to what is before that
 * @param end where it ends
 * @returns whether it does
 */
export function unpackLzvn(payload: Uint8Array, data: Uint8Array, at: number, end: number): boolean {
  let done = at;
  let distance = 0;
  for (let from = 0; from < payload.length; ) {
    const code = payload[from] ?? 0;
    if (code === 0x06) return done === end && from + endLength === payload.length;
    const step = stepOf(code, payload, from);
    if (step === undefined) return false;
    from += step.code;
    const { literals, match } = step;
    distance = step.distance ?? distance;
    if (from + literals > payload.length || done + literals + match > end) return false;
    data.set(payload.subarray(from, from + literals), done);
    from += literals;
    done += literals;
    if (match === 0) continue;
    if (distance === 0 || distance > done) return false;
    // What is repeated may be what is being written.
    for (let index = 0; index < match; index++, done++) data[done] = data[done - distance] ?? 0;
  }
  return false;
}

function stepOf(code: number, payload: Uint8Array, at: number): Step | undefined {
  const [second = 0, third = 0] = payload.subarray(at + 1, at + 3);
  if (code >= 0xf0) return { code: code > 0xf0 ? 1 : 2, literals: 0, match: code > 0xf0 ? code & 15 : second + 16 };
  if (code >= 0xe0) return { code: code > 0xe0 ? 1 : 2, literals: code > 0xe0 ? code & 15 : second + 16, match: 0 };
  if (code === 0x0e || code === 0x16) return { code: 1, literals: 0, match: 0 };
  if (code >= 0xd0 || (code >= 0x70 && code < 0x80)) return undefined;
  if (code >= 0xa0 && code < 0xc0) {
    const match = ((code & 7) << 2) + (second & 3) + 3;
    return { code: 3, literals: (code >> 3) & 3, match, distance: (second >> 2) + (third << 6) };
  }
  const [literals, match] = [code >> 6, ((code >> 3) & 7) + 3];
  switch (code & 7) {
    case 6:
      return literals === 0 ? undefined : { code: 1, literals, match };
    case 7:
      return { code: 3, literals, match, distance: second + (third << 8) };
    default:
      return { code: 2, literals, match, distance: ((code & 7) << 8) + second };
  }
}
