/*
 * The entropy coder of LZFSE: finite states, each of which stands for a symbol, and of which a next one is chosen by bits. A symbol
 * has as many states as it is frequent.
 */

/** A table of states. */
export interface StateTable {
  /** The symbol of each state. */
  readonly symbols: Uint8Array;
  /** How many bits choose the next state. */
  readonly bits: Uint8Array;
  /** What is added to them. */
  readonly bases: Uint16Array;
}

/**
 * @param frequencies of each symbol
 * @param states how many there are: a power of two, and the sum of all frequencies
 * @returns nothing when the sum is another
 */
export function stateTable(frequencies: ArrayLike<number>, states: number): StateTable | undefined {
  const table = { symbols: new Uint8Array(states), bits: new Uint8Array(states), bases: new Uint16Array(states) };
  let state = 0;
  for (let symbol = 0; symbol < frequencies.length; symbol++) {
    const frequency = frequencies[symbol] ?? 0;
    if (state + frequency > states) return undefined;
    if (frequency === 0) continue;
    // So that the frequency, shifted, is between the number of states and twice as many.
    const shift = Math.clz32(frequency) - Math.clz32(states);
    const wide = ((2 * states) >> shift) - frequency;
    for (let index = 0; index < frequency; index++, state++) {
      table.symbols[state] = symbol;
      table.bits[state] = index < wide ? shift : shift - 1;
      table.bases[state] = index < wide ? ((frequency + index) << shift) - states : (index - wide) << (shift - 1);
    }
  }
  return state === states ? table : undefined;
}

/** Reads bits from the end of a payload to its beginning. */
export class BackwardBits {
  /** So many bits are left. Negative: more were read than there are. */
  left: number;
  readonly #bytes: Uint8Array;

  /** @param unused bits at the end of the last byte */
  constructor(payload: Uint8Array, unused: number) {
    // Whole words can be read at its end.
    this.#bytes = new Uint8Array(payload.length + 4);
    this.#bytes.set(payload);
    this.left = payload.length * 8 - unused;
  }

  /** @param count at most 25. @returns the bits as a number, of which the one that was read first is the highest */
  read(count: number): number {
    this.left -= count;
    const at = this.left;
    if (at < 0) return 0;
    const bytes = this.#bytes;
    const byte = at >>> 3;
    const word =
      (bytes[byte] ?? 0) |
      ((bytes[byte + 1] ?? 0) << 8) |
      ((bytes[byte + 2] ?? 0) << 16) |
      ((bytes[byte + 3] ?? 0) << 24);
    return (word >>> (at & 7)) & ((1 << count) - 1);
  }
}
