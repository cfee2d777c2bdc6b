import type { Child } from '../../../driver.js';
import { BlockError } from '../../../error.js';
import type { Qcow2Header } from '../format/header.js';
import { type RefcountWidth, refcountWidth } from '../format/refcount-width.js';
import { ReferenceCounts } from './counts.js';
import { OutsideRanges } from './outside.js';
import { CheckReport } from './report.js';

/** More clusters than this are not counted. */
const clusterLimit = 2 ** 31 - 1;

/** The longest tables that are read: the directory of bitmaps, and the snapshot table. What claims to be longer has no place to be kept free. */
export const longestStructure = 64 * 2 ** 20;

/** A file that is being checked. */
export class CheckContext {
  readonly file: Child;
  readonly header: Qcow2Header;
  readonly width: RefcountWidth;
  readonly fileLength: number;
  readonly report = new CheckReport();
  readonly counts: ReferenceCounts;
  /** What is referred to beyond the end of the file. */
  readonly outside = new OutsideRanges();
  #budget: number;

  /** @throws BlockError (EFBIG) when the file has too many clusters */
  constructor(file: Child, header: Qcow2Header) {
    this.file = file;
    this.header = header;
    this.width = refcountWidth(header.refcountOrder);
    this.fileLength = file.node.length;
    const clusters = Math.ceil(this.fileLength / header.clusterSize);
    if (clusters > clusterLimit) {
      throw new BlockError(`The file has ${clusters} clusters, which are too many to be checked`, { code: 'EFBIG' });
    }
    this.counts = new ReferenceCounts(clusters, this.width.most);
    // Tables do not overlap in sound images, so that all of them together are no longer than the file.
    this.#budget = 4 * this.fileLength + 64 * 2 ** 20;
  }

  /**
   * Counts references to each cluster that a range touches.
   *
   * A range may end behind the file when its last cluster is not written whole, but not further.
   */
  count(what: string, offset: number, length: number, times = 1): void {
    const { clusterSize } = this.header;
    if (length <= 0) return;
    if (offset + length - this.fileLength >= clusterSize) {
      if (length <= longestStructure) {
        this.outside.add(Math.floor(offset / clusterSize), Math.ceil((offset + length) / clusterSize));
      }
      this.report.corruption(`${what} at ${offset} with ${length} bytes is beyond the end of the file`, times);
      return;
    }
    const last = Math.floor((offset + length - 1) / clusterSize);
    for (let cluster = Math.floor(offset / clusterSize); cluster <= last; cluster++) {
      this.counts.add(cluster, times, this.report);
    }
  }

  /**
   * Reads a part of a table: what of it is beyond the end of the file is not returned, it is all zeroes.
   *
   * @throws BlockError when the tables of the image overlap so much that checking them would take for ever
   */
  async readTable(offset: number, buffer: Uint8Array): Promise<Uint8Array> {
    const length = Math.max(0, Math.min(buffer.length, this.fileLength - offset));
    if (length === 0) return buffer.subarray(0, 0);
    this.#budget -= length;
    if (this.#budget < 0) {
      throw new BlockError('The tables of the image overlap each other, so that they cannot be checked', {
        code: 'EIO',
      });
    }
    const part = buffer.subarray(0, length);
    await this.file.read(offset, part);
    return part;
  }
}
