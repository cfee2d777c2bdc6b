/*
 * bzip2, as its program writes it: blocks that were sorted (Burrows and Wheeler), moved to the front, and Huffman coded.
 */

import { setImmediate } from 'node:timers/promises';
import { BitReader } from './bit-reader.js';
import { HuffmanCode, longestCode } from './huffman.js';

const blockMark = [0x314159, 0x265359];
const endMark = [0x177245, 0x385090];
/** Symbols that are coded with one code before the next one is chosen. */
const groupLength = 50;
const mostSelectors = 18_002;

/** Thrown and caught here: the data is broken. */
class Broken extends Error {}

/** Decompresses data that is as long as `length` says. @returns nothing when the data is broken */
export async function unpackBzip2(stored: Uint8Array, length: number): Promise<Uint8Array | undefined> {
  const data = new Uint8Array(length);
  try {
    const bits = new BitReader(stored);
    const level = bits.read(24) === 0x425a68 ? bits.read(8) - 0x30 : 0;
    check(level >= 1 && level <= 9);
    let done = 0;
    for (;;) {
      const mark = [bits.read(24), bits.read(24)];
      const checksum = bits.read(16) * 2 ** 16 + bits.read(16);
      if (mark[0] === endMark[0] && mark[1] === endMark[1]) break;
      check(mark[0] === blockMark[0] && mark[1] === blockMark[1]);
      const end = unsort(readBlock(bits, level * 100_000), data, done);
      check(crcOf(data.subarray(done, end)) === checksum);
      done = end;
      // A block takes tens of milliseconds: others have their turn between two.
      await setImmediate();
    }
    return done === length && !bits.overrun ? data : undefined;
  } catch (error) {
    if (error instanceof Broken) return undefined;
    throw error;
  }
}

function check(right: boolean): void {
  if (!right) throw new Broken();
}

/** A block before it is put into order again. */
interface SortedBlock {
  /** In its lowest 8 bits, the bytes; above, each place has room for what follows it. */
  readonly cells: Uint32Array;
  readonly counts: Uint32Array;
  /** Where the first byte of the block is. */
  readonly origin: number;
}

function readBlock(bits: BitReader, most: number): SortedBlock {
  // A mode for data that repeats itself, which no program writes any more.
  check(bits.read(1) === 0);
  const origin = bits.read(24);
  const alphabet = readAlphabet(bits);
  const codes = bits.read(3);
  const selectors = bits.read(15);
  check(codes >= 2 && codes <= 6 && selectors >= 1);
  const order = readSelectors(bits, codes, selectors);
  const tables = Array.from({ length: codes }, () => readCode(bits, alphabet.length + 2));
  const cells = new Uint32Array(most);
  const counts = new Uint32Array(256);
  const length = readSymbols(bits, alphabet, cells, counts, (group) => tables[order[group] ?? codes]);
  check(origin < length);
  return { cells: cells.subarray(0, length), counts, origin };
}

/** The bytes that a block has. */
function readAlphabet(bits: BitReader): number[] {
  const rows = bits.read(16);
  const alphabet: number[] = [];
  for (let row = 0; row < 16; row++) {
    if (((rows >> (15 - row)) & 1) === 0) continue;
    const columns = bits.read(16);
    for (let column = 0; column < 16; column++) {
      if (((columns >> (15 - column)) & 1) === 1) alphabet.push(row * 16 + column);
    }
  }
  check(alphabet.length > 0);
  return alphabet;
}

/** Which code each group of symbols has. */
function readSelectors(bits: BitReader, codes: number, count: number): Uint8Array {
  const recent = Array.from({ length: codes }, (_, code) => code);
  const order = new Uint8Array(Math.min(count, mostSelectors));
  for (let group = 0; group < count; group++) {
    let index = 0;
    while (bits.read(1) === 1) check(++index < codes);
    // More than there can be groups are written by some programs, and mean nothing.
    order[group] = toFront(recent, index);
  }
  return order;
}

function toFront(recent: number[], index: number): number {
  const [value = 0] = recent.splice(index, 1);
  recent.unshift(value);
  return value;
}

function readCode(bits: BitReader, symbols: number): HuffmanCode {
  let length = bits.read(5);
  const lengths = new Uint8Array(symbols);
  for (let symbol = 0; symbol < symbols; symbol++) {
    while (bits.read(1) === 1) {
      length += bits.read(1) === 0 ? 1 : -1;
      check(length >= 1 && length <= longestCode);
    }
    check(length >= 1 && length <= longestCode);
    lengths[symbol] = length;
  }
  return new HuffmanCode(lengths);
}

/** Symbols 0 and 1 are digits of how often the front byte is repeated, the last one ends the block, others move to the front. */
function readSymbols(
  bits: BitReader,
  alphabet: number[],
  cells: Uint32Array,
  counts: Uint32Array,
  codeOf: (group: number) => HuffmanCode | undefined,
): number {
  const end = alphabet.length + 1;
  let [length, run, digit] = [0, 0, 1];
  const put = (byte: number, times: number): void => {
    check(length + times <= cells.length);
    cells.fill(byte, length, length + times);
    counts[byte] = (counts[byte] ?? 0) + times;
    length += times;
  };
  for (let group = 0; ; group++) {
    const code = codeOf(group);
    for (let index = 0; index < groupLength; index++) {
      const symbol = code?.next(bits);
      if (symbol === undefined || bits.overrun) throw new Broken();
      if (symbol <= 1) {
        check(digit <= cells.length);
        run += digit << symbol;
        digit *= 2;
        continue;
      }
      if (run > 0) put(alphabet[0] ?? 0, run);
      [run, digit] = [0, 1];
      if (symbol === end) return length;
      put(toFront(alphabet, symbol - 1), 1);
    }
  }
}

/** Puts a block into order and repeats what it repeats: after four equal bytes, the next one counts more of them. */
function unsort({ cells, counts, origin }: SortedBlock, data: Uint8Array, from: number): number {
  const starts = new Uint32Array(256);
  for (let byte = 1; byte < 256; byte++) starts[byte] = (starts[byte - 1] ?? 0) + (counts[byte - 1] ?? 0);
  for (let index = 0; index < cells.length; index++) {
    const byte = (cells[index] ?? 0) & 0xff;
    const place = starts[byte] ?? 0;
    starts[byte] = place + 1;
    cells[place] = (cells[place] ?? 0) | (index << 8);
  }
  let done = from;
  let at = (cells[origin] ?? 0) >>> 8;
  let [last, repeated] = [-1, 0];
  for (let left = cells.length; left > 0; left--) {
    const cell = cells[at] ?? 0;
    const byte = cell & 0xff;
    at = cell >>> 8;
    if (repeated === 4) {
      check(done + byte <= data.length);
      data.fill(last, done, done + byte);
      done += byte;
      [last, repeated] = [-1, 0];
      continue;
    }
    repeated = byte === last ? repeated + 1 : 1;
    last = byte;
    check(done < data.length);
    data[done++] = byte;
  }
  return done;
}

/** The CRC-32 of Ethernet, of bits in the other order. */
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte * 2 ** 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc >>> 31 === 1 ? 0x04c1_1db7 : 0);
  return crc;
});

function crcOf(data: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of data) crc = (crc << 8) ^ (crcTable[((crc >>> 24) ^ byte) & 0xff] ?? 0);
  return ~crc >>> 0;
}
