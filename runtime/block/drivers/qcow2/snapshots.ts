import type { SnapshotInfo } from '../../../../generated/index.js';
import { BlockError } from '../../error.js';
import { viewOf } from '../shared/big-endian.js';
import { beforeChange } from './autoclear.js';
import { IncompatibleFeature, incompatibleField, limits, snapshotFields } from './format/header.js';
import { type Snapshot, serialiseSnapshotTable, snapshotOf } from './format/snapshot-table.js';
import { copiedFlag } from './format/table-entry.js';
import { hostCluster, hostOffset, startOf } from './format/units.js';
import { clearMarks, renewMarks } from './map/marks.js';
import { allocateClusters } from './space/allocate.js';
import { finish } from './space/flush.js';
import { freeClusters, settleFreed, settleMany } from './space/free.js';
import type { Image } from './space/image.js';
import { checkOverlap } from './space/overlap.js';
import { visitReachable } from './space/reachable.js';
import { beforeRefcountChange, changeRefcounts, refcountBlock } from './space/refcounts.js';

/**
 * Takes a snapshot: a copy of the L1 table, and one more reference to all that it leads to. Nothing else is done to the image
 * meanwhile.
 *
 * @param info its `id` may be empty: it gets the next number then
 * @throws BlockError EEXIST when the id is taken, EINVAL when refcounts are too narrow, EFBIG when there are too many snapshots
 */
export async function createSnapshot(image: Image, info: SnapshotInfo): Promise<void> {
  image.alive();
  refuseDataFile(image);
  const id = info.id === '' ? nextId(image.snapshots) : info.id;
  if (image.snapshots.some((snapshot) => snapshot.id === id)) {
    throw new BlockError(`There is a snapshot with id '${id}' already`, { code: 'EEXIST' });
  }
  await beforeChange(image);
  await finish(image);
  await markDirty(image);
  await image.lock.run(() => take(image, { ...info, id }));
  await finish(image);
}

/** A cluster has one place in a data file, where it cannot be kept as it was. */
function refuseDataFile({ external }: Image): void {
  if (!external) return;
  throw new BlockError('Images with an external data file have no internal snapshots', { code: 'ENOTSUP' });
}

/**
 * Deletes the snapshot with this id, and what is in the file only for it. Nothing else is done to the image meanwhile.
 *
 * @throws BlockError ENOENT when there is none
 */
export async function deleteSnapshot(image: Image, id: string): Promise<void> {
  image.alive();
  refuseDataFile(image);
  const snapshot = image.snapshots.find((each) => each.id === id);
  if (snapshot === undefined) throw new BlockError(`There is no snapshot with id '${id}'`, { code: 'ENOENT' });
  const l1 = await readL1(image, snapshot);
  await beforeChange(image);
  await finish(image);
  await markDirty(image);
  const others = image.snapshots.filter((each) => each !== snapshot);
  await image.lock.run(() => replaceTable(image, others));
  await visitReachable(image, viewOf(l1), (first, count) => {
    freeClusters(image, startOf(hostCluster(first), image.clusterSize), count, 'snapshot');
    return settleMany(image);
  });
  freeClusters(image, hostOffset(snapshot.l1Offset), clustersOf(image, l1.length), 'snapshot');
  await settleFreed(image);
  await image.lock.run(async () => {
    await image.refcountBlocks.writeAll();
    await image.file.flush();
    await renewMarks(image);
  });
  await finish(image);
}

/** One more than the highest number among the ids. */
function nextId(snapshots: readonly Snapshot[]): string {
  const numbers = snapshots.map(({ id }) => (/^\d{1,15}/.test(id) ? Number.parseInt(id, 10) : 0));
  return String(numbers.reduce((highest, number) => Math.max(highest, number), 0) + 1);
}

/** While marks and refcounts disagree, a crash is to be noticed. */
async function markDirty(image: Image): Promise<void> {
  const { header } = image;
  if (header.version < 3) return;
  const incompatible = header.incompatible | IncompatibleFeature.dirty;
  await image.changeHeader({ ...header, incompatible }, incompatibleField(incompatible));
}

async function take(image: Image, info: SnapshotInfo): Promise<void> {
  const { l1, file, header } = image;
  await beforeRefcountChange(image);
  const copy = l1.bytes.slice();
  for (let at = 0; at < copy.length; at += 8) copy[at] = (copy[at] ?? 0) & ~(copiedFlag >>> 24);
  const clusters = clustersOf(image, copy.length);
  const l1Offset = clusters === 0 ? 0 : (await allocateClusters(image, clusters)).offset;
  let raised = 0;
  try {
    await visitReachable(image, l1.view, async (first, count) => {
      await raise(image, first, count);
      raised++;
    });
    await image.refcountBlocks.writeAll();
    if (copy.length > 0) {
      await checkOverlap(image, 0, l1Offset, copy.length);
      await file.write(l1Offset, copy);
    }
    await file.flush();
    await clearMarks(image);
    const place = { l1Offset, l1Entries: header.l1Entries, diskSize: header.size };
    await replaceTable(image, [...image.snapshots, snapshotOf(info, place)]);
  } catch (error) {
    if (!image.dead) {
      await undo(image, raised);
      freeClusters(image, hostOffset(l1Offset), clusters, 'snapshot');
    }
    throw error;
  }
}

/** Takes back the first references that were counted. */
async function undo(image: Image, raised: number): Promise<void> {
  let done = 0;
  await visitReachable(image, image.l1.view, async (first, count) => {
    if (done++ < raised) await changeRefcounts(image, hostCluster(first), count, -1);
  });
  await image.refcountBlocks.writeAll();
  await image.file.flush();
  await renewMarks(image);
}

/** Counts one more reference to host clusters, or to none of them. @throws BlockError (EINVAL) when a refcount cannot get larger */
async function raise(image: Image, first: number, count: number): Promise<void> {
  const { refcounts, refcountsPerBlock } = image;
  for (let cluster = first; cluster < first + count; ) {
    const index = Math.floor(cluster / refcountsPerBlock);
    const block = await refcountBlock(image, index);
    const end = Math.min(first + count, (index + 1) * refcountsPerBlock);
    for (; cluster < end; cluster++) {
      const refcount = block === undefined ? 0 : refcounts.get(block.bytes, cluster % refcountsPerBlock);
      if (refcount < refcounts.most) continue;
      throw new BlockError(
        `A cluster is in use ${refcount} times already, and refcounts of ${refcounts.bits} bits count no further`,
        { code: 'EINVAL' },
      );
    }
  }
  await changeRefcounts(image, hostCluster(first), count, 1);
}

/** Writes another snapshot table, and makes the header point at it. */
async function replaceTable(image: Image, snapshots: readonly Snapshot[]): Promise<void> {
  const { file, header, snapshotTableLength } = image;
  const bytes = serialiseSnapshotTable(snapshots);
  const clusters = clustersOf(image, bytes.length);
  const offset = clusters === 0 ? 0 : (await allocateClusters(image, clusters)).offset;
  if (clusters > 0) {
    await checkOverlap(image, 0, offset, bytes.length);
    await file.write(offset, bytes);
  }
  await image.refcountBlocks.writeAll();
  await file.flush();
  const changed = { ...image.header, snapshotCount: snapshots.length, snapshotTableOffset: offset };
  await image.changeHeader(changed, snapshotFields(changed));
  image.snapshots = snapshots;
  image.snapshotTableLength = bytes.length;
  freeClusters(image, hostOffset(header.snapshotTableOffset), clustersOf(image, snapshotTableLength), 'snapshot');
}

async function readL1(image: Image, { id, l1Offset, l1Entries }: Snapshot): Promise<Uint8Array> {
  if (l1Offset % image.clusterSize !== 0 || l1Entries * 8 > limits.l1Bytes) {
    throw new BlockError(`Snapshot '${id}' has an impossible L1 table: ${l1Entries} entries at ${l1Offset}`);
  }
  const l1 = new Uint8Array(l1Entries * 8);
  if (l1.length > 0) await image.file.read(l1Offset, l1);
  return l1;
}

function clustersOf(image: Image, length: number): number {
  return Math.ceil(length / image.clusterSize);
}
