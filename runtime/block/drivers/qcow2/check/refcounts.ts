import type { CheckContext } from './context.js';
import type { StoredRefcounts } from './stored.js';

/** What is to be corrected. */
export interface RefcountFix {
  /** Refcounts that are too high. */
  readonly leaks: boolean;
  /** Refcounts that are too low. */
  readonly corruptions: boolean;
}

/** Counts references to the refcounts themselves, and tells when they are not where they can be. */
export function countRefcountBlocks(context: CheckContext, stored: StoredRefcounts): void {
  const { header, report, counts } = context;
  const { clusterSize } = header;
  context.count('The refcount table', header.refcountTableOffset, header.refcountTableClusters * clusterSize);
  for (let block = 0; block < stored.blocks; block++) {
    const place = stored.place(block);
    if (place.kind === 'none') continue;
    const cluster = place.offset / clusterSize;
    if (place.kind === 'invalid') {
      report.corruption(`Entry ${block} of the refcount table ${place.why}`);
      report.mustRebuild = true;
    } else if (cluster >= counts.clusters) {
      report.corruption(`Refcount block ${block} is beyond the end of the file`);
      report.mustRebuild = true;
    } else {
      context.count('A refcount block', place.offset, clusterSize);
      if (counts.users(cluster) > 1) report.mustRebuild = true;
      if (counts.get(cluster) === 1) continue;
      report.corruption(`Refcount block ${block} is in a cluster that is used for something else, too`);
    }
  }
}

/**
 * Compares the refcounts with what was counted.
 *
 * @param fix what is corrected in place; nothing else is written
 * @returns the number of clusters up to the last one in use
 */
export async function compareRefcounts(
  context: CheckContext,
  stored: StoredRefcounts,
  fix: RefcountFix = { leaks: false, corruptions: false },
): Promise<number> {
  const { counts, report, width, file } = context;
  // As the real tool has it: an image is never shorter than its header.
  let end = 1;
  for (let cluster = 0; cluster < counts.clusters; ) {
    const pageEnd = Math.min(stored.pageEnd(cluster), counts.clusters);
    const page = await stored.page(cluster);
    if (page === 'unreadable') {
      report.error(`The refcounts of clusters ${cluster} to ${pageEnd - 1} cannot be read`, pageEnd - cluster);
      cluster = pageEnd;
      continue;
    }
    let changed = false;
    for (; cluster < pageEnd; cluster++) {
      if (page === 'none') cluster = counts.skipUnused(cluster, pageEnd);
      if (cluster === pageEnd) break;
      const is = page === 'none' ? 0 : width.getAtMost(page.bytes, cluster - page.first);
      const should = counts.get(cluster);
      if (is > 0 || should > 0) end = cluster + 1;
      if (is === should) continue;
      if (is === 0) report.mustRebuild = true;
      else if (page !== 'none' && (is > should ? fix.leaks : fix.corruptions)) {
        width.set(page.bytes, cluster - page.first, should);
        changed = true;
        continue;
      }
      const message = `Cluster ${cluster} has the refcount ${is}, but is in use ${should} times`;
      if (is > should) report.leak(message);
      else report.corruption(message);
    }
    if (changed && page !== 'none') await file.write(page.offset, page.bytes);
  }
  return end;
}
