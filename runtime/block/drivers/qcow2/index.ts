/*
 * qcow2. What belongs to an open image is in image.ts; the rest is functions on it:
 *
 * - header, header-extensions, table-entry, refcount-width, snapshot-table, bitmap-directory: bytes to values and back
 * - options, open, open-data, reopen, autoclear, instance: the driver
 * - translate, run, place, subclusters, l1, l2-entry, marks: from the disk's addresses to the file's
 * - bitmaps: persistent bitmaps, read, kept up to date and stored
 * - read, compressed-read, status; write, promise, fill, compressed-write, zero, data-file, resize, empty: requests
 * - allocate, refcounts, refcount-growth, free: clusters of the file
 * - write-order, flush, grace, lock, in-flight: what must be before what, and what may not happen at once
 * - overlap, table-places, corruption: keeping broken images from getting worse
 * - snapshots, marks, reachable; create; check-*, repair-*: the image as a whole
 */

import type { BlockDriver } from '../../driver.js';
import { viewOf } from '../shared/big-endian.js';
import { create } from './create.js';
import { magic } from './format/header.js';
import { settingNames } from './format/options.js';
import { Qcow2Instance } from './instance.js';
import { openImage } from './open.js';

/** QEMU's own image format: versions 2 and 3. */
export const qcow2: BlockDriver = {
  name: 'qcow2',
  kind: 'format',
  changeable: settingNames,
  weakOptions: settingNames,
  supportsBacking: true,
  probe(head) {
    return head.length >= 8 && viewOf(head).getUint32(0) === magic && viewOf(head).getUint32(4) >= 2 ? 100 : 0;
  },
  async open(context) {
    return new Qcow2Instance(await openImage(context));
  },
  create,
};
