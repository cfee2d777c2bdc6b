import type { BitReader } from './bit-reader.js';

/** Bits of the longest code. */
export const longestCode = 20;

/** A canonical Huffman code: of codes of one length, those of lower symbols are lower. */
export class HuffmanCode {
  /** By length: one more than the highest code, shifted to the length of the longest one. */
  readonly #limits = new Uint32Array(longestCode + 1);
  /** By length: what makes of a code its index among the symbols. */
  readonly #offsets = new Int32Array(longestCode + 1);
  readonly #symbols: Uint16Array;

  /** @param lengths of the codes, by symbol, 1 to 20 each */
  constructor(lengths: Uint8Array) {
    this.#symbols = new Uint16Array(lengths.length);
    let [index, code] = [0, 0];
    for (let length = 1; length <= longestCode; length++) {
      this.#offsets[length] = index - code;
      for (const [symbol, own] of lengths.entries()) {
        if (own !== length) continue;
        this.#symbols[index++] = symbol;
        code++;
      }
      this.#limits[length] = code * 2 ** (longestCode - length);
      code *= 2;
    }
  }

  /** The next symbol. @returns nothing when no code is like that */
  next(bits: BitReader): number | undefined {
    const ahead = bits.peek(longestCode);
    for (let length = 1; length <= longestCode; length++) {
      if (ahead >= (this.#limits[length] ?? 0)) continue;
      bits.skip(length);
      return this.#symbols[(ahead >>> (longestCode - length)) + (this.#offsets[length] ?? 0)];
    }
    return undefined;
  }
}
