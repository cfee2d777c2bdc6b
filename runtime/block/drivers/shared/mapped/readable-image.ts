import type { Child } from '../../../driver.js';
import type { BlockError } from '../../../error.js';

/** What is beneath an image, and shows where it has nothing. */
export interface Beneath {
  /** Bytes; beyond, there are zeroes. */
  readonly length: number;
  read(offset: number, buffer: Uint8Array): Promise<void>;
}

/** A stretch of the disk that is in one state. */
export interface Run {
  /** Where its first byte is in the file, or one of {@link Place}. */
  readonly place: number;
  readonly length: number;
}

/** What can say where the contents of a disk are. */
export interface ReadableImage<Found extends Run = Run> {
  readonly file: Child;
  /** Bytes of the disk. */
  readonly length: number;
  /** The first stretch of a range that is in one state. A promise only where something must be read. */
  find(offset: number, length: number): Found | Promise<Found>;
  beneath(): Beneath | undefined;
  /** Fills a buffer with a part of a stretch that is packed. Called without a pause since the stretch was found. */
  unpack(run: Found, offset: number, buffer: Uint8Array): Promise<void>;
  /** What to throw where a table is wrong. */
  invalid(offset: number): BlockError;
}
