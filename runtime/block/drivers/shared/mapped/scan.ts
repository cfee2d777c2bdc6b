import type { Child } from '../../../driver.js';
import { viewOf } from '../big-endian.js';

/** Bytes of a table that are read at a time. */
const pieceLength = 2 ** 18;

/** Where a table is. */
interface TablePlace {
  readonly offset: number;
  readonly entries: number;
  readonly entryBytes: 4 | 8;
}

/** Calls `visit` for each entry of a table that may be larger than memory. */
export async function scanTable(
  file: Child,
  { offset, entries, entryBytes }: TablePlace,
  visit: (view: DataView, at: number, index: number) => void,
): Promise<void> {
  const length = entries * entryBytes;
  for (let done = 0; done < length; done += pieceLength) {
    const piece = new Uint8Array(Math.min(pieceLength, length - done));
    await file.read(offset + done, piece);
    const view = viewOf(piece);
    for (let at = 0; at < piece.length; at += entryBytes) visit(view, at, (done + at) / entryBytes);
  }
}

/** The units of a file that are in use, each by one block. */
export class UsedUnits {
  readonly #bits: Uint8Array;
  readonly #units: number;
  /** One more than the highest. */
  end = 0;

  /** @param units how many the file has */
  constructor(units: number) {
    this.#units = units;
    this.#bits = new Uint8Array(Math.ceil(units / 8));
  }

  /** @returns whether the file has the unit, and nothing else uses it */
  add(unit: number): boolean {
    const byte = Math.floor(unit / 8);
    const bit = 1 << (unit % 8);
    if (!(unit >= 0 && unit < this.#units) || ((this.#bits[byte] ?? 0) & bit) !== 0) return false;
    this.#bits[byte] = (this.#bits[byte] ?? 0) | bit;
    this.end = Math.max(this.end, unit + 1);
    return true;
  }
}
