import { BlockError, ioError } from '../../../error.js';
import { Parts } from '../../shared/parts.js';
import { compressedFlag } from '../format/table-entry.js';
import {
  clusterOf,
  further,
  type GuestOffset,
  type HostCluster,
  type HostOffset,
  hostOffset,
} from '../format/units.js';
import { l2Table, ownL2Table } from '../map/l1.js';
import { freeOld } from '../map/l2-entry.js';
import { ClusterKind } from '../map/run.js';
import { setSubclusters } from '../map/subclusters.js';
import { cachedTable, invalidRun, runAt } from '../map/translate.js';
import { allocateClusters } from '../space/allocate.js';
import { giveBack, settleMany } from '../space/free.js';
import type { Image } from '../space/image.js';
import type { Allocation } from '../space/in-flight.js';
import { checkOverlap } from '../space/overlap.js';
import { beforeRefcountChange, changeRefcounts, refcountOf } from '../space/refcounts.js';
import { pack } from './compression.js';
import { write } from './write.js';

/** The unit in which the length of compressed data is stored. */
const sector = 512;

/**
 * Writes clusters compressed; plain where that is not shorter.
 *
 * @param offset the beginning of a cluster
 * @param data whole clusters; the last may end with the disk
 * @throws BlockError (ENOTSUP) where the clusters are in a data file, as each has its place there, or encrypted
 */
export async function writeCompressed(image: Image, offset: GuestOffset, data: Uint8Array): Promise<void> {
  image.alive();
  if (image.external) throw ioError('ENOTSUP');
  // QEMU's driver stores it compressed and for everyone to read; qemu-img refuses it.
  if (image.volume !== undefined) {
    throw new BlockError('Compression and encryption not supported at the same time', { code: 'ENOTSUP' });
  }
  const { clusterSize } = image;
  const parts = new Parts();
  for (let done = 0; done < data.length; done += clusterSize) {
    const part = data.subarray(done, done + clusterSize);
    parts.add(
      writeCluster(image, further(offset, done), part.length === clusterSize ? part : padded(part, clusterSize)),
    );
    await parts.room();
  }
  await parts.all();
  await settleMany(image);
}

function padded(data: Uint8Array, length: number): Uint8Array {
  const whole = new Uint8Array(length);
  whole.set(data);
  return whole;
}

async function writeCluster(image: Image, offset: GuestOffset, data: Uint8Array): Promise<void> {
  const packed = await pack(image, data);
  const place =
    packed !== undefined && packed.length < data.length ? await promisePlace(image, offset, packed.length) : undefined;
  if (place === undefined || packed === undefined) {
    await write(image, offset, data);
    return;
  }
  try {
    await checkOverlap(image, 0, place.host, packed.length);
    image.file.debug('write_compressed');
    await image.file.write(place.host, packed);
    await link(image, offset, place.host, packed.length);
  } catch (error) {
    image.inFlight.end(place.allocation);
    await giveBack(image, ...clustersOf(image, place.host, packed.length));
    throw error;
  }
  image.inFlight.end(place.allocation);
}

/** A place for compressed data, promised. Nothing when an entry could not point so far. */
async function promisePlace(
  image: Image,
  offset: GuestOffset,
  length: number,
): Promise<{ readonly allocation: Allocation; readonly host: HostOffset } | undefined> {
  const cluster = offset / image.clusterSize;
  return image.lock.run(async () => {
    image.alive();
    for (;;) {
      const other = image.inFlight.lowestIn(cluster, cluster + 1);
      if (other === undefined) break;
      await other.over;
    }
    const table = await ownL2Table(image, offset);
    if (runAt(image, table, offset, 1).kind === ClusterKind.invalid) throw await invalidRun(image, offset);
    const host = await allocateBytes(image, length);
    if (host + length > 2 ** (62 - (image.header.clusterBits - 8))) {
      image.compressedEnd = hostOffset(0);
      await changeRefcounts(image, ...clustersOf(image, host, length), -1);
      return undefined;
    }
    return { allocation: image.inFlight.begin(cluster, cluster + 1), host };
  });
}

/** Allocates bytes behind what was allocated so last, where the host cluster has room or the next one is free. */
async function allocateBytes(image: Image, length: number): Promise<HostOffset> {
  const { clusterSize } = image;
  image.file.debug('cluster_alloc_bytes');
  await beforeRefcountChange(image);
  const end = image.compressedEnd;
  const room = end === 0 ? 0 : (clusterSize - (end % clusterSize)) % clusterSize;
  const usable = room > 0 && (await refcountOf(image, clusterOf(end, clusterSize))) < image.refcounts.most;
  let host = end;
  if (usable && length <= room) {
    await changeRefcounts(image, clusterOf(end, clusterSize), 1, 1);
  } else {
    const { offset } = await allocateClusters(image, 1);
    const adjoins = usable && offset === further(end, room);
    if (adjoins) await changeRefcounts(image, clusterOf(end, clusterSize), 1, 1);
    else host = offset;
  }
  image.compressedEnd = further(host, length);
  return host;
}

/** The host clusters that a range has a part of: the first one's number, and how many. */
function clustersOf(image: Image, host: HostOffset, length: number): [first: HostCluster, count: number] {
  const first = clusterOf(host, image.clusterSize);
  return [first, Math.floor((host + length - 1) / image.clusterSize) - first + 1];
}

async function link(image: Image, offset: GuestOffset, host: HostOffset, length: number): Promise<void> {
  const { clusterSize, l2Entries, l2EntrySize } = image;
  const table = cachedTable(image, offset) ?? (await l2Table(image, offset));
  image.alive();
  if (table === undefined) throw ioError('EIO');
  image.file.debug('l2_update_compressed');
  const index = (offset / clusterSize) % l2Entries;
  const moreSectors = Math.floor((host + length - 1) / sector) - Math.floor(host / sector);
  const sectorsShift = 62 - (image.header.clusterBits - 8) - 32;
  freeOld(image, table, offset, 'other');
  const at = index * l2EntrySize;
  table.view.setUint32(at, Math.floor(host / 2 ** 32) + moreSectors * 2 ** sectorsShift + compressedFlag);
  table.view.setUint32(at + 4, host % 2 ** 32);
  if (image.extended) setSubclusters(table, index, { allocated: 0, zero: 0 });
  image.l2Tables.changed(table, at, at + l2EntrySize);
  // Other data that is lost is only old or zero; this could not be read at all.
  image.order.relies(!image.lazyRefcounts);
}
