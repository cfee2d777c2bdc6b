import type { BitmapContents } from '../../../abilities.js';
import type { BitmapDirectory, BitmapRecord } from '../format/bitmap-directory.js';

/** A bitmap of an image's directory. */
export interface NamedRecord extends BitmapRecord {
  /** The name as a text. */
  readonly text: string;
}

/** The persistent bitmaps of an open image. */
export interface BitmapState {
  /** Where the directory is; absent: there is none. */
  directory: BitmapDirectory | undefined;
  /** What the directory says, but for the marks that are on the disk while {@link inUse}. */
  records: readonly NamedRecord[];
  /** Why the bitmaps cannot be kept up to date, so that the first change makes them invalid. */
  problem: string | undefined;
  /** All are marked as in use on the disk: after a crash they are inconsistent. */
  inUse: boolean;
  /** What is to be stored. Absent: nothing keeps the bitmaps. */
  contents: (() => Iterable<BitmapContents>) | undefined;
  /** Bytes that may still be read of bitmaps, or be taken by their bits: what an image of this length can have. */
  budget: number;
}
