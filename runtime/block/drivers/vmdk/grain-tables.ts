import type { Child } from '../../driver.js';
import { BlockError } from '../../error.js';
import { roundUp, sectorSize } from '../../limits.js';
import { viewOf } from '../shared/big-endian.js';
import { inflateBlock } from '../shared/deflate.js';
import { setUint64Le } from '../shared/little-endian.js';
import { type MapFormat, type MapWriting, Place } from '../shared/mapped/map-format.js';
import type { MappedImage } from '../shared/mapped/mapped-image.js';
import { UnpackedBlocks } from '../shared/unpacked-blocks.js';
import { type SparseHeader, tableSectors } from './sparse-header.js';

/** The entry of a grain that reads as zeroes. */
const zeroGrain = 1;
/** Bytes before compressed data: its sector of the disk, and its length. */
const markerLength = 12;
/** Entries are numbers of sectors. */
const mostSectors = 2 ** 32;

/** Grain directory and grain tables of an extent. */
export class GrainTables implements MapFormat, MapWriting {
  readonly name = 'vmdk';
  readonly header: SparseHeader;
  readonly blockSize: number;
  readonly length: number;
  readonly tableBlocks: number;
  readonly entryBytes = 4;
  readonly marksZero: boolean;
  readonly writing = this;
  readonly #file: Child;
  readonly #unpacked = new UnpackedBlocks();
  /** As far as the file is known to reach. */
  #fileEnd = 0;
  /** Where new grains go. */
  #end = 0;
  /** Whose tables these are. */
  image!: MappedImage;

  constructor(file: Child, header: SparseHeader) {
    this.#file = file;
    this.header = header;
    this.blockSize = header.grain;
    this.length = header.capacity;
    this.tableBlocks = header.tableEntries;
    this.marksZero = header.zeroGrains;
  }

  tableAt(table: number): number | undefined | Promise<number | undefined> {
    return this.#tableOf(this.header.directory, table);
  }

  #tableOf(directory: number, table: number): number | undefined | Promise<number | undefined> {
    const entry = directory + table * 4;
    return this.image.lookUp(directory, entry, ({ view, offset }) => this.#place(view, entry - offset));
  }

  #place(view: DataView, at: number): number | undefined {
    const sector = view.getUint32(at, true);
    if (sector === 0) return undefined;
    const offset = sector * sectorSize;
    if (!this.#inFile(offset)) {
      throw new BlockError(`vmdk: The image is damaged: a grain table is at ${offset}`, { code: 'EIO' });
    }
    return offset;
  }

  #inFile(offset: number): boolean {
    if (offset >= this.#fileEnd) this.#fileEnd = this.#file.node.length;
    return offset < this.#fileEnd;
  }

  placeAt(view: DataView, at: number): number {
    const sector = view.getUint32(at, true);
    if (sector === 0) return Place.none;
    const { zeroGrains, overhead, compressed } = this.header;
    if (sector === zeroGrain && zeroGrains) return Place.zero;
    const place = sector * sectorSize;
    if ((compressed ? place < sectorSize : place < overhead) || !this.#inFile(place)) return Place.invalid;
    return compressed ? Place.packed : place;
  }

  unpack(view: DataView, at: number): Promise<Uint8Array> {
    const place = view.getUint32(at, true) * sectorSize;
    return this.#unpacked.get(place, this.blockSize, (alone) => this.#load(place, alone));
  }

  async #load(place: number, alone: () => boolean): Promise<Uint8Array> {
    const stored = this.header.markers ? await this.#readMarked(place) : await this.#read(place, 2 * this.blockSize);
    const data = await inflateBlock(stored, this.blockSize, this.name, { short: true, alone: alone() });
    if (data.length === this.blockSize) return data;
    // The last grain may end with the disk.
    if (data.length < this.length % this.blockSize) {
      throw new BlockError('vmdk: A compressed grain is too short', { code: 'EIO' });
    }
    const whole = new Uint8Array(this.blockSize);
    whole.set(data);
    return whole;
  }

  /** What was compressed is mostly not longer than a grain: it is read together with what says how long it is. */
  async #readMarked(place: number): Promise<Uint8Array> {
    const first = await this.#read(place, markerLength + this.blockSize);
    const length = first.length < markerLength ? 0 : viewOf(first).getUint32(8, true);
    const end = markerLength + length;
    if (length === 0 || length > 2 * this.blockSize || place + end > this.#file.node.length) {
      throw new BlockError(`vmdk: A compressed grain of ${length} bytes is impossible`, { code: 'EIO' });
    }
    if (end <= first.length) return first.subarray(markerLength, end);
    const rest = await this.#read(place + first.length, end - first.length);
    return Buffer.concat([first.subarray(markerLength), rest]);
  }

  async #read(place: number, most: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(most, this.#file.node.length - place)));
    await this.#file.read(place, bytes);
    return bytes;
  }

  /** All that is in the file may be in use. */
  async claim(): Promise<void> {
    this.#end = Math.max(this.header.overhead, this.#file.node.length);
  }

  offer(count: number): { place: number; count: number } {
    const place = roundUp(this.#end, this.blockSize);
    this.#refuseFull(place + count * this.blockSize);
    return { place, count };
  }

  take(place: number, count: number): void {
    this.#end = place + count * this.blockSize;
  }

  /** Where compressed data goes. */
  offerSectors(length: number): number {
    const place = roundUp(this.#end, sectorSize);
    this.#refuseFull(place + length);
    return place;
  }

  takeSectors(place: number, length: number): void {
    this.#end = place + length;
  }

  #refuseFull(end: number): void {
    if (end / sectorSize >= mostSectors) throw new BlockError('vmdk: The extent is full', { code: 'ENOSPC' });
  }

  /** ESX makes tables when they are needed. An empty table is on the disk before a directory points at it. */
  async makeTable(table: number): Promise<number> {
    const length = Math.max(tableSectors * sectorSize, roundUp(this.tableBlocks * 4, sectorSize));
    const places: number[] = [];
    for (const directory of [this.header.directory, this.header.redundant]) {
      if (directory === undefined) continue;
      const place = this.offerSectors(length);
      await this.#file.write(place, new Uint8Array(length));
      this.takeSectors(place, length);
      await this.#set(directory, directory + table * 4, place);
      places.push(place);
    }
    return places[0] ?? 0;
  }

  link(view: DataView, at: number, place: number): void {
    view.setUint32(at, place >= 0 ? place / sectorSize : zeroGrain, true);
  }

  /** The redundant tables say the same. */
  async linked(block: number, place: number): Promise<void> {
    const { redundant } = this.header;
    if (redundant === undefined) return;
    const base = await this.#tableOf(redundant, Math.floor(block / this.tableBlocks));
    if (base !== undefined) await this.#set(base, base + (block % this.tableBlocks) * 4, place);
  }

  async #set(base: number, entry: number, place: number): Promise<void> {
    const page = this.image.peek(base, entry) ?? (await this.image.load(base, entry));
    this.link(page.view, entry - page.offset, place);
    this.image.changed(page, entry - page.offset, entry - page.offset + 4);
  }
}

/** Compressed data as it is in the file. @param sector of the disk */
export function withMarker(sector: number, packed: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(roundUp(markerLength + packed.length, sectorSize));
  const view = viewOf(bytes);
  setUint64Le(view, 0, sector);
  view.setUint32(8, packed.length, true);
  bytes.set(packed, markerLength);
  return bytes;
}
