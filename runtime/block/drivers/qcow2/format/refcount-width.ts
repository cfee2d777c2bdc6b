/*
 * The entries of refcount blocks are 1, 2, 4, 8, 16, 32 or 64 bits wide. Entries narrower than a byte are packed with the
 * first one in the least significant bits; wider ones are big-endian.
 */

import { BlockError } from '../../../error.js';

/** How the entries of a refcount block are read and written. */
export interface RefcountWidth {
  /** Bits of an entry. */
  readonly bits: number;
  /** The largest count that an entry can hold. 2^53 - 1 for 64 bits: more is never counted. */
  readonly most: number;
  /** The count in the entry with this index. @throws BlockError when it is 2^53 or more */
  get(block: Uint8Array, index: number): number;
  /** As `get`, but `most` when the count is larger than that. */
  getAtMost(block: Uint8Array, index: number): number;
  /** Sets the entry with this index. `count` is at most `most`. */
  set(block: Uint8Array, index: number, count: number): void;
}

/** Reads and writes an entry. */
interface Accessors {
  readonly get: (block: Uint8Array, index: number) => number;
  readonly set: (block: Uint8Array, index: number, count: number) => void;
}

/** The entries of 2^`order` bits, `order` being 0 to 6. */
export function refcountWidth(order: number): RefcountWidth {
  const bits = 2 ** order;
  if (bits === 64)
    return { bits, most: Number.MAX_SAFE_INTEGER, get: exactDouble, getAtMost: doubleAtMost, set: setDouble };
  const { get, set } = narrow(bits);
  return { bits, most: 2 ** bits - 1, get, getAtMost: get, set };
}

function narrow(bits: number): Accessors {
  switch (bits) {
    case 1:
    case 2:
    case 4:
      return packed(bits);
    case 8:
      return {
        get: (block, index) => block[index] ?? 0,
        set: (block, index, count) => {
          block[index] = count;
        },
      };
    case 16:
      return {
        get: (block, index) => ((block[index * 2] ?? 0) << 8) | (block[index * 2 + 1] ?? 0),
        set: (block, index, count) => {
          block[index * 2] = count >>> 8;
          block[index * 2 + 1] = count;
        },
      };
    case 32:
      return { get: word, set: setWord };
    default:
      throw new RangeError(`No refcounts are ${bits} bits wide`);
  }
}

function packed(bits: number): Accessors {
  const perByte = 8 / bits;
  const most = 2 ** bits - 1;
  return {
    get: (block, index) => ((block[Math.floor(index / perByte)] ?? 0) >>> ((index % perByte) * bits)) & most,
    set: (block, index, count) => {
      const at = Math.floor(index / perByte);
      const shift = (index % perByte) * bits;
      block[at] = ((block[at] ?? 0) & ~(most << shift)) | (count << shift);
    },
  };
}

function word(block: Uint8Array, index: number): number {
  const at = index * 4;
  const high = ((block[at] ?? 0) << 8) | (block[at + 1] ?? 0);
  const low = ((block[at + 2] ?? 0) << 8) | (block[at + 3] ?? 0);
  return high * 2 ** 16 + low;
}

function setWord(block: Uint8Array, index: number, count: number): void {
  const at = index * 4;
  block[at] = count >>> 24;
  block[at + 1] = count >>> 16;
  block[at + 2] = count >>> 8;
  block[at + 3] = count;
}

function doubleAtMost(block: Uint8Array, index: number): number {
  return Math.min(word(block, index * 2) * 2 ** 32 + word(block, index * 2 + 1), Number.MAX_SAFE_INTEGER);
}

function exactDouble(block: Uint8Array, index: number): number {
  const count = word(block, index * 2) * 2 ** 32 + word(block, index * 2 + 1);
  if (count <= Number.MAX_SAFE_INTEGER) return count;
  throw new BlockError(`A refcount of the image is about ${count}, which is more than can be`);
}

function setDouble(block: Uint8Array, index: number, count: number): void {
  setWord(block, index * 2, Math.floor(count / 2 ** 32));
  setWord(block, index * 2 + 1, count % 2 ** 32);
}
