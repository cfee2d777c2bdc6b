import type { Child } from '../../driver.js';
import { BlockError } from '../../error.js';
import { largestSize, roundUp, sectorSize } from '../../limits.js';
import { getUint64, setUint64 } from '../shared/big-endian.js';
import { inflateRawBlock } from '../shared/deflate.js';
import { type MapFormat, type MapWriting, Place } from '../shared/mapped/map-format.js';
import type { MappedImage } from '../shared/mapped/mapped-image.js';
import { UnpackedBlocks } from '../shared/unpacked-blocks.js';
import { l1EntriesOf, type QcowHeader } from './header.js';

/** In the upper half of an entry: the cluster is compressed. */
const packedFlag = 0x8000_0000;

/** The L1 table and the L2 tables of an image. */
export class QcowTables implements MapFormat, MapWriting {
  readonly name = 'qcow';
  readonly blockSize: number;
  readonly length: number;
  readonly tableBlocks: number;
  readonly entryBytes = 8;
  readonly marksZero = false;
  readonly writing = this;
  /** Where the L1 table ends, and clusters may be. */
  readonly l1End: number;
  readonly #file: Child;
  readonly #header: QcowHeader;
  readonly #unpacked = new UnpackedBlocks();
  /** As far as the file is known to reach. */
  #fileEnd = 0;
  /** Where new clusters go. */
  #end = 0;
  /** Whose tables these are. */
  image!: MappedImage;

  constructor(file: Child, header: QcowHeader) {
    this.#file = file;
    this.#header = header;
    this.blockSize = 2 ** header.clusterBits;
    this.length = header.size;
    this.tableBlocks = 2 ** header.l2Bits;
    this.l1End = header.l1Offset + l1EntriesOf(header) * 8;
  }

  tableAt(table: number): number | undefined | Promise<number | undefined> {
    const base = this.#header.l1Offset;
    const entry = base + table * 8;
    return this.image.lookUp(base, entry, ({ view, offset }) => this.#table(view, entry - offset));
  }

  #table(view: DataView, at: number): number | undefined {
    const offset = getUint64(view, at);
    if (offset === 0) return undefined;
    // After a crash of QEMU, an entry can point at where the file ends.
    if (offset % sectorSize !== 0 || offset < this.l1End || !this.#inFile(offset)) {
      throw new BlockError(`qcow: The image is damaged: an L2 table is at ${offset}`, { code: 'EIO' });
    }
    return offset;
  }

  #inFile(offset: number): boolean {
    if (offset >= this.#fileEnd) this.#fileEnd = this.#file.node.length;
    return offset < this.#fileEnd;
  }

  placeAt(view: DataView, at: number): number {
    const high = view.getUint32(at);
    if (high >= packedFlag) return Place.packed;
    const offset = high * 2 ** 32 + view.getUint32(at + 4);
    if (offset === 0) return Place.none;
    return offset >= this.l1End && this.#inFile(offset) ? offset : Place.invalid;
  }

  unpack(view: DataView, at: number): Promise<Uint8Array> {
    const lengthShift = 31 - this.#header.clusterBits;
    const high = view.getUint32(at) - packedFlag;
    const length = high >>> lengthShift;
    const offset = (high % 2 ** lengthShift) * 2 ** 32 + view.getUint32(at + 4);
    return this.#unpacked.get(offset, this.blockSize, async (alone) => {
      const stored = Buffer.allocUnsafe(length);
      if (offset + length > largestSize) throw new BlockError('qcow: A compressed cluster is nowhere', { code: 'EIO' });
      await this.#file.read(offset, stored);
      return inflateRawBlock(stored, this.blockSize, this.name, { alone: alone() });
    });
  }

  /** Sets an entry to compressed data. */
  linkPacked(view: DataView, at: number, place: number, length: number): void {
    const high = Math.floor(place / 2 ** 32) + length * 2 ** (31 - this.#header.clusterBits);
    view.setUint32(at, packedFlag + high);
    view.setUint32(at + 4, place % 2 ** 32);
  }

  /** All that is in the file may be in use. */
  async claim(): Promise<void> {
    this.#end = Math.max(this.l1End, this.#file.node.length);
  }

  /** Where compressed data goes: anywhere. Nothing when an entry could not point there. */
  offerBytes(length: number): number | undefined {
    return this.#end + length < 2 ** Math.min(53, 63 - this.#header.clusterBits) ? this.#end : undefined;
  }

  takeBytes(place: number, length: number): void {
    this.#end = place + length;
  }

  offer(count: number): { place: number; count: number } {
    const place = roundUp(this.#end, this.blockSize);
    if (place + count * this.blockSize > largestSize)
      throw new BlockError('qcow: The image is full', { code: 'ENOSPC' });
    return { place, count };
  }

  take(place: number, count: number): void {
    this.#end = place + count * this.blockSize;
  }

  /** An empty table is on the disk before the L1 table points at it. */
  async makeTable(table: number): Promise<number> {
    const offset = roundUp(this.#end, this.blockSize);
    const length = this.tableBlocks * 8;
    await this.#file.write(offset, new Uint8Array(length));
    this.#end = offset + length;
    await this.#setTable(table, offset);
    return offset;
  }

  async #setTable(table: number, offset: number): Promise<void> {
    const base = this.#header.l1Offset;
    const entry = base + table * 8;
    const page = this.image.peek(base, entry) ?? (await this.image.load(base, entry));
    setUint64(page.view, entry - page.offset, offset);
    this.image.changed(page, entry - page.offset, entry - page.offset + 8);
  }

  link(view: DataView, at: number, place: number): void {
    setUint64(view, at, place);
  }

  /** Gives up everything that has a place. */
  async empty(): Promise<void> {
    const { l1Offset } = this.#header;
    this.image.forget();
    await this.#file.writeZeroes(l1Offset, this.l1End - l1Offset);
    await this.#file.flush();
    await this.#file.truncate(this.l1End);
    this.#fileEnd = 0;
    this.#end = this.l1End;
  }
}
