import { clusterOf, type HostCluster, type HostOffset, hostOffset, startOf } from '../format/units.js';
import type { FreedClusters, FreeReason, Image } from './image.js';
import { beforeRefcountChange, changeRefcounts } from './refcounts.js';

/** Freed stretches that are kept at most, until something settles them. */
const mostFreed = 1024;

/**
 * Nothing refers to host clusters any more, but for tables that are still to be written. Their refcounts go down when these
 * are on the disk: in the other order, a crash would leave entries that point at clusters which are used for something else.
 */
export function freeClusters(image: Image, offset: HostOffset, count: number, reason: FreeReason): void {
  if (count === 0) return;
  const first = clusterOf(offset, image.clusterSize);
  const last = image.freed.at(-1);
  if (last !== undefined && last.reason === reason && last.first + last.count === first) last.count += count;
  else image.freed.push({ first, count, reason });
}

/** Frees the host clusters that a compressed cluster has a part of. They may be in use by others, too. */
export function freeCompressed(image: Image, offset: HostOffset, length: number, reason: FreeReason): void {
  const { clusterSize } = image;
  const first = Math.floor(offset / clusterSize);
  freeClusters(image, offset, Math.floor((offset + length - 1) / clusterSize) - first + 1, reason);
}

/** Settles what has been freed when there is much of it. Not to be called with the lock held. */
export function settleMany(image: Image): Promise<void> | undefined {
  return image.freed.length > mostFreed ? settleFreed(image) : undefined;
}

/** Lets the refcounts of all that has been freed go down, in the cache. Not to be called with the lock held. */
export function settleFreed(image: Image): Promise<void> {
  return image.freeing.run(async () => {
    const batch = image.freed;
    image.freed = [];
    if (batch.length === 0 || image.dead) return;
    try {
      await image.l2Tables.writeAll();
      await image.file.flush();
      await image.grace.elapse();
      await image.lock.run(() => settle(image, batch));
    } finally {
      // What was begun is gone from the batch. What it left uncounted is leaked, which is better than counting it twice.
      image.freed = batch.concat(image.freed);
    }
  });
}

/**
 * Frees host clusters at once that no table has come to point at. What cannot be freed is leaked. Not to be called with the lock
 * held.
 */
export async function giveBack(image: Image, first: HostCluster, count: number): Promise<void> {
  const giving = image.lock.run(async () => {
    if (image.dead) return;
    image.compressedEnd = hostOffset(0);
    await changeRefcounts(image, first, count, -1);
    if (first < image.searchFrom) image.searchFrom = first;
  });
  await giving.catch(() => {});
}

async function settle(image: Image, batch: FreedClusters[]): Promise<void> {
  await beforeRefcountChange(image);
  for (let freed = batch.shift(); freed !== undefined; freed = batch.shift()) await settleOne(image, freed);
}

async function settleOne(image: Image, { first, count, reason }: FreedClusters): Promise<void> {
  const { clusterSize } = image;
  const unused: { first: HostCluster; count: number }[] = [];
  image.file.debug('cluster_free');
  await changeRefcounts(image, first, count, -1, (cluster, refcount) => {
    if (refcount > 0) return;
    const last = unused.at(-1);
    if (last !== undefined && last.first + last.count === cluster) last.count++;
    else unused.push({ first: cluster, count: 1 });
  });
  for (const stretch of unused) {
    const offset = startOf(stretch.first, clusterSize);
    const length = stretch.count * clusterSize;
    if (stretch.first < image.searchFrom) image.searchFrom = stretch.first;
    if (image.compressedEnd > offset && image.compressedEnd < offset + length) image.compressedEnd = hostOffset(0);
    for (let at: number = offset; at < offset + length; at += clusterSize) {
      image.l2Tables.forget(at);
      image.refcountBlocks.forget(at);
    }
    image.decompressed.clear();
    // A file that cannot make use of it, or fails to, does no harm.
    if (discards(image, reason)) await image.file.discard(offset, length).catch(() => {});
  }
}

/** Whether what was freed is discarded in the file that it was in. */
export function discards(image: Image, reason: FreeReason): boolean {
  const { request, snapshot, other } = image.settings.discard;
  switch (reason) {
    case 'request':
      return request ?? image.node.flags.unmap;
    case 'snapshot':
      return snapshot;
    case 'other':
      return other;
  }
}
