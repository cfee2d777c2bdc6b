import type { Child } from '../../driver.js';
import { BlockError } from '../../error.js';
import { roundUp, sectorSize } from '../../limits.js';
import { type MapFormat, type MapWriting, Place } from '../shared/mapped/map-format.js';
import { scanTable, UsedPlaces } from '../shared/mapped/scan.js';
import { type DynamicHeader, dynamicHeaderLength, footerLength } from './footer.js';

/** The entry of a block that was never written. */
const freeBlock = 0xffff_ffff;
/** Blocks that are remembered as having their sectors marked as written. */
const mostMarked = 65_536;

/** Bytes of the marks before each block: a bit for each of its sectors. */
function marksLength(blockSize: number): number {
  return roundUp(blockSize / (8 * sectorSize), sectorSize);
}

/** The block allocation table of a dynamic image. */
export class BlockTable implements MapFormat, MapWriting {
  readonly name = 'vpc';
  readonly blockSize: number;
  readonly length: number;
  readonly tableBlocks: number;
  readonly entryBytes = 4;
  readonly marksZero = false;
  readonly writing = this;
  readonly ones: number;
  readonly #file: Child;
  readonly #header: DynamicHeader;
  readonly #footer: Uint8Array;
  /** What else is in the file: begin and end. */
  readonly #metadata: readonly (readonly [number, number])[];
  /** As far as the file is known to reach. */
  #fileEnd = 0;
  /** The end of the last block: where the next one goes, and the footer until then. */
  #end = 0;
  /** Where the footer is. */
  #footerAt = -1;
  readonly #marked = new Set<number>();

  /** @param footer as it is in the file */
  constructor(
    file: Child,
    image: {
      readonly header: DynamicHeader;
      readonly headerOffset: number;
      readonly footer: Uint8Array;
      readonly size: number;
    },
  ) {
    const { header, headerOffset, footer, size } = image;
    this.#file = file;
    this.#header = header;
    this.#footer = footer;
    this.blockSize = header.blockSize;
    this.length = size;
    this.tableBlocks = Math.max(1, header.entries);
    this.ones = marksLength(header.blockSize);
    this.#metadata = [
      [0, footerLength],
      [headerOffset, headerOffset + dynamicHeaderLength],
      [header.tableOffset, header.tableOffset + header.entries * 4],
    ];
  }

  tableAt(): number {
    return this.#header.tableOffset;
  }

  placeAt(view: DataView, at: number): number {
    const entry = view.getUint32(at);
    if (entry === freeBlock) return Place.none;
    const start = entry * sectorSize;
    const end = start + this.ones + this.blockSize;
    if (this.#metadata.some(([from, to]) => start < to && from < end)) return Place.invalid;
    if (end > this.#fileEnd) {
      this.#fileEnd = this.#file.node.length;
      if (end > this.#fileEnd) return Place.invalid;
    }
    return start + this.ones;
  }

  /** @throws BlockError (EINVAL) when a block ends beyond the end of the file */
  async survey(): Promise<void> {
    await this.#scan(() => {});
  }

  async claim(): Promise<void> {
    const used = new UsedPlaces(this.name);
    await this.#scan((place) => used.add(place - this.ones));
    const { tableOffset, entries } = this.#header;
    const end = Math.max(roundUp(tableOffset + entries * 4, sectorSize), used.check(this.ones + this.blockSize));
    this.#end = end;
    this.#footerAt = end;
  }

  async #scan(visit: (place: number) => void): Promise<void> {
    const { tableOffset, entries } = this.#header;
    const table = { offset: tableOffset, entries, entryBytes: 4 } as const;
    await scanTable(this.#file, table, (view, at, block) => {
      const place = this.placeAt(view, at);
      if (place >= 0) visit(place);
      if (place !== Place.invalid) return;
      throw new BlockError(`vpc: The image is damaged or has been truncated: block ${block} is not in the file`, {
        code: 'EINVAL',
      });
    });
  }

  offer(): { place: number; count: number } {
    if (this.#end / sectorSize >= freeBlock) throw new BlockError('vpc: The image is full', { code: 'ENOSPC' });
    return { place: this.#end + this.ones, count: 1 };
  }

  take(place: number): void {
    this.#end = place + this.blockSize;
    this.#mark(place);
  }

  /** Other programs look at the marks, so all sectors of a block that is written count as written. */
  touch(place: number, offset: number): Promise<void> | undefined {
    const start = place - (offset % this.blockSize);
    if (this.#marked.has(start)) return undefined;
    return this.#writeMarks(start);
  }

  async #writeMarks(start: number): Promise<void> {
    const marks = Buffer.alloc(this.ones);
    await this.#file.read(start - this.ones, marks);
    if (marks.some((byte) => byte !== 0xff)) {
      // On the disk no later than the data: what is not marked may count as zero.
      await this.#file.write(start - this.ones, marks.fill(0xff));
    }
    this.#mark(start);
  }

  #mark(start: number): void {
    if (this.#marked.size === mostMarked) this.#marked.clear();
    this.#marked.add(start);
  }

  link(view: DataView, at: number, place: number): void {
    view.setUint32(at, (place - this.ones) / sectorSize);
  }

  /** The footer is behind the last block, before the table has that. In between, its copy at the beginning counts. */
  async beforeTables(): Promise<void> {
    const end = this.#end;
    if (this.#footerAt !== end) await this.#file.write(end, this.#footer);
    await this.#file.flush();
    this.#footerAt = end;
  }
}
