import type { Child, NodeView } from '../../../driver.js';
import { BlockError } from '../../../error.js';
import { roundDown, sectorSize } from '../../../limits.js';
import { Lock } from '../lock.js';
import { type Table, TableCache, type TableStore } from '../table-cache.js';
import { WriteOrder } from '../write-order.js';
import { type MapFormat, type MapWriting, Place } from './map-format.js';
import type { Beneath, ReadableImage, Run } from './readable-image.js';

/** Bytes of a page: tables are read and kept by pages, as some are larger than memory. */
const pageSize = 4096;
/** Pages that are kept. 4 MiB of tables map a terabyte of blocks of one megabyte. */
const pages = 1024;

/** A stretch that the tables tell of. */
export interface MappedRun extends Run {
  /** Its entry in the tables, if it has one. */
  readonly page: Table | undefined;
  readonly at: number;
}

/** What else belongs to an image. */
export interface MappedParts {
  readonly beneath?: () => Beneath | undefined;
  /** Called before tables are written: what they rely on is on the disk afterwards. Default: the file is flushed. */
  readonly beforeTables?: () => Promise<void>;
  /** How pages of tables are written. Default: they just are. */
  readonly putTable?: TableStore['put'];
}

/** An open image, or a part of one, of which a table says where blocks are. */
export class MappedImage implements ReadableImage<MappedRun> {
  readonly file: Child;
  readonly format: MapFormat;
  readonly beneath: () => Beneath | undefined;
  /** Data is on the disk before the tables that point at it. */
  readonly order: WriteOrder;
  /** Held while blocks get places. */
  readonly lock = new Lock();
  readonly #cache: TableCache;
  #begun: Promise<void> | undefined;

  constructor(file: Child, format: MapFormat, parts: MappedParts = {}) {
    this.file = file;
    this.format = format;
    this.beneath = parts.beneath ?? (() => undefined);
    this.order = new WriteOrder(async () => {}, parts.beforeTables ?? (() => file.flush()));
    const settled = (): Promise<void> | undefined => this.order.settle();
    const put = parts.putTable === undefined ? {} : { put: parts.putTable };
    this.#cache = new TableCache({ file, clusterSize: pageSize, settled, ...put }, pages);
  }

  /** Bytes of the disk. */
  get length(): number {
    return this.format.length;
  }

  /** Fills a buffer with a part of a block that is compressed. Called without a pause since it was looked up. */
  async unpack({ page, at }: MappedRun, offset: number, buffer: Uint8Array): Promise<void> {
    const { format } = this;
    if (page === undefined || format.unpack === undefined) throw this.invalid(offset);
    const data = await format.unpack(page.view, at);
    const inside = offset % format.blockSize;
    buffer.set(data.subarray(inside, inside + buffer.length));
  }

  /** What to throw where an entry is impossible (EIO). */
  invalid(offset: number): BlockError {
    return new BlockError(`${this.format.name}: The image is damaged: its table is wrong for offset ${offset}`, {
      code: 'EIO',
    });
  }

  /** The page that has a byte of a table that begins at `base`, if it is in memory. */
  peek(base: number, entry: number): Table | undefined {
    return this.#cache.peek(pageOf(this.format.pagesFrom ?? base, entry));
  }

  /** The page from the file. */
  async load(base: number, entry: number): Promise<Table> {
    const place = pageOf(this.format.pagesFrom ?? base, entry);
    return this.#cache.peek(place) ?? this.#cache.load(place);
  }

  /** What a page says of a byte of a table that begins at `base`. A promise only where it must be read from the file. */
  lookUp<T>(base: number, entry: number, read: (page: Table) => T): T | Promise<T> {
    const page = this.peek(base, entry);
    return page === undefined ? this.load(base, entry).then(read) : read(page);
  }

  /** Bytes of a page have been changed, without a pause since it was got, and rely on what was written before. */
  changed(page: Table, from: number, to: number): void {
    this.#cache.changed(page, from, to);
    this.order.relies(false);
  }

  /** The first stretch of a range that is in one state. A promise only where tables must be read. */
  find(offset: number, length: number): MappedRun | Promise<MappedRun> {
    const { format } = this;
    const block = Math.floor(offset / format.blockSize);
    const base = format.tableAt(Math.floor(block / format.tableBlocks));
    if (base instanceof Promise) return base.then((found) => this.#findIn(found, block, offset, length));
    return this.#findIn(base, block, offset, length);
  }

  #findIn(base: number | undefined, block: number, offset: number, length: number): MappedRun | Promise<MappedRun> {
    const { blockSize, tableBlocks, entryBytes } = this.format;
    const index = block % tableBlocks;
    const inside = offset % blockSize;
    if (base === undefined) {
      const known = (tableBlocks - index) * blockSize - inside;
      return { place: Place.none, length: Math.min(length, known), page: undefined, at: 0 };
    }
    const entry = base + index * entryBytes;
    return this.lookUp(base, entry, (page) => this.#runIn(page, entry, index, inside, length));
  }

  #runIn(page: Table, entry: number, index: number, inside: number, length: number): MappedRun {
    const { format } = this;
    const { blockSize, entryBytes } = format;
    const at = entry - page.offset;
    const first = format.placeAt(page.view, at);
    let known = blockSize - inside;
    const more = Math.min(format.tableBlocks - index, (pageSize - at) / entryBytes);
    for (let next = 1; known < length && next < more && first !== Place.packed; next++) {
      const place = format.placeAt(page.view, at + next * entryBytes);
      if (place !== (first >= 0 ? first + next * blockSize : first)) break;
      known += blockSize;
    }
    return { place: first >= 0 ? first + inside : first, length: Math.min(known, length), page, at };
  }

  /** What writing needs. @throws BlockError (EPERM) where the format is never written */
  get writing(): MapWriting {
    const { writing, name } = this.format;
    if (writing === undefined) throw new BlockError(`${name}: Images are never written`, { code: 'EPERM' });
    return writing;
  }

  /** To be called before the image is changed. Returns nothing when there is nothing to wait for. */
  begin(): Promise<void> | undefined {
    const { begin } = this.writing;
    if (begin === undefined || this.#begun === ready) return undefined;
    this.#begun ??= begin.call(this.writing).then(
      () => {
        this.#begun = ready;
      },
      (error: unknown) => {
        this.#begun = undefined;
        throw error;
      },
    );
    return this.#begun;
  }

  /** Writes everything, and puts the image in order for others. */
  async finish(): Promise<void> {
    await this.writeTables();
    await this.file.flush();
    if (this.#begun === undefined) return;
    await this.#begun;
    await this.writing.finish?.();
    this.#begun = undefined;
  }

  /** Forgets what was read of tables, which are being replaced. What was changed in them is lost. */
  forget(): void {
    this.#cache.clear();
  }

  /** Writes all tables that were changed before, behind what they rely on. */
  writeTables(): Promise<void> {
    return this.#cache.writeAll();
  }
}

/** A backing file as what is beneath an image. It is opened after the image, and can be replaced. */
export function beneathOf(node: NodeView): Beneath | undefined {
  const { backing } = node;
  if (backing === undefined) return undefined;
  return { length: backing.node.length, read: (offset, buffer) => backing.read(offset, buffer) };
}

const ready = Promise.resolve();

/** Pages count from the sector in which the table begins: no two tables, nor data, are in sectors that are written together. */
function pageOf(base: number, entry: number): number {
  const start = roundDown(base, sectorSize);
  return start + roundDown(entry - start, pageSize);
}
