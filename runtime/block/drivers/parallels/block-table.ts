import type { Child } from '../../driver.js';
import { BlockError } from '../../error.js';
import { roundUp } from '../../limits.js';
import { type MapFormat, type MapWriting, Place } from '../shared/mapped/map-format.js';
import type { MappedImage } from '../shared/mapped/mapped-image.js';
import { scanTable, UsedPlaces } from '../shared/mapped/scan.js';
import { headerLength, inUse, inUseField, type ParallelsHeader } from './header.js';

/** How the file grows ahead of what is written, so that its clusters lie side by side on the host. */
export interface Preallocation {
  /** Bytes by which it grows, at least. */
  readonly size: number;
  /** Its blocks are allocated by the host; else it is only made longer. */
  readonly allocated: boolean;
}

/** The table of an image: which of the file's clusters each cluster of the disk is. */
export class BlockTable implements MapFormat, MapWriting {
  readonly name = 'parallels';
  readonly blockSize: number;
  readonly length: number;
  readonly tableBlocks: number;
  readonly entryBytes = 4;
  readonly marksZero = false;
  readonly writing = this;
  readonly #file: Child;
  readonly #header: ParallelsHeader;
  /** As far as the file is known to reach. */
  #fileEnd = 0;
  /** Where new clusters go. */
  #end = 0;
  readonly #ahead: Preallocation | undefined;
  /** The file is longer than what is used of it, because of us. */
  #isAhead = false;
  /** Whose table this is. */
  image!: MappedImage;

  constructor(file: Child, header: ParallelsHeader, ahead?: Preallocation) {
    this.#file = file;
    this.#header = header;
    this.#ahead = ahead;
    this.blockSize = header.clusterSize;
    this.length = header.size;
    this.tableBlocks = Math.max(1, header.entries);
  }

  tableAt(): number {
    return headerLength;
  }

  placeAt(view: DataView, at: number): number {
    const entry = view.getUint32(at, true);
    if (entry === 0) return Place.none;
    const place = entry * this.#header.entryUnit;
    if (place < this.#header.dataOffset) return Place.invalid;
    if (place >= this.#fileEnd) {
      this.#fileEnd = this.#file.node.length;
      if (place >= this.#fileEnd) return Place.invalid;
    }
    return place;
  }

  async claim(): Promise<void> {
    const { entries, dataOffset, clusterSize } = this.#header;
    const used = new UsedPlaces(this.name);
    await scanTable(this.#file, { offset: headerLength, entries, entryBytes: 4 }, (view, at, cluster) => {
      const place = this.placeAt(view, at);
      if (place >= 0) used.add(place);
      if (place !== Place.invalid) return;
      throw new BlockError(
        `parallels: The image is damaged and cannot be written: cluster ${cluster} is not in the file; ` +
          'qemu-img check -r all repairs it',
        { code: 'EIO' },
      );
    });
    this.#end = Math.max(dataOffset, used.check(clusterSize));
  }

  offer(count: number): { place: number; count: number } {
    const { entryUnit } = this.#header;
    const place = roundUp(this.#end, entryUnit);
    if (place / entryUnit + count >= 2 ** 32) throw new BlockError('parallels: The image is full', { code: 'ENOSPC' });
    return { place, count };
  }

  take(place: number, count: number): void {
    this.#end = place + count * this.blockSize;
  }

  link(view: DataView, at: number, place: number): void {
    view.setUint32(at, place / this.#header.entryUnit, true);
  }

  /** Makes the file longer when it has just become so. */
  async linked(): Promise<void> {
    if (this.#ahead === undefined || this.#end < this.#file.node.length) return;
    const length = roundUp(Math.max(this.#ahead.size, this.blockSize), this.blockSize);
    this.#isAhead = true;
    if (this.#ahead.allocated) await this.#file.writeZeroes(this.#end, length);
    else await this.#file.truncate(this.#end + length);
  }

  /** Until the image is closed, others see that it may not be in order. */
  begin(): Promise<void> {
    return this.#mark(inUse);
  }

  async finish(): Promise<void> {
    if (this.#isAhead) await this.#file.truncate(this.#end);
    this.#isAhead = false;
    await this.#mark(0);
  }

  /** The mark is in the first page of the table, by which it is written. */
  async #mark(value: number): Promise<void> {
    const page = await this.image.load(headerLength, headerLength);
    page.view.setUint32(inUseField, value, true);
    this.image.changed(page, inUseField, inUseField + 4);
    await this.image.writeTables();
    await this.#file.flush();
  }
}
