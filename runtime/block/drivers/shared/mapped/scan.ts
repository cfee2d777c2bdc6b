import type { Child } from '../../../driver.js';
import { BlockError } from '../../../error.js';
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

/** Places that are looked at before an image is written: 16 TiB in blocks of one megabyte. */
const mostPlaces = 2 ** 24;

/** The places in a file that blocks have: no two of them may share anything. */
export class UsedPlaces {
  readonly #name: string;
  #places = new Float64Array(1024);
  #count = 0;

  /** @param name of the format, for messages */
  constructor(name: string) {
    this.#name = name;
  }

  /** @throws BlockError (EFBIG) when there are too many */
  add(place: number): void {
    if (this.#count === mostPlaces) {
      throw new BlockError(`${this.#name}: The image has too many blocks to be written`, { code: 'EFBIG' });
    }
    if (this.#count === this.#places.length) {
      const more = new Float64Array(this.#count * 2);
      more.set(this.#places);
      this.#places = more;
    }
    this.#places[this.#count++] = place;
  }

  /**
   * @param length bytes that each block takes
   * @returns the end of the last one; 0: there is none
   * @throws BlockError (EIO) when two overlap
   */
  check(length: number): number {
    const places = this.#places.subarray(0, this.#count).sort();
    let end = 0;
    for (const place of places) {
      if (place < end) {
        throw new BlockError(
          `${this.#name}: The image is damaged and cannot be written: two blocks share offset ${place} of the file`,
          { code: 'EIO' },
        );
      }
      end = place + length;
    }
    return end;
  }
}
