import type { Child } from '../../driver.js';
import { BlockError } from '../../error.js';
import { type MapFormat, type MapWriting, Place } from '../shared/mapped/map-format.js';
import { scanTable, UsedPlaces } from '../shared/mapped/scan.js';
import { allocatedField, blockSize, mostBlocks, type VdiHeader } from './header.js';

/** Entries of blocks without a place: never written, and given up. Both read as zeroes. */
export const freeBlock = 0xffff_ffff;
const discardedBlock = 0xffff_fffe;

/** The map of an image: which of the file's blocks each block of the disk is. */
export class VdiMap implements MapFormat, MapWriting {
  readonly name = 'vdi';
  readonly blockSize = blockSize;
  readonly length: number;
  readonly tableBlocks: number;
  readonly entryBytes = 4;
  readonly marksZero = false;
  readonly writing = this;
  readonly #file: Child;
  readonly #header: VdiHeader;
  /** As far as the file is known to reach. */
  #end = 0;
  /** Blocks of the file that are in use; they are the first ones. */
  #used = 0;
  /** What the header says of it. */
  #stored: number;

  constructor(file: Child, header: VdiHeader) {
    this.#file = file;
    this.#header = header;
    this.length = header.size;
    this.tableBlocks = Math.max(1, header.blocks);
    this.#stored = header.allocated;
  }

  tableAt(): number {
    return this.#header.mapOffset;
  }

  placeAt(view: DataView, at: number): number {
    const index = view.getUint32(at, true);
    if (index >= discardedBlock) return Place.none;
    const place = this.#header.dataOffset + index * blockSize;
    if (place >= this.#end) {
      this.#end = this.#file.node.length;
      if (place >= this.#end) return Place.invalid;
    }
    return place;
  }

  offer(): { place: number; count: number } {
    // Others look for the next free block at the number of those that are allocated.
    if (this.#used >= mostBlocks) throw new BlockError('vdi: The image is full', { code: 'ENOSPC' });
    return { place: this.#header.dataOffset + this.#used * blockSize, count: 1 };
  }

  take(): void {
    this.#used++;
  }

  link(view: DataView, at: number, place: number): void {
    view.setUint32(at, (place - this.#header.dataOffset) / blockSize, true);
  }

  /** The number in the header may be out of date: after a crash for instance. */
  async claim(): Promise<void> {
    const { mapOffset, dataOffset, blocks } = this.#header;
    const used = new UsedPlaces('vdi');
    await scanTable(this.#file, { offset: mapOffset, entries: blocks, entryBytes: 4 }, (view, at, block) => {
      const place = this.placeAt(view, at);
      if (place >= 0) used.add(place);
      if (place !== Place.invalid) return;
      throw new BlockError(
        `vdi: The image is damaged and cannot be written: block ${block} is beyond the end of the file`,
        { code: 'EIO' },
      );
    });
    this.#used = Math.max(0, (used.check(blockSize) - dataOffset) / blockSize);
  }

  /**
   * The number of allocated blocks is on the disk before the map is: were it lower than what is in use, others would allocate some
   * once more.
   */
  async beforeTables(): Promise<void> {
    const used = this.#used;
    if (used !== this.#stored) {
      const field = new Uint8Array(4);
      new DataView(field.buffer).setUint32(0, used, true);
      await this.#file.write(allocatedField, field);
    }
    await this.#file.flush();
    this.#stored = used;
  }
}
