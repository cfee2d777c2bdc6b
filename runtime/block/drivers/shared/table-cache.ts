import type { BlkdebugEvent } from '../../../../generated/index.js';
import type { Child } from '../../driver.js';
import { viewOf } from './big-endian.js';

/** A table that is read and kept as a whole: a cluster of an L2 table, a refcount block, a page of a larger table. */
export interface Table {
  /** Where it is in the file. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

interface CachedTable extends Table {
  /** What differs from the file; empty when `dirtyFrom >= dirtyTo`. */
  dirtyFrom: number;
  dirtyTo: number;
  /** When it was used last, in a count of uses. */
  used: number;
  writing: Promise<void> | undefined;
}

/** Where the tables of a cache are, and what must be before they are written. */
export interface TableStore {
  readonly file: Child;
  /** Bytes of each table. */
  readonly clusterSize: number;
  /** What is announced to `blkdebug`, in formats that have names for it. */
  readonly loadEvent?: BlkdebugEvent;
  readonly writeEvent?: BlkdebugEvent;
  /**
   * Called when contents have been picked for writing: what they rely on is on the disk when it resolves. Nothing that
   * happens later concerns it.
   */
  settled(): Promise<void> | undefined;
  /** Called before a table is written. Throws when other metadata are there. */
  check?(offset: number, length: number): Promise<void>;
  /** Writes a part of a table, where that is more than a write. `whole` is all of the table as it was when the part was picked. */
  put?(offset: number, part: Uint8Array, whole: Uint8Array, from: number): Promise<void>;
}

/** The unit of what is written of a table: a table's neighbours are never touched. */
const writeUnit = 512;

/**
 * The tables used last. Loses those that were not used for the longest time when it is full.
 *
 * A table that was got stays valid until the caller pauses (awaits), and must be got again afterwards.
 */
export class TableCache {
  readonly #store: TableStore;
  #capacity: number;
  /** By the number of the first sector: small integers make better keys. */
  readonly #tables = new Map<number, CachedTable>();
  readonly #loading = new Map<number, Promise<Table>>();
  readonly #dirty = new Set<CachedTable>();
  #uses = 0;
  #usesAtLastCleaning = 0;

  /** @param capacity tables that it holds at most, but for a few that are just being read */
  constructor(store: TableStore, capacity: number) {
    this.#store = store;
    this.#capacity = capacity;
  }

  /** Holds so many tables at most from now on. Those that are too many go when the next one comes. */
  resize(capacity: number): void {
    this.#capacity = capacity;
  }

  /** The table at `offset`, if it is here. */
  peek(offset: number): Table | undefined {
    const table = this.#tables.get(offset / writeUnit);
    if (table !== undefined) table.used = ++this.#uses;
    return table;
  }

  /** The table at `offset`, which is not here, from the file. */
  load(offset: number): Promise<Table> {
    const key = offset / writeUnit;
    const known = this.#loading.get(key);
    if (known !== undefined) return known;
    const loading = this.#load(offset).finally(() => this.#loading.delete(key));
    this.#loading.set(key, loading);
    return loading;
  }

  async #load(offset: number): Promise<Table> {
    await this.#makeRoom();
    const bytes = new Uint8Array(this.#store.clusterSize);
    if (this.#store.loadEvent !== undefined) this.#store.file.debug(this.#store.loadEvent);
    await this.#store.file.read(offset, bytes);
    return this.#tables.get(offset / writeUnit) ?? this.#add(offset, bytes);
  }

  /** Takes in a table that has just been written to the file, and that no request can have looked for yet. */
  async insert(offset: number, bytes: Uint8Array): Promise<void> {
    await this.#makeRoom();
    this.#add(offset, bytes);
  }

  #add(offset: number, bytes: Uint8Array): CachedTable {
    const table: CachedTable = {
      offset,
      bytes,
      view: viewOf(bytes),
      dirtyFrom: Number.POSITIVE_INFINITY,
      dirtyTo: 0,
      used: ++this.#uses,
      writing: undefined,
    };
    this.#tables.set(offset / writeUnit, table);
    return table;
  }

  /** Bytes of a table have been changed, since it was got without a pause in between. */
  changed(table: Table, from: number, to: number): void {
    const cached = table as CachedTable;
    cached.dirtyFrom = Math.min(cached.dirtyFrom, from);
    cached.dirtyTo = Math.max(cached.dirtyTo, to);
    this.#dirty.add(cached);
    // It may have been put out of the cache just after it was got.
    this.#tables.set(cached.offset / writeUnit, cached);
  }

  /** Forgets a table whose cluster is used for something else. What was changed in it is lost. */
  forget(offset: number): void {
    const key = offset / writeUnit;
    const table = this.#tables.get(key);
    if (table === undefined) return;
    this.#tables.delete(key);
    this.#dirty.delete(table);
  }

  /** Forgets everything. */
  clear(): void {
    this.#tables.clear();
    this.#dirty.clear();
  }

  /** Writes all that has been changed before the call. @throws BlockError */
  async writeAll(): Promise<void> {
    if (this.#dirty.size === 0) return;
    const results = await Promise.allSettled(Array.from(this.#dirty, (table) => this.#write(table)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** Drops what was not used since the last call of this. */
  dropUnused(): void {
    for (const [key, table] of this.#tables) {
      if (table.used <= this.#usesAtLastCleaning && !this.#dirty.has(table)) this.#tables.delete(key);
    }
    this.#usesAtLastCleaning = this.#uses;
  }

  async #makeRoom(): Promise<void> {
    while (this.#tables.size + this.#loading.size >= this.#capacity) {
      const oldest = this.#oldest();
      if (oldest === undefined) return;
      if (this.#dirty.has(oldest)) await this.#write(oldest);
      if (this.#dirty.has(oldest)) continue;
      const key = oldest.offset / writeUnit;
      if (this.#tables.get(key) === oldest) this.#tables.delete(key);
    }
  }

  #oldest(): CachedTable | undefined {
    let oldest: CachedTable | undefined;
    for (const table of this.#tables.values()) {
      if (oldest === undefined || table.used < oldest.used) oldest = table;
    }
    return oldest;
  }

  /** A table counts as dirty until it is in the file; changes that come meanwhile are written after it. */
  async #write(table: CachedTable): Promise<void> {
    while (table.writing !== undefined) await table.writing.catch(() => {});
    if (table.dirtyFrom >= table.dirtyTo) return;
    table.writing = this.#writeOut(table);
    try {
      await table.writing;
    } finally {
      table.writing = undefined;
    }
  }

  async #writeOut(table: CachedTable): Promise<void> {
    const store = this.#store;
    const from = table.dirtyFrom - (table.dirtyFrom % writeUnit);
    const to = Math.ceil(table.dirtyTo / writeUnit) * writeUnit;
    const whole = store.put === undefined ? undefined : table.bytes.slice();
    const contents = whole?.subarray(from, to) ?? table.bytes.slice(from, to);
    table.dirtyFrom = Number.POSITIVE_INFINITY;
    table.dirtyTo = 0;
    try {
      await store.settled();
      await store.check?.(table.offset, table.bytes.length);
      if (store.writeEvent !== undefined) store.file.debug(store.writeEvent);
      if (store.put !== undefined && whole !== undefined) await store.put(table.offset, contents, whole, from);
      else await store.file.write(table.offset + from, contents);
    } catch (error) {
      table.dirtyFrom = Math.min(table.dirtyFrom, from);
      table.dirtyTo = Math.max(table.dirtyTo, to);
      throw error;
    }
    if (table.dirtyFrom >= table.dirtyTo) this.#dirty.delete(table);
  }
}
