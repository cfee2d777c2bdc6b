/*
 * LZFSE, as its authors' program reads it. A stream consists of blocks, each with a mark: `bvx-` as it is, `bvxn` by LZVN, `bvx2` by LZFSE,
 * and `bvx$` at the end. Numbers are little-endian. There is also `bvx1`, which no program writes, and whose header programs read differently: it is refused.
 *
 * The payload of LZFSE has two parts, which are read from their ends: literals, by four coders in turn, and triples of how many literals to take,
 * how much to repeat, and from how far back (0: from as far as before).
 */

import { viewOf } from '../shared/big-endian.js';
import { BackwardBits, stateTable } from './fse.js';
import { type BlockHeader, readHeader } from './lzfse-header.js';
import { unpackLzvn } from './lzvn.js';

const mark = (text: string): number => Buffer.from(text, 'latin1').readUInt32LE();
const Mark = {
  plain: mark('bvx-'),
  lzvn: mark('bvxn'),
  lzfse: mark('bvx2'),
  end: mark('bvx$'),
};

/** What a symbol stands for: numbers from a first one on, of which bits choose one. */
interface Values {
  readonly bits: readonly number[];
  readonly first: readonly number[];
}

function valuesOf(bits: readonly number[]): Values {
  let next = 0;
  const first = bits.map((count) => {
    const value = next;
    next += 2 ** count;
    return value;
  });
  return { bits, first };
}

const literalValues = valuesOf([...Array<number>(16).fill(0), 2, 3, 5, 8]);
const matchValues = valuesOf([...Array<number>(16).fill(0), 3, 5, 8, 11]);
const distanceValues = valuesOf(Array.from({ length: 64 }, (_, symbol) => symbol >> 2));

const literalStates = 1024;
const countStates = 64;
const distanceStates = 256;

/** Decompresses a stream that is as long as `length` says. @returns nothing when it is broken */
export function unpackLzfse(stored: Uint8Array, length: number): Uint8Array | undefined {
  const data = new Uint8Array(length);
  const view = viewOf(stored);
  let done = 0;
  for (let at = 0; at + 4 <= stored.length; ) {
    const kind = view.getUint32(at, true);
    if (kind === Mark.end) return done === length ? data : undefined;
    if (at + 12 > stored.length) return undefined;
    const end = done + view.getUint32(at + 4, true);
    if (end > length) return undefined;
    const next = unpackBlock(kind, stored, at, data, done, end);
    if (next === undefined) return undefined;
    at = next;
    done = end;
  }
  return undefined;
}

/** @returns where the next block begins; nothing when this one is broken */
function unpackBlock(
  kind: number,
  stored: Uint8Array,
  at: number,
  data: Uint8Array,
  done: number,
  end: number,
): number | undefined {
  if (kind === Mark.plain) {
    const plain = stored.subarray(at + 8, at + 8 + end - done);
    if (plain.length < end - done) return undefined;
    data.set(plain, done);
    return at + 8 + plain.length;
  }
  if (kind === Mark.lzvn) {
    const next = at + 12 + viewOf(stored).getUint32(at + 8, true);
    if (next > stored.length) return undefined;
    return unpackLzvn(stored.subarray(at + 12, next), data, done, end) ? next : undefined;
  }
  const rest = stored.subarray(at);
  const header = kind === Mark.lzfse ? readHeader(rest) : undefined;
  if (header === undefined) return undefined;
  const { length, literalBytes, tripleBytes } = header;
  if (length + literalBytes + tripleBytes > rest.length) return undefined;
  const literals = literalsOf(header, rest.subarray(length, length + literalBytes));
  const triples = rest.subarray(length + literalBytes, length + literalBytes + tripleBytes);
  if (literals === undefined || !follow(header, triples, literals, data, done, end)) return undefined;
  return at + length + literalBytes + tripleBytes;
}

function literalsOf(header: BlockHeader, payload: Uint8Array): Uint8Array | undefined {
  const literals = new Uint8Array(header.literals);
  if (literals.length === 0) return literals;
  const table = stateTable(header.literalFrequencies, literalStates);
  if (table === undefined) return undefined;
  const { symbols, bits, bases } = table;
  const input = new BackwardBits(payload, header.literalUnused);
  const states = Uint16Array.from(header.literalStates);
  for (let index = 0; index < literals.length; index++) {
    const state = states[index & 3] ?? 0;
    literals[index] = symbols[state] ?? 0;
    states[index & 3] = (bases[state] ?? 0) + input.read(bits[state] ?? 0);
  }
  return input.left < 0 ? undefined : literals;
}

/** Does what the triples say. @returns whether they lead to `end` */
function follow(
  header: BlockHeader,
  payload: Uint8Array,
  literals: Uint8Array,
  data: Uint8Array,
  start: number,
  end: number,
): boolean {
  const input = new BackwardBits(payload, header.tripleUnused);
  const [literalState, matchState, distanceState] = header.tripleStates;
  const counts = decoder(input, header.countFrequencies, countStates, literalState, literalValues);
  const matches = decoder(input, header.matchFrequencies, countStates, matchState, matchValues);
  const distances = decoder(input, header.distanceFrequencies, distanceStates, distanceState, distanceValues);
  if (header.triples === 0) return start === end;
  if (counts === undefined || matches === undefined || distances === undefined) return false;
  let [done, taken, distance] = [start, 0, 0];
  for (let triple = 0; triple < header.triples; triple++) {
    const count = counts();
    const match = matches();
    distance = distances() || distance;
    if (input.left < 0 || taken + count > literals.length || done + count + match > end) return false;
    data.set(literals.subarray(taken, taken + count), done);
    taken += count;
    done += count;
    if (match > 0 && (distance === 0 || distance > done)) return false;
    for (let index = 0; index < match; index++, done++) data[done] = data[done - distance] ?? 0;
  }
  return done === end;
}

/** @returns what reads the next number; nothing when there can be no such coder */
function decoder(
  input: BackwardBits,
  frequencies: ArrayLike<number>,
  states: number,
  first: number,
  values: Values,
): (() => number) | undefined {
  const table = stateTable(frequencies, states);
  if (table === undefined || first >= states) return undefined;
  const { symbols, bits, bases } = table;
  let state = first;
  return () => {
    const symbol = symbols[state] ?? 0;
    state = (bases[state] ?? 0) + input.read(bits[state] ?? 0);
    return (values.first[symbol] ?? 0) + input.read(values.bits[symbol] ?? 0);
  };
}
