/* The header of a block of LZFSE, whose fields are bits of three words, with the frequencies of all symbols behind them. */

import { viewOf } from '../shared/big-endian.js';

/** What a block consists of. */
export interface BlockHeader {
  /** Bytes of the header. */
  readonly length: number;
  readonly literals: number;
  readonly literalBytes: number;
  /** Bits at the end that are not used. */
  readonly literalUnused: number;
  readonly literalStates: readonly number[];
  readonly triples: number;
  readonly tripleBytes: number;
  readonly tripleUnused: number;
  readonly tripleStates: readonly [literals: number, match: number, distance: number];
  readonly countFrequencies: Uint16Array;
  readonly matchFrequencies: Uint16Array;
  readonly distanceFrequencies: Uint16Array;
  readonly literalFrequencies: Uint16Array;
}

/** Numbers of symbols: of literals in a row, of repeated bytes, of distances, of literals. */
const symbolCounts = [20, 20, 64, 256] as const;
const allSymbols = 360;
/** In a block, at most. */
const mostLiterals = 40_000;
const mostTriples = 10_000;
/** Bytes of a header without its frequencies. */
const leastLength = 32;

/** Reads a header. @returns nothing when it is broken */
export function readHeader(bytes: Uint8Array): BlockHeader | undefined {
  if (bytes.length < leastLength) return undefined;
  const view = viewOf(bytes);
  const words = [8, 16, 24].map((at) => view.getBigUint64(at, true));
  const field = (word: number, shift: number, count: number): number =>
    Number(BigInt.asUintN(count, (words[word] ?? 0n) >> BigInt(shift)));
  const length = field(2, 0, 32);
  if (length < leastLength || length > bytes.length) return undefined;
  const frequencies = unpackFrequencies(bytes.subarray(leastLength, length));
  if (frequencies === undefined) return undefined;
  return checked({
    length,
    literals: field(0, 0, 20),
    literalBytes: field(0, 20, 20),
    literalUnused: 7 - field(0, 60, 3),
    literalStates: [0, 10, 20, 30].map((shift) => field(1, shift, 10)),
    triples: field(0, 40, 20),
    tripleBytes: field(1, 40, 20),
    tripleUnused: 7 - field(1, 60, 3),
    tripleStates: [field(2, 32, 10), field(2, 42, 10), field(2, 52, 10)],
    ...named(frequencies),
  });
}

function checked(header: BlockHeader): BlockHeader | undefined {
  const { literals, triples } = header;
  return literals > mostLiterals || literals % 4 !== 0 || triples > mostTriples ? undefined : header;
}

function named(all: Uint16Array) {
  const [counts, matches, distances] = symbolCounts;
  return {
    countFrequencies: all.subarray(0, counts),
    matchFrequencies: all.subarray(counts, counts + matches),
    distanceFrequencies: all.subarray(counts + matches, counts + matches + distances),
    literalFrequencies: all.subarray(counts + matches + distances),
  };
}

/** By the lowest three bits of a code: what it stands for and how many bits it has. Codes with other bits are longer. */
const shortCodes = [
  { value: 0, bits: 2 },
  { value: 2, bits: 3 },
  { value: 1, bits: 2 },
  undefined,
  { value: 0, bits: 2 },
  { value: 3, bits: 3 },
  { value: 1, bits: 2 },
  undefined,
] as const;

/** Small frequencies have short codes, from the lowest bit of each byte on. @returns nothing when there are too few or too many bits */
function unpackFrequencies(bytes: Uint8Array): Uint16Array | undefined {
  const all = new Uint16Array(allSymbols);
  if (bytes.length === 0) return all;
  let [bits, count, at] = [0, 0, 0];
  for (let symbol = 0; symbol < allSymbols; symbol++) {
    for (; count <= 24 && at < bytes.length; count += 8) bits = (bits | ((bytes[at++] ?? 0) << count)) >>> 0;
    const { value, bits: taken } = codeAt(bits);
    if (taken > count) return undefined;
    all[symbol] = value;
    bits >>>= taken;
    count -= taken;
  }
  return at === bytes.length && count < 8 ? all : undefined;
}

function codeAt(bits: number): { readonly value: number; readonly bits: number } {
  const short = shortCodes[bits & 7];
  if (short !== undefined) return short;
  if ((bits & 7) === 3) return { value: 4 + ((bits >> 3) & 3), bits: 5 };
  return bits & 8 ? { value: 24 + ((bits >> 4) & 0x3ff), bits: 14 } : { value: 8 + ((bits >> 4) & 15), bits: 8 };
}
