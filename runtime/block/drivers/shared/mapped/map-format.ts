/*
 * Most formats are of one kind: the disk is cut into blocks of one size, a table says where in the file each block is, and blocks
 * get their places at the end of the file. What they share is in this folder; a driver describes its tables.
 */

/** What a table entry says of a block that has no place. A place is the offset in the file, 0 or more. */
export const Place = {
  /** Nothing: what is beneath shows, or zeroes. */
  none: -1,
  /** It reads as zeroes, whatever is beneath. */
  zero: -2,
  /** It is compressed: the driver unpacks it. */
  packed: -3,
  /** The entry is impossible. */
  invalid: -4,
} as const;

/** The tables of a format, and how blocks get places. */
export interface MapFormat {
  /** As messages call it. */
  readonly name: string;
  /** Bytes of a block. */
  readonly blockSize: number;
  /** Bytes of the disk. */
  readonly length: number;
  /** Blocks whose entries lie one behind the other: a table maps so many. */
  readonly tableBlocks: number;
  readonly entryBytes: 4 | 8;
  /** Where all tables begin, if they lie one behind the other: they are then read and written by pages from here on. */
  readonly pagesFrom?: number;
  /** Where the entries of a table begin in the file. `undefined`: there is no such table yet, and its blocks have no places. */
  tableAt(table: number): number | undefined | Promise<number | undefined>;
  /** A place, or one of {@link Place}. */
  placeAt(view: DataView, at: number): number;
  /** The contents of a packed block. Called without a pause since the entry was looked up. */
  unpack?(view: DataView, at: number): Promise<Uint8Array>;
  /** What writing needs. Absent: the image is never written. */
  readonly writing?: MapWriting;
}

/** How a format is written. All of it is called by one request at a time. */
export interface MapWriting {
  /** Entries can say that a block reads as zeroes. */
  readonly marksZero: boolean;
  /** Makes the table that {@link MapFormat.tableAt} has not found. @returns where its entries begin */
  makeTable?(table: number): Promise<number>;
  /** Where a number of new blocks go, side by side. Fewer than asked for can be offered. */
  offer(count: number): { readonly place: number; readonly count: number };
  /** What was offered last is in use now. */
  take(place: number, count: number): void;
  /** Bytes that a format has before the data of each block, all of them ones. Default: none. */
  readonly ones?: number;
  /** Called before a place is written that has been in use. Returns nothing when there is nothing to wait for. */
  touch?(place: number, offset: number): Promise<void> | undefined;
  /** Sets an entry, to a place or to `Place.zero`. */
  link(view: DataView, at: number, place: number): void;
  /** Called when the entry of a block was set. */
  linked?(block: number, place: number): Promise<void>;
  /** Called when the image is opened, or reopened, for writing: finds out what offers depend on. Only reads. */
  claim(): Promise<void>;
  /** Called before the first change, and until it has gone well once. */
  begin?(): Promise<void>;
  /** Called when all is on the disk, if {@link begin} was: the image is in order for others afterwards. */
  finish?(): Promise<void>;
}
