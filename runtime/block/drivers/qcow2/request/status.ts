import type { BlockStatus } from '../../../driver.js';
import type { GuestOffset } from '../format/units.js';
import { l2Table } from '../map/l1.js';
import { ClusterKind } from '../map/run.js';
import { cachedTable, emptyRun, invalidRun, runAt } from '../map/translate.js';
import type { Image } from '../space/image.js';

/** The state of the first stretch from `offset` on, as the tables tell. */
export async function blockStatus(image: Image, offset: GuestOffset, length: number): Promise<BlockStatus> {
  image.alive();
  const table = cachedTable(image, offset) ?? (await l2Table(image, offset));
  const run = table === undefined ? emptyRun(image, offset, length) : runAt(image, table, offset, length);
  const { length: known } = run;
  switch (run.kind) {
    case ClusterKind.unallocated:
      return { length: known, allocated: false, data: false, zero: false };
    case ClusterKind.zero:
      return { length: known, allocated: true, data: false, zero: true };
    case ClusterKind.normal:
      // What is at the place is not what is read when it is encrypted.
      if (image.volume !== undefined) return { length: known, allocated: true, data: true, zero: false };
      return { length: known, allocated: true, data: true, zero: false, offset: run.host, file: image.data };
    case ClusterKind.compressed:
      return { length: known, allocated: true, data: true, zero: false };
    case ClusterKind.invalid:
      throw await invalidRun(image, offset);
  }
}
