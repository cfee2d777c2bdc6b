import { BlockError } from '../../../error.js';
import { snapshotFields } from '../format/header.js';
import { readSnapshotTable, serialiseSnapshotTable } from '../format/snapshot-table.js';
import type { Examination } from './check.js';

/**
 * Writes the snapshot table anew, with records that say all that they must. The old one is leaked, which does no harm.
 * The refcounts are right already.
 *
 * @throws BlockError (ENOSPC) when no free clusters are in a row
 */
export async function completeSnapshots(examined: Examination): Promise<void> {
  const { file, header, counts, report, width } = examined.context;
  const { snapshots } = await readSnapshotTable(file, header);
  const table = serialiseSnapshotTable(snapshots);
  const clusters = Math.ceil(table.length / header.clusterSize);
  const first = findFree(examined, clusters);
  for (let cluster = first; cluster < first + clusters; cluster++) {
    const page = await examined.stored.page(cluster);
    if (page === 'none' || page === 'unreadable') throw noRoom();
    width.set(page.bytes, cluster - page.first, 1);
    counts.add(cluster, 1, report);
    await file.write(page.offset, page.bytes);
  }
  await file.write(first * header.clusterSize, table);
  await file.flush();
  const fields = snapshotFields({
    snapshotCount: snapshots.length,
    snapshotTableOffset: first * header.clusterSize,
  });
  await file.write(fields.offset, fields.bytes);
  await file.flush();
}

/** The first of `wanted` clusters in a row that nothing refers to, inside of the file or just behind it. */
function findFree({ context, stored }: Examination, wanted: number): number {
  const { counts, outside } = context;
  const taken = outside.merged();
  let found = 0;
  for (let cluster = 1; cluster < counts.clusters + wanted; cluster++) {
    const covered = stored.place(Math.floor(cluster / stored.perBlock)).kind === 'block';
    const free =
      covered && counts.users(cluster) === 0 && !taken.some(({ from, to }) => cluster >= from && cluster < to);
    found = free ? found + 1 : 0;
    if (found === wanted) return cluster - wanted + 1;
  }
  throw noRoom();
}

function noRoom(): BlockError {
  return new BlockError('There is no room for a new snapshot table in the image', { code: 'ENOSPC' });
}
