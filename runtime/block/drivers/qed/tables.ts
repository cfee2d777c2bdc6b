import type { Child } from '../../driver.js';
import { BlockError } from '../../error.js';
import { largestSize, roundDown, sectorSize } from '../../limits.js';
import { getUint64Le, setUint64Le } from '../shared/little-endian.js';
import { type MapFormat, type MapWriting, Place } from '../shared/mapped/map-format.js';
import type { MappedImage } from '../shared/mapped/mapped-image.js';
import { isClusterPlace, isTablePlace, type QedHeader, serialiseHeader, sizeField } from './header.js';

/** The entry of a cluster that reads as zeroes. */
export const zeroCluster = 1;

/** The L1 table and the L2 tables of an image. */
export class QedTables implements MapFormat, MapWriting {
  readonly name = 'qed';
  readonly blockSize: number;
  readonly tableBlocks: number;
  readonly entryBytes = 8;
  readonly marksZero = true;
  readonly writing = this;
  readonly #file: Child;
  #header: QedHeader;
  /** As far as the file is known to reach. */
  #fileEnd = 0;
  /** Where new clusters and tables go. */
  #end = 0;
  /** Whose tables these are. */
  image!: MappedImage;

  constructor(file: Child, header: QedHeader) {
    this.#file = file;
    this.#header = header;
    this.blockSize = header.clusterSize;
    this.tableBlocks = header.tableLength / 8;
  }

  get header(): QedHeader {
    return this.#header;
  }

  get length(): number {
    return this.#header.size;
  }

  tableAt(table: number): number | undefined | Promise<number | undefined> {
    const base = this.#header.l1Offset;
    const entry = base + table * 8;
    return this.image.lookUp(base, entry, ({ view, offset }) => this.#table(view, entry - offset));
  }

  #table(view: DataView, at: number): number | undefined {
    const offset = getUint64Le(view, at);
    if (offset === 0) return undefined;
    const end = offset + this.#header.tableLength;
    if (end > this.#fileEnd) this.#fileEnd = this.#file.node.length;
    if (isTablePlace(this.#header, offset, this.#fileEnd)) return offset;
    throw new BlockError(`qed: The image is damaged: an L2 table is at ${offset}`, { code: 'EIO' });
  }

  placeAt(view: DataView, at: number): number {
    const offset = getUint64Le(view, at);
    if (offset === 0) return Place.none;
    if (offset === zeroCluster) return Place.zero;
    if (offset >= this.#fileEnd) this.#fileEnd = this.#file.node.length;
    return isClusterPlace(this.#header, offset, this.#fileEnd) ? offset : Place.invalid;
  }

  /** What is behind the last whole cluster is left from a crash. */
  async claim(): Promise<void> {
    this.#end = Math.max(this.#header.headerLength, roundDown(this.#file.node.length, this.blockSize));
  }

  offer(count: number): { place: number; count: number } {
    this.#refuseFull(count * this.blockSize);
    return { place: this.#end, count };
  }

  take(place: number, count: number): void {
    this.#end = place + count * this.blockSize;
  }

  #refuseFull(length: number): void {
    if (this.#end + length > largestSize) throw new BlockError('qed: The image is full', { code: 'ENOSPC' });
  }

  /** An empty table is on the disk before the L1 table points at it. */
  async makeTable(table: number): Promise<number> {
    const { tableLength, l1Offset } = this.#header;
    this.#refuseFull(tableLength);
    const offset = this.#end;
    // Where the file ends before, it is enough to make it longer.
    const kept = Math.max(0, Math.min(tableLength, this.#file.node.length - offset));
    if (kept > 0) await this.#file.writeZeroes(offset, kept);
    await this.#file.write(offset + tableLength - sectorSize, new Uint8Array(sectorSize));
    this.#end = offset + tableLength;
    const entry = l1Offset + table * 8;
    const page = this.image.peek(l1Offset, entry) ?? (await this.image.load(l1Offset, entry));
    setUint64Le(page.view, entry - page.offset, offset);
    this.image.changed(page, entry - page.offset, entry - page.offset + 8);
    return offset;
  }

  link(view: DataView, at: number, place: number): void {
    setUint64Le(view, at, place >= 0 ? place : zeroCluster);
  }

  /** Features that others keep up to date, and we do not, do not hold any more. */
  async begin(): Promise<void> {
    if (this.#header.autoclear === 0n) return;
    await this.#file.write(32, new Uint8Array(8));
    await this.#file.flush();
    this.#header = { ...this.#header, autoclear: 0n };
  }

  /** The disk has another size from now on; the header does not say so yet. */
  resized(size: number): void {
    this.#header = { ...this.#header, size };
  }

  async storeSize(): Promise<void> {
    const bytes = new Uint8Array(8);
    setUint64Le(new DataView(bytes.buffer), 0, this.#header.size);
    await this.#file.write(sizeField, bytes);
    await this.#file.flush();
  }

  /** Rewrites the header. @throws BlockError (ENOSPC) when it does not fit; nothing has changed then */
  async storeHeader(header: QedHeader): Promise<void> {
    await this.#file.write(0, serialiseHeader(header));
    await this.#file.flush();
    this.#header = header;
  }
}
