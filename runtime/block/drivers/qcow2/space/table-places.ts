import { offsetOf } from '../format/table-entry.js';

/** Bits of the filter, a power of two. */
const size = 2 ** 20;

/**
 * Tells in an instant that no L2 table and no refcount block is in a range of the file, or that one may be: a filter with one
 * bit for all clusters whose numbers are equal modulo its size. Clusters are added, never taken away.
 */
export class TablePlaces {
  readonly #bits = new Uint8Array(size / 8);
  readonly #clusterSize: number;

  constructor(clusterSize: number) {
    this.#clusterSize = clusterSize;
  }

  /** A table is at `offset` from now on. */
  add(offset: number): void {
    const bit = Math.floor(offset / this.#clusterSize) % size;
    this.#bits[bit >>> 3] = (this.#bits[bit >>> 3] ?? 0) | (1 << (bit & 7));
  }

  /** Adds all tables that the entries of an L1 table, or of the refcount table, point at. */
  addAll(table: DataView): void {
    for (let at = 0; at < table.byteLength; at += 8) {
      const offset = offsetOf(table.getUint32(at), table.getUint32(at + 4));
      if (offset === 0) continue;
      // One that does not begin with a cluster, which is an error, is in two.
      this.add(offset);
      this.add(offset + this.#clusterSize - 1);
    }
  }

  /** Whether there may be a table between two offsets. False is certain. */
  mayHave(from: number, to: number): boolean {
    const last = Math.floor((to - 1) / this.#clusterSize);
    for (let cluster = Math.floor(from / this.#clusterSize); cluster <= last; cluster++) {
      const bit = cluster % size;
      if (((this.#bits[bit >>> 3] ?? 0) & (1 << (bit & 7))) !== 0) return true;
    }
    return false;
  }
}
