import { ioError } from '../../../error.js';
import { roundDown, roundUp, sectorSize } from '../../../limits.js';
import type { Table } from '../../shared/table-cache.js';
import { copiedFlag } from '../format/table-entry.js';
import { clusterOf, further, type GuestOffset, guestOffset } from '../format/units.js';
import { l2Table } from '../map/l1.js';
import { freeOld, readsAsZeroes, setL2Entry } from '../map/l2-entry.js';
import type { Promised } from '../map/reserve.js';
import { ClusterKind, nowhere } from '../map/run.js';
import { maskIn, type Subclusters, setSubclusters, subclustersOf } from '../map/subclusters.js';
import { cachedTable, runAt } from '../map/translate.js';
import { giveBack } from '../space/free.js';
import type { Image } from '../space/image.js';
import { writeData } from './host-data.js';
import { read } from './read.js';

/** Writes data, and what surrounds it in its clusters, to the places that they have been promised; then tells so. */
export async function fill(image: Image, offset: GuestOffset, promised: Promised, data: Uint8Array): Promise<void> {
  const { allocation, host, kept } = promised;
  try {
    await writeAround(image, offset, promised, data);
    await link(image, promised);
  } catch (error) {
    image.inFlight.end(allocation);
    if (!kept && !image.external)
      await giveBack(image, clusterOf(host, image.clusterSize), allocation.end - allocation.first);
    throw error;
  }
  image.inFlight.end(allocation);
}

async function writeAround(image: Image, offset: GuestOffset, promised: Promised, data: Uint8Array): Promise<void> {
  const { fresh, from: start } = promised;
  // A data file ends with the disk, whose last sector is whole.
  const diskEnd = roundUp(image.header.size, sectorSize);
  const end = image.external ? Math.max(offset + data.length, Math.min(promised.to, diskEnd)) : promised.to;
  const host = further(promised.host, start - promised.allocation.first * image.clusterSize);
  const head = offset - start;
  const tail = end - (offset + data.length);
  const empty =
    (head === 0 && tail === 0) ||
    (fresh &&
      !image.extended &&
      // What was never written does not decrypt to zeroes.
      image.volume === undefined &&
      (head === 0 || (await readsAsZeroes(image, start))) &&
      (tail === 0 || (await readsAsZeroes(image, guestOffset(roundDown(end - 1, image.clusterSize))))));
  if (empty) {
    await writeData(image, further(host, head), data);
    return;
  }
  const whole = Buffer.allocUnsafe(end - start);
  image.file.debug('cow_read');
  await Promise.all([
    head === 0 ? undefined : read(image, start, whole.subarray(0, head)),
    tail === 0 ? undefined : read(image, further(offset, data.length), whole.subarray(head + data.length)),
  ]);
  whole.set(data, head);
  image.file.debug('cow_write');
  await writeData(image, host, whole);
}

/** What the entry of a cluster says of its subclusters; nothing when it is compressed. */
function subclustersBefore(image: Image, table: Table, offset: GuestOffset): Subclusters {
  const { kind } = runAt(image, table, offset, 1);
  if (kind === ClusterKind.compressed) return { allocated: 0, zero: 0 };
  return subclustersOf(table, (offset / image.clusterSize) % image.l2Entries);
}

/** Whether clusters have nothing that they could leave. */
function isPlaceless(image: Image, table: Table, offset: GuestOffset, count: number): boolean {
  const { kind, host, length } = runAt(image, table, offset, count * image.clusterSize);
  const empty = kind === ClusterKind.unallocated || kind === ClusterKind.zero;
  return empty && host === nowhere && length === count * image.clusterSize;
}

/** Makes the table entries point at the places, and frees what they pointed at. */
async function link(image: Image, { allocation, host, kept, from, to }: Promised): Promise<void> {
  const { clusterSize, l2EntrySize } = image;
  const start = guestOffset(allocation.first * clusterSize);
  const table = cachedTable(image, start) ?? (await l2Table(image, start));
  image.alive();
  if (table === undefined) throw ioError('EIO');
  const first = allocation.first % image.l2Entries;
  const count = allocation.end - allocation.first;
  const leaves = !kept && !isPlaceless(image, table, start, count);
  for (let index = 0; index < count; index++) {
    const offset = further(start, index * clusterSize);
    const before = image.extended ? subclustersBefore(image, table, offset) : undefined;
    if (leaves) freeOld(image, table, offset, 'other');
    setL2Entry(image, table, first + index, host + index * clusterSize, copiedFlag);
    if (before === undefined) continue;
    const written = maskIn(image, offset, from, to);
    const allocated = (kept ? before.allocated : 0) | written;
    setSubclusters(table, first + index, { allocated, zero: before.zero & ~written });
  }
  image.l2Tables.changed(table, first * l2EntrySize, (first + count) * l2EntrySize);
  // With an entry on the disk before its data, a crash would show what was in the place before, or leave the entry pointing
  // beyond the end of the file.
  image.order.relies(!kept && !image.lazyRefcounts && !image.external);
}
