import type { OpenContext } from '../../driver.js';
import { BlockError } from '../../error.js';
import type { BlockOptions } from '../../options.js';
import { warnOfAutoclear } from './autoclear.js';
import { readBitmaps } from './bitmaps/open.js';
import { repair } from './check/repair.js';
import { openEncryption } from './encryption.js';
import { CompatibleFeature, IncompatibleFeature, limits, type Qcow2Header, readHeader } from './format/header.js';
import { MetadataKind, type Settings, takeSettings } from './format/options.js';
import { readSnapshotTable } from './format/snapshot-table.js';
import { offsetOf } from './format/table-entry.js';
import { openData } from './open-data.js';
import { Image } from './space/image.js';
import { checkOverlap, mustAskFile } from './space/overlap.js';

/** Opens an image: reads the tables that are kept in memory, and puts it right if it was not closed. @throws BlockError */
export async function openImage(context: OpenContext): Promise<Image> {
  const { file, node, host, noIo } = context;
  const writable = !node.flags.readOnly && !noIo;
  let header = await readHeader(file);
  const settings = settingsFor(header, context.options);
  if (writable) {
    refuseCorrupt(header);
    if (header.incompatible & IncompatibleFeature.dirty) header = await repaired(context);
  }
  const volume = await openEncryption(context, header);
  const data = await openData(context, header);
  const image = new Image({ node, file, data, volume, host }, header, settings, {
    l2: (opened) => checkBefore(opened, MetadataKind.activeL2),
    refcounts: (opened) => checkBefore(opened, MetadataKind.refcountBlock),
  });
  image.lazyRefcounts = lazyRefcounts(header, settings);
  await readTables(image);
  if (writable) claim(image);
  return image;
}

/** Takes the options for an image. @throws BlockError when they are wrong, or the image is too old for them */
export function settingsFor({ version, clusterSize }: Qcow2Header, options: BlockOptions): Settings {
  const settings = takeSettings(options, clusterSize);
  if (settings.lazyRefcounts && version < 3) {
    throw new BlockError('Lazy refcounts require a qcow2 image with at least compatibility level 1.1', {
      code: 'EINVAL',
    });
  }
  if (settings.keepsDiscarded && version < 3) {
    throw new BlockError('discard-no-unref is only supported since qcow2 version 3', { code: 'EINVAL' });
  }
  return settings;
}

/** Whether an image's refcounts may be behind. Where no option says so, the image does. */
export function lazyRefcounts({ compatible }: Qcow2Header, settings: Settings): boolean {
  return settings.lazyRefcounts ?? (compatible & CompatibleFeature.lazyRefcounts) !== 0n;
}

/** @throws BlockError (EACCES) when an image that is marked as corrupt is to be written */
export function refuseCorrupt(header: Qcow2Header): void {
  if (!(header.incompatible & IncompatibleFeature.corrupt)) return;
  throw new BlockError('Image is corrupt; cannot be opened read/write. It can be repaired with qemu-img check -r all', {
    code: 'EACCES',
  });
}

/** To be called before an image can be written. */
export function claim(image: Image): void {
  refuseSharedBlocks(image);
  refuseLongChecks(image);
  warnOfAutoclear(image);
  image.claimed = true;
}

function checkBefore(image: Image, own: number): (offset: number, length: number) => Promise<void> {
  return (offset, length) => {
    image.alive();
    return checkOverlap(image, own, offset, length);
  };
}

async function repaired({ file, node, host }: OpenContext): Promise<Qcow2Header> {
  host.warn(`qcow2: Image '${node.name}' was not closed; it is being repaired`);
  const { corruptions, checkErrors } = await repair(file, 'all');
  if (corruptions > 0 || checkErrors > 0) {
    throw new BlockError('Could not repair the image, which was not closed; see qemu-img check', { code: 'EIO' });
  }
  return readHeader(file);
}

async function readTables(image: Image): Promise<void> {
  const { file, header, l1, refcountTable, tablePlaces } = image;
  if (l1.bytes.length > 0) await file.read(header.l1Offset, l1.bytes);
  file.debug('reftable_load');
  await file.read(header.refcountTableOffset, refcountTable.bytes);
  tablePlaces.addAll(l1.view);
  tablePlaces.addAll(refcountTable.view);
  const { snapshots, length } = await readSnapshotTable(file, header);
  image.snapshots = snapshots;
  image.snapshotTableLength = length;
  await readBitmaps(image);
}

/** With a block that counts for several stretches, all that is written would be counted wrong, and a search would go on for ever. */
function refuseSharedBlocks(image: Image): void {
  const { view } = image.refcountTable;
  const seen = new Set<number>();
  for (let at = 0; at < view.byteLength; at += 8) {
    const offset = offsetOf(view.getUint32(at), view.getUint32(at + 4));
    if (offset === 0) continue;
    if (seen.has(offset)) {
      throw new BlockError(
        'A refcount block of the image is used twice; it can be repaired with qemu-img check -r all',
        { code: 'EACCES' },
      );
    }
    seen.add(offset);
  }
}

/** Where L2 tables of snapshots are to be checked, the L1 tables of all snapshots are read before each write. */
function refuseLongChecks(image: Image): void {
  if (!mustAskFile(image)) return;
  const bytes = image.snapshots.reduce((sum, { l1Entries }) => sum + l1Entries * 8, 0);
  if (bytes <= limits.l1Bytes) return;
  throw new BlockError("The image has too many snapshots for overlap-check 'all', or too large ones; use 'cached'", {
    code: 'EFBIG',
  });
}
