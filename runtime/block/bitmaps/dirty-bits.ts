import { roundUp } from '../limits.js';

/** Bits of a page, which exists only where one of them is set. */
const pageBits = 32_768;
const wordsOfPage = pageBits / 32;

/** A stretch, in bytes. */
export interface Stretch {
  readonly offset: number;
  readonly length: number;
}

/**
 * Which granules of a disk are dirty: one bit for each. Takes memory only where something is dirty, so that a fine granularity on a
 * large disk is affordable.
 */
export class DirtyBits {
  /** Bytes that one bit stands for. A power of two. */
  readonly granularity: number;
  #size: number;
  #count = 0;
  readonly #pages: (Uint32Array | undefined)[] = [];

  /**
   * @param size bytes of the disk
   * @param granularity bytes of a granule, a power of two
   */
  constructor(size: number, granularity: number) {
    this.#size = size;
    this.granularity = granularity;
  }

  /** Bytes of the disk. */
  get size(): number {
    return this.#size;
  }

  /** How many granules are dirty. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of all dirty granules, what the last one has beyond the end of the disk included. */
  get dirtyBytes(): number {
    return this.#count * this.granularity;
  }

  /** Whether the granule at an offset is dirty. */
  has(offset: number): boolean {
    return this.#bit(Math.floor(offset / this.granularity));
  }

  /** Marks every granule that a stretch touches, as far as it is on the disk. */
  set(offset: number, length: number): void {
    const end = Math.min(offset + length, this.#size);
    if (length > 0 && offset < end) this.#change(offset, end, true);
  }

  /** Clears every granule that a stretch touches. */
  clear(offset: number, length: number): void {
    if (length > 0) this.#change(offset, offset + length, false);
  }

  /**
   * The first stretch of dirty granules at or after an offset, cut at the end of the disk.
   *
   * @param most bytes, at least a granule
   */
  run(from: number, most: number): Stretch | undefined {
    const first = this.#search(Math.floor(from / this.granularity), true);
    if (first === undefined) return undefined;
    const limit = first + Math.max(1, Math.floor(most / this.granularity));
    const last = Math.min(this.#search(first, false) ?? limit, limit);
    const offset = first * this.granularity;
    return { offset, length: Math.min(last * this.granularity, this.#size) - offset };
  }

  /** All stretches of dirty granules, in order. Nothing may change meanwhile. */
  *runs(): Iterable<Stretch> {
    for (let from = 0; ; ) {
      const found = this.run(from, Number.MAX_SAFE_INTEGER);
      if (found === undefined) return;
      yield found;
      // The last granule may reach beyond the end of the disk.
      from = roundUp(found.offset + found.length, this.granularity);
    }
  }

  /** Marks what is dirty in another one, too. */
  add(other: DirtyBits): void {
    for (const { offset, length } of other.runs()) this.set(offset, length);
  }

  /** The disk has another size: what is new is clean, and what is cut off is forgotten. */
  resize(size: number): void {
    if (size < this.#size) this.clear(Math.ceil(size / this.granularity) * this.granularity, this.#size - size);
    this.#size = size;
  }

  #bit(index: number): boolean {
    const page = this.#pages[Math.floor(index / pageBits)];
    if (page === undefined) return false;
    const bit = index % pageBits;
    return (((page[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
  }

  #change(offset: number, end: number, dirty: boolean): void {
    const last = Math.ceil(end / this.granularity);
    for (let index = Math.floor(offset / this.granularity); index < last; ) {
      const number = Math.floor(index / pageBits);
      const pageEnd = Math.min((number + 1) * pageBits, last);
      let page = this.#pages[number];
      if (page === undefined && dirty) {
        page = new Uint32Array(wordsOfPage);
        this.#pages[number] = page;
      }
      if (page === undefined) {
        index = pageEnd;
        continue;
      }
      for (; index < pageEnd; ) {
        const bit = index % pageBits;
        const taken = Math.min(32 - (bit & 31), pageEnd - index);
        const mask = ((taken === 32 ? 0xffff_ffff : (1 << taken) - 1) << (bit & 31)) >>> 0;
        const before = page[bit >>> 5] ?? 0;
        const after = (dirty ? before | mask : before & ~mask) >>> 0;
        page[bit >>> 5] = after;
        this.#count += bitsIn(after) - bitsIn(before);
        index += taken;
      }
    }
  }

  /** The first bit at or after an index that is set, or that is not. Behind the last page all are clear. */
  #search(from: number, wanted: boolean): number | undefined {
    for (let index = from; ; ) {
      const number = Math.floor(index / pageBits);
      if (number >= this.#pages.length) return wanted ? undefined : index;
      const page = this.#pages[number];
      const pageEnd = (number + 1) * pageBits;
      if (page === undefined) {
        if (!wanted) return index;
        index = pageEnd;
        continue;
      }
      while (index < pageEnd) {
        const bit = index % pageBits;
        const word = page[bit >>> 5] ?? 0;
        const rest = ((wanted ? word : ~word) >>> (bit & 31)) >>> 0;
        if (rest !== 0) return index + (31 - Math.clz32(rest & -rest));
        index += 32 - (bit & 31);
      }
    }
  }
}

function bitsIn(word: number): number {
  let rest = word - ((word >>> 1) & 0x5555_5555);
  rest = (rest & 0x3333_3333) + ((rest >>> 2) & 0x3333_3333);
  return (((rest + (rest >>> 4)) & 0x0f0f_0f0f) * 0x0101_0101) >>> 24;
}
