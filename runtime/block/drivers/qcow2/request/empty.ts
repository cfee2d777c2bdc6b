import {
  type HeaderPatch,
  IncompatibleFeature,
  incompatibleField,
  l1Fields,
  type Qcow2Header,
  refcountTableFields,
} from '../format/header.js';
import { MetadataKind } from '../format/options.js';
import { hostCluster, hostOffset } from '../format/units.js';
import { setEntry } from '../map/l2-entry.js';
import { finish } from '../space/flush.js';
import { type Image, wholeTable } from '../space/image.js';
import { checkOverlap } from '../space/overlap.js';
import { forget } from './resize.js';

/** Header, refcount table and refcount block: what is in front of the L1 table of an image that was made empty. */
const clustersBeforeL1 = 3;

/**
 * Makes all of the image unallocated: what is in the backing file shows through everywhere. Nothing else is done to the image
 * meanwhile.
 */
export async function makeEmpty(image: Image): Promise<void> {
  image.alive();
  if (canStartAnew(image)) await startAnew(image);
  else await forget(image, 0, image.header.size);
}

/** Whether the image can be laid out as if it were new, with nothing else in the file. */
function canStartAnew(image: Image): boolean {
  const { version, snapshotCount, extensions } = image.header;
  return (
    version >= 3 &&
    snapshotCount === 0 &&
    !image.external &&
    image.volume === undefined &&
    // Extensions that are not known may have clusters of their own.
    extensions.length === 0 &&
    clustersBeforeL1 + l1Clusters(image) <= image.refcountsPerBlock
  );
}

/**
 * Lays the image out anew. It is marked as dirty meanwhile: refcounts that a crash leaves behind are repaired when it is opened
 * again. When it fails, the content of the file is unknown: the image is not used any more, and stays dirty.
 */
async function startAnew(image: Image): Promise<void> {
  await finish(image);
  await image.lock.run(async () => {
    const incompatible = image.header.incompatible | IncompatibleFeature.dirty;
    await image.changeHeader({ ...image.header, incompatible }, incompatibleField(incompatible));
    try {
      await layOut(image);
    } catch (error) {
      image.dead = true;
      throw error;
    }
  });
  await finish(image);
}

/** Clears the L1 table, writes new refcounts over whatever is at the beginning of the file, and cuts the file. */
async function layOut(image: Image): Promise<void> {
  const { file, clusterSize, l1 } = image;
  await checkOverlap(image, MetadataKind.activeL1, image.header.l1Offset, l1.bytes.length);
  file.debug('l1_update');
  await file.write(image.header.l1Offset, new Uint8Array(l1.bytes.length));
  await file.flush();
  l1.bytes.fill(0);
  forgetClusters(image);
  const clusters = clustersBeforeL1 + l1Clusters(image);
  const start = beginning(image, clusters);
  file.debug('empty_image_prepare');
  await file.write(clusterSize, start);
  await file.flush();
  const header = {
    ...image.header,
    l1Offset: image.header.l1Entries === 0 ? 0 : clustersBeforeL1 * clusterSize,
    refcountTableOffset: clusterSize,
    refcountTableClusters: 1,
  };
  file.debug('reftable_update');
  await image.changeHeader(header, placesField(header));
  image.refcountTable = wholeTable(start.slice(0, clusterSize));
  image.tablePlaces.add(2 * clusterSize);
  // Behind a file that cannot be made shorter, there is old data.
  await file.truncate(clusters * clusterSize).then(
    () => {
      image.highWater = clusters * clusterSize;
    },
    () => {},
  );
}

/** The places of both tables stand next to each other: they change at once. */
function placesField(header: Qcow2Header): HeaderPatch {
  const { offset, bytes } = l1Fields(header);
  return { offset, bytes: Buffer.concat([bytes, refcountTableFields(header).bytes]) };
}

function l1Clusters(image: Image): number {
  return Math.ceil(image.l1.bytes.length / image.clusterSize);
}

/** What is in memory of clusters that are gone. */
function forgetClusters(image: Image): void {
  image.l2Tables.clear();
  image.refcountBlocks.clear();
  image.decompressed.clear();
  image.compressedEnd = hostOffset(0);
  image.searchFrom = hostCluster(0);
}

/** The contents of all clusters in use but the header: a refcount table, its only block, which counts all, and an empty L1 table. */
function beginning(image: Image, clusters: number): Uint8Array {
  const { clusterSize, refcounts } = image;
  const bytes = new Uint8Array((clusters - 1) * clusterSize);
  setEntry(wholeTable(bytes), 0, 2 * clusterSize, 0);
  const block = bytes.subarray(clusterSize, 2 * clusterSize);
  for (let cluster = 0; cluster < clusters; cluster++) refcounts.set(block, cluster, 1);
  return bytes;
}
