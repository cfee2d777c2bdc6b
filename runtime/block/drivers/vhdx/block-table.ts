import type { Child } from '../../driver.js';
import { BlockError } from '../../error.js';
import { largestSize, roundUp } from '../../limits.js';
import { Lock } from '../shared/lock.js';
import { type MapFormat, type MapWriting, Place } from '../shared/mapped/map-format.js';
import { scanTable, UsedPlaces } from '../shared/mapped/scan.js';
import { newGuid, noGuid } from './guid.js';
import { changeHeaders, type Header, invalidVhdx, mebi } from './headers.js';
import { logEntry } from './log.js';
import { type Metadata, overlap, type Region, type Regions } from './regions.js';

const entryBytes = 8;
/** What an entry says of its block. All others than these, but for those of older images, read as zeroes. */
export const BlockState = { absent: 0, undefined: 1, zero: 2, unmapped: 3, unmappedBefore: 5, present: 6 } as const;
const zeroStates: readonly number[] = [
  BlockState.undefined,
  BlockState.zero,
  BlockState.unmapped,
  BlockState.unmappedBefore,
];

/** Blocks between two entries that stand for no block, but for marks of differencing images. */
export function chunkOf({ blockSize, logicalSector }: Pick<Metadata, 'blockSize' | 'logicalSector'>): number {
  return (2 ** 23 * logicalSector) / blockSize;
}

/** Entries of the table. */
export function entriesOf(metadata: Metadata): number {
  const blocks = Math.ceil(metadata.size / metadata.blockSize);
  return blocks === 0 ? 0 : blocks + Math.floor((blocks - 1) / chunkOf(metadata));
}

/** The block allocation table, whose changes go through the log. */
export class BlockTable implements MapFormat, MapWriting {
  readonly name = 'vhdx';
  readonly blockSize: number;
  readonly length: number;
  readonly tableBlocks: number;
  readonly entryBytes = entryBytes;
  readonly marksZero = false;
  readonly writing = this;
  readonly pagesFrom: number;
  readonly #file: Child;
  readonly #entries: number;
  readonly #metadata: readonly Region[];
  readonly #lock = new Lock();
  #header: Header;
  /** As far as the file is known to reach. */
  #fileEnd = 0;
  /** Where new blocks go. */
  #end = 0;

  constructor(file: Child, header: Header, regions: Regions, metadata: Metadata) {
    this.#file = file;
    this.#header = header;
    this.blockSize = metadata.blockSize;
    this.length = metadata.size;
    this.tableBlocks = chunkOf(metadata);
    this.pagesFrom = regions.blockTable.offset;
    this.#entries = entriesOf(metadata);
    this.#metadata = [
      { offset: 0, length: mebi },
      { offset: header.logOffset, length: header.logLength },
      regions.blockTable,
      regions.metadata,
    ];
    if (this.#entries * entryBytes > regions.blockTable.length)
      throw invalidVhdx('its table is too small for its disk');
  }

  tableAt(table: number): number {
    return this.pagesFrom + table * (this.tableBlocks + 1) * entryBytes;
  }

  placeAt(view: DataView, at: number): number {
    const low = view.getUint32(at, true);
    const state = low & 7;
    if (state === BlockState.absent) return Place.none;
    if (zeroStates.includes(state)) return Place.zero;
    const place = view.getUint32(at + 4, true) * 2 ** 32 + (low - (low % mebi));
    if (state !== BlockState.present || place > largestSize) return Place.invalid;
    if (place >= this.#fileEnd) {
      this.#fileEnd = this.#file.node.length;
      if (place >= this.#fileEnd) return Place.invalid;
    }
    const block = { offset: place, length: this.blockSize };
    return this.#metadata.some((region) => overlap(region, block)) ? Place.invalid : place;
  }

  async claim(): Promise<void> {
    const used = new UsedPlaces(this.name);
    const table = { offset: this.pagesFrom, entries: this.#entries, entryBytes } as const;
    await scanTable(this.#file, table, (view, at, index) => {
      if ((index + 1) % (this.tableBlocks + 1) === 0) return;
      const place = this.placeAt(view, at);
      if (place >= 0) used.add(place);
      if (place !== Place.invalid) return;
      throw new BlockError(`vhdx: The image is damaged and cannot be written: entry ${index} of its table is wrong`, {
        code: 'EIO',
      });
    });
    this.#end = Math.max(used.check(this.blockSize), this.#file.node.length);
  }

  offer(count: number): { place: number; count: number } {
    const place = roundUp(this.#end, mebi);
    if (place + count * this.blockSize > largestSize)
      throw new BlockError('vhdx: The image is full', { code: 'ENOSPC' });
    return { place, count };
  }

  take(place: number, count: number): void {
    this.#end = place + count * this.blockSize;
  }

  link(view: DataView, at: number, place: number): void {
    view.setUint32(at, (place % 2 ** 32) + BlockState.present, true);
    view.setUint32(at + 4, Math.floor(place / 2 ** 32), true);
  }

  /** Others notice by these ids that the file, and its contents, have changed. */
  async begin(): Promise<void> {
    await this.#lock.run(async () => {
      const change = { fileWriteGuid: newGuid(), dataWriteGuid: newGuid() };
      this.#header = await changeHeaders(this.#file, this.#header, change);
    });
  }

  /** Writes a sector of the table by way of the log: whatever happens, it is there as a whole, or not at all. */
  putTable(offset: number, _part: Uint8Array, whole: Uint8Array): Promise<void> {
    return this.#lock.run(async () => {
      const file = this.#file;
      this.#header = await changeHeaders(file, this.#header, { logGuid: newGuid() });
      await file.write(this.#header.logOffset, logEntry(this.#header, offset, whole, file.node.length));
      await file.flush();
      await file.write(offset, whole);
      await file.flush();
      this.#header = await changeHeaders(file, this.#header, { logGuid: noGuid });
    });
  }
}
