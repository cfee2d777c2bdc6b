/*
 * A plain encoder of LZFSE, after the encoder's side of its tables, where the decoder has the other. 7-Zip reads what it makes.
 */

/** What is taken as it is, and then what is repeated. */
interface Triple {
  readonly literals: number;
  readonly match: number;
  readonly distance: number;
}

const literalValues = [...Array<number>(16).fill(0), 2, 3, 5, 8];
const matchValues = [...Array<number>(16).fill(0), 3, 5, 8, 11];
const distanceValues = Array.from({ length: 64 }, (_, symbol) => Math.floor(symbol / 4));
const [longestLiterals, longestMatch, farthest] = [315, 2359, 262_139];

/** A greedy parse of data, whose matches are short and long, near and far. */
export function triplesOf(data: Buffer): Triple[] {
  const triples: Triple[] = [];
  const seen = new Map<string, number>();
  let [at, from] = [0, 0];
  while (at < data.length) {
    const key = data.toString('latin1', at, at + 4);
    const before = seen.get(key);
    seen.set(key, at);
    let match = 0;
    if (before !== undefined && key.length === 4 && at - before <= farthest) {
      while (match < longestMatch && at + match < data.length && data[before + match] === data[at + match]) match++;
    }
    if (match === 0) {
      at++;
      if (at - from < longestLiterals) continue;
    }
    triples.push({ literals: at - from, match, distance: match === 0 ? 1 : at - (before ?? 0) });
    at += match;
    from = at;
  }
  triples.push({ literals: data.length - from, match: 0, distance: 1 });
  return triples;
}

/** The literals that triples take. */
function literalsOf(data: Buffer, triples: readonly Triple[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const { literals, match } of triples) {
    parts.push(data.subarray(at, at + literals));
    at += literals + match;
  }
  return Buffer.concat(parts);
}

/** Writes numbers as bits, the lowest first. */
class Bits {
  #bits: number[] = [];

  push(value: number, count: number): void {
    for (let bit = 0; bit < count; bit++) this.#bits.push(Math.floor(value / 2 ** bit) & 1);
  }

  /** Bits of the last byte that are not used. */
  get unused(): number {
    return -this.#bits.length & 7;
  }

  bytes(): Buffer {
    const bytes = Buffer.alloc(Math.ceil(this.#bits.length / 8));
    for (const [index, bit] of this.#bits.entries())
      bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (bit << (index & 7));
    return bytes;
  }
}

/** Frequencies that sum up to a number of states; a symbol that occurs has at least one. */
function normalised(symbols: readonly number[], count: number, states: number): number[] {
  const counts = Array<number>(count).fill(0);
  for (const symbol of symbols) counts[symbol] = (counts[symbol] ?? 0) + 1;
  if (symbols.length === 0) return counts;
  const scaled = counts.map((each) => (each === 0 ? 0 : Math.max(1, Math.floor((each * states) / symbols.length))));
  for (let excess = scaled.reduce((sum, each) => sum + each, 0) - states; excess !== 0; ) {
    const most = scaled.indexOf(Math.max(...scaled));
    const change = excess > 0 ? Math.max(1, Math.min(excess, (scaled[most] ?? 0) >> 1)) : excess;
    scaled[most] = (scaled[most] ?? 0) - change;
    excess -= change;
  }
  return scaled;
}

/** One of the coders. */
class Coder {
  readonly frequencies: number[];
  state = 0;
  readonly #table: { readonly limit: number; readonly shift: number; readonly high: number; readonly low: number }[] =
    [];

  constructor(symbols: readonly number[], count: number, states: number) {
    this.frequencies = normalised(symbols, count, states);
    let offset = 0;
    for (const frequency of this.frequencies) {
      const shift = Math.clz32(frequency) - Math.clz32(states);
      this.#table.push({
        limit: (frequency << shift) - states,
        shift,
        high: offset - frequency + (states >> shift),
        low: offset - frequency + (states >> (shift - 1)),
      });
      offset += frequency;
    }
  }

  put(symbol: number, output: Bits): void {
    const entry = this.#table[symbol];
    if (entry === undefined) throw new Error('no such symbol');
    const { limit, shift, high, low } = entry;
    const count = this.state >= limit ? shift : shift - 1;
    output.push(this.state & ((1 << count) - 1), count);
    this.state = (this.state >= limit ? high : low) + (this.state >> count);
  }
}

/** The symbol of a value, its bits and their number. */
function symbolOf(value: number, bits: readonly number[]): [symbol: number, extra: number, count: number] {
  let first = 0;
  for (const [symbol, count] of bits.entries()) {
    if (value < first + 2 ** count) return [symbol, value - first, count];
    first += 2 ** count;
  }
  throw new Error(`no symbol for ${value}`);
}

function frequencyCode(value: number): [bits: number, count: number] {
  if (value < 2) return [value * 2, 2];
  if (value < 4) return [value === 2 ? 1 : 5, 3];
  if (value < 8) return [3 + (value - 4) * 8, 5];
  return value < 24 ? [7 + (value - 8) * 16, 8] : [15 + (value - 24) * 16, 14];
}

/** A block of LZFSE. */
export function lzfseBlock(data: Buffer, triples: readonly Triple[]): Buffer {
  const taken = literalsOf(data, triples);
  const literals = Buffer.concat([taken, Buffer.alloc(-taken.length & 3)]);
  const literalCoder = new Coder([...literals], 256, 1024);
  const literalBits = new Bits();
  const states = [0, 0, 0, 0];
  for (let index = literals.length - 1; index >= 0; index--) {
    literalCoder.state = states[index & 3] ?? 0;
    literalCoder.put(literals[index] ?? 0, literalBits);
    states[index & 3] = literalCoder.state;
  }
  let last = 0;
  const rows = triples.map(({ literals: count, match, distance }) => {
    const same = distance === last;
    last = distance;
    return [
      symbolOf(count, literalValues),
      symbolOf(match, matchValues),
      symbolOf(same ? 0 : distance, distanceValues),
    ] as const;
  });
  const coders = [
    new Coder(
      rows.map(([count]) => count[0]),
      20,
      64,
    ),
    new Coder(
      rows.map(([, match]) => match[0]),
      20,
      64,
    ),
    new Coder(
      rows.map(([, , distance]) => distance[0]),
      64,
      256,
    ),
  ] as const;
  const tripleBits = new Bits();
  for (const row of [...rows].reverse()) {
    for (const which of [2, 1, 0] as const) {
      const [symbol, extra, count] = row[which];
      tripleBits.push(extra, count);
      coders[which].put(symbol, tripleBits);
    }
  }
  const [literalPayload, triplePayload] = [literalBits.bytes(), tripleBits.bytes()];
  const frequencies = [...coders, literalCoder].flatMap((coder) => coder.frequencies);
  const shape = {
    raw: data.length,
    literals: literals.length,
    triples: triples.length,
    bytes: [literalPayload.length, triplePayload.length] as const,
    unused: [literalBits.unused, tripleBits.unused] as const,
    literalStates: states,
    tripleStates: coders.map((coder) => coder.state),
    frequencies,
  };
  return Buffer.concat([packedHeader(shape), literalPayload, triplePayload]);
}

interface Shape {
  readonly raw: number;
  readonly literals: number;
  readonly triples: number;
  readonly bytes: readonly [number, number];
  readonly unused: readonly [number, number];
  readonly literalStates: readonly number[];
  readonly tripleStates: readonly number[];
  readonly frequencies: readonly number[];
}

function packedHeader({
  raw,
  literals,
  triples,
  bytes,
  unused,
  literalStates,
  tripleStates,
  frequencies,
}: Shape): Buffer {
  const coded = new Bits();
  for (const frequency of frequencies) coded.push(...frequencyCode(frequency));
  const tables = coded.bytes();
  const head = Buffer.alloc(32);
  head.write('bvx2', 'latin1');
  head.writeUInt32LE(raw, 4);
  const word = (at: number, fields: readonly (readonly [value: number, shift: number])[]): void => {
    head.writeBigUInt64LE(
      fields.reduce((sum, [value, shift]) => sum | (BigInt(value) << BigInt(shift)), 0n),
      at,
    );
  };
  const [l = 0, m = 0, d = 0] = tripleStates;
  word(8, [
    [literals, 0],
    [bytes[0], 20],
    [triples, 40],
    [7 - unused[0], 60],
  ]);
  word(16, [...literalStates.map((state, index) => [state, index * 10] as const), [bytes[1], 40], [7 - unused[1], 60]]);
  word(24, [
    [32 + tables.length, 0],
    [l, 32],
    [m, 42],
    [d, 52],
  ]);
  return Buffer.concat([head, tables]);
}

/** A block of LZVN, with all of its codes. Distances must have 16 bits. */
export function lzvnBlock(data: Buffer, triples: readonly Triple[]): Buffer {
  const codes: Buffer[] = [];
  let [at, last] = [0, 0];
  const take = (count: number): void => {
    codes.push(data.subarray(at, at + count));
    at += count;
  };
  const literal = (count: number): void => {
    for (let left = count; left > 0; left -= Math.min(left, 271)) {
      const most = Math.min(left, 271);
      codes.push(most < 16 ? Buffer.of(0xe0 + most) : Buffer.of(0xe0, most - 16));
      take(most);
    }
  };
  for (const { literals, match, distance } of triples) {
    // There is no code for a match of one or two bytes: they are taken as they are.
    if (match < 3) {
      literal(literals + match);
      continue;
    }
    const medium = distance < 2 ** 14 && match % 2 === 0;
    const length = Math.min(match, medium ? 34 : 10);
    // Few literals go with the code for a match, where that is not the code of something else.
    const few = literals % 4;
    const own = medium || isFree((few << 6) + ((length - 3) << 3)) ? few : 0;
    literal(literals - own);
    const code = (own << 6) + ((length - 3) << 3);
    if (medium) {
      const m = length - 3;
      codes.push(Buffer.of(0xa0 + (own << 3) + (m >> 2), ((distance & 63) << 2) + (m & 3), distance >> 6));
    } else if (distance === last && own > 0) codes.push(Buffer.of(code + 6));
    else if (distance < 0x600) codes.push(Buffer.of(code + (distance >> 8), distance & 255));
    else codes.push(Buffer.of(code + 7, distance & 255, distance >> 8));
    last = distance;
    take(own);
    at += length;
    for (let left = match - length; left > 0; left -= Math.min(left, 271)) {
      const most = Math.min(left, 271);
      codes.push(most < 16 ? Buffer.of(0xf0 + most) : Buffer.of(0xf0, most - 16));
      at += most;
    }
  }
  codes.push(Buffer.of(0x0e, 0x16, 6, 0, 0, 0, 0, 0, 0, 0));
  const payload = Buffer.concat(codes);
  const head = Buffer.alloc(12);
  head.write('bvxn', 'latin1');
  head.writeUInt32LE(data.length, 4);
  head.writeUInt32LE(payload.length, 8);
  return Buffer.concat([head, payload]);
}

/** Whether codes that begin like this are for literals and a match. */
function isFree(low: number): boolean {
  return low < 0x70 || (low >= 0x80 && low < 0xa0) || (low >= 0xc0 && low < 0xd0);
}

/** A block of data as it is. */
export function plainBlock(data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write('bvx-', 'latin1');
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data]);
}

/** What is behind the last block. */
export const lzfseEnd = Buffer.from('bvx$', 'latin1');

/** A stream of blocks of all kinds that programs write, in turn. */
export function packLzfse(data: Buffer): Buffer {
  const piece = 5000;
  const blocks: Buffer[] = [];
  for (let at = 0; at < data.length; at += piece) {
    const part = data.subarray(at, at + piece);
    const pack = [lzfseBlock, lzvnBlock, plainBlock][(at / piece) % 3] ?? plainBlock;
    blocks.push(pack(part, triplesOf(part)));
  }
  return Buffer.concat([...blocks, lzfseEnd]);
}
