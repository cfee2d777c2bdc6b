import type { BlockStatus, Child } from '../../driver.js';
import { ioError } from '../../error.js';
import { roundUp, sectorSize } from '../../limits.js';
import { RequestFlag } from '../../request-flag.js';
import { deflateBlock } from '../shared/deflate.js';
import { Place } from '../shared/mapped/map-format.js';
import { MappedImage } from '../shared/mapped/mapped-image.js';
import { readMapped } from '../shared/mapped/read.js';
import type { Beneath } from '../shared/mapped/readable-image.js';
import { statusMapped } from '../shared/mapped/status.js';
import { ownTable, setEntry, writeMapped } from '../shared/mapped/write.js';
import { zeroMapped } from '../shared/mapped/zero.js';
import { GrainTables, withMarker } from './grain-tables.js';
import type { SparseHeader } from './sparse-header.js';

/** A part of the disk. Offsets count from its beginning. */
export interface Extent {
  readonly file: Child;
  /** As the descriptor calls it. */
  readonly type: string;
  /** Bytes. */
  readonly length: number;
  /** Bytes that get their places together. Absent: all has its place. */
  readonly grain?: number;
  readonly compressed?: boolean;
  read(offset: number, buffer: Uint8Array): Promise<void>;
  write(offset: number, data: Uint8Array): Promise<void>;
  writeZeroes(offset: number, length: number, flags: number): Promise<void>;
  status(offset: number, length: number): Promise<BlockStatus>;
  /** Called when the image is opened for writing. */
  claim(): Promise<void>;
  writeTables(): Promise<void>;
}

/** An extent that is nothing but the data. */
export class FlatExtent implements Extent {
  readonly file: Child;
  readonly type: string;
  readonly length: number;
  readonly #offset: number;

  /** @param offset where the data begins in the file */
  constructor(file: Child, type: string, length: number, offset: number) {
    this.file = file;
    this.type = type;
    this.length = length;
    this.#offset = offset;
  }

  read(offset: number, buffer: Uint8Array): Promise<void> {
    return this.file.read(this.#offset + offset, buffer);
  }

  write(offset: number, data: Uint8Array): Promise<void> {
    return this.file.write(this.#offset + offset, data);
  }

  writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    return this.file.writeZeroes(
      this.#offset + offset,
      length,
      flags & (RequestFlag.mayUnmap | RequestFlag.noFallback),
    );
  }

  async status(offset: number, length: number): Promise<BlockStatus> {
    const place = this.#offset + offset;
    return { length, allocated: true, data: true, zero: false, offset: place, file: this.file };
  }

  async claim(): Promise<void> {}

  async writeTables(): Promise<void> {}
}

/** An extent whose tables say where its grains are. */
export class SparseExtent implements Extent {
  readonly file: Child;
  readonly type: string;
  readonly length: number;
  readonly grain: number;
  readonly compressed: boolean;
  readonly #tables: GrainTables;

  constructor(file: Child, type: string, header: SparseHeader, beneath: () => Beneath | undefined) {
    this.file = file;
    this.type = type;
    this.#tables = new GrainTables(file, header);
    this.#tables.image = new MappedImage(file, this.#tables, { beneath });
    this.length = header.capacity;
    this.grain = header.grain;
    this.compressed = header.compressed;
  }

  read(offset: number, buffer: Uint8Array): Promise<void> {
    return readMapped(this.#tables.image, offset, buffer);
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    if (!this.compressed) return writeMapped(this.#tables.image, offset, data);
    const whole = offset % this.grain === 0 && (data.length % this.grain === 0 || offset + data.length >= this.length);
    // What cannot be packed anew could not be read any more.
    if (!whole) throw ioError('EIO');
    for (let done = 0; done < data.length; done += this.grain) {
      await this.#pack(offset + done, data.subarray(done, done + this.grain));
    }
  }

  writeZeroes(offset: number, length: number, flags: number): Promise<void> {
    return zeroMapped(this.#tables.image, offset, length, flags);
  }

  status(offset: number, length: number): Promise<BlockStatus> {
    return statusMapped(this.#tables.image, offset, length);
  }

  claim(): Promise<void> {
    return this.#tables.claim();
  }

  writeTables(): Promise<void> {
    return this.#tables.image.writeTables();
  }

  /** A stream has each grain once. */
  async #pack(offset: number, data: Uint8Array): Promise<void> {
    const { image } = this.#tables;
    const whole = new Uint8Array(this.grain);
    whole.set(data);
    const stored = withMarker(offset / sectorSize, await deflateBlock(whole));
    await image.lock.run(async () => {
      const { place: before } = await image.find(offset, 1);
      if (before !== Place.none) throw ioError('EIO');
      await ownTable(image, offset);
      const place = this.#tables.offerSectors(stored.length);
      await image.file.write(place, stored);
      this.#tables.takeSectors(place, roundUp(stored.length, sectorSize));
      await setEntry(image, offset, (view, at) => this.#tables.link(view, at, place));
      await this.#tables.linked(Math.floor(offset / this.grain), place);
    });
  }
}
