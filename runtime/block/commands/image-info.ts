import type { BlockLimitsInfo, ImageInfo } from '../../../generated/index.js';
import { placeOf, resolveBackingName } from '../graph/filename.js';
import type { BlockNode } from '../graph/node.js';
import { roundUp, sectorSize } from '../limits.js';

/** What is left out of the description of an image. */
export interface ImageInfoManner {
  /** The images that it is over are left out. */
  readonly flat?: boolean | undefined;
  /** The filters that jobs have put in without a name are passed over. */
  readonly ofDrive?: boolean | undefined;
}

/**
 * What queries tell of a node's image, and of the images that it is over, as they are now. Only sizes on the host are waited for: the graph
 * may change meanwhile.
 */
export async function imageInfo(node: BlockNode, manner: ImageInfoManner = {}): Promise<ImageInfo> {
  const { open, under } = node;
  const { backingFile } = open;
  const { flat = false, ofDrive = false } = manner;
  const shown = ofDrive ? under?.node.belowImplicit : under?.node;
  const { info } = open;
  const snapshots = open.snapshots?.list() ?? [];
  const specific = open.specificInfo?.();
  const full = backingFile && fullName(placeOf(node), backingFile.name);
  const described = {
    filename: node.filename,
    format: node.driver.name,
    // Disks are counted in sectors, whatever the length of the file is.
    'virtual-size': roundUp(node.length, sectorSize),
    ...(info === undefined ? {} : { 'dirty-flag': info.dirty ?? false }),
    ...(info?.clusterSize ? { 'cluster-size': info.clusterSize } : {}),
    ...(open.encrypted ? { encrypted: true } : {}),
    ...(backingFile === undefined ? {} : { 'backing-filename': backingFile.name }),
    ...(full === undefined ? {} : { 'full-backing-filename': full }),
    ...(backingFile?.format === undefined ? {} : { 'backing-filename-format': backingFile.format }),
    ...(snapshots.length === 0 ? {} : { snapshots: [...snapshots] }),
    limits: limitsOf(node),
    ...(specific === undefined ? {} : { 'format-specific': specific }),
  };
  const [actualSize, backingImage] = await Promise.all([
    allocatedSize(node),
    shown === undefined || flat ? undefined : imageInfo(shown, manner),
  ]);
  return {
    ...described,
    ...(actualSize === undefined ? {} : { 'actual-size': actualSize }),
    ...(backingImage === undefined ? {} : { 'backing-image': backingImage }),
  };
}

/** Buffers are collected into one where the system takes fewer than QEMU, which allows as many. */
const mostBuffers = 1024;
/** Bytes: the page of most hosts. */
const page = 4096;

/** What requests are made to fit. Nothing is said of what has no limit, or is best aligned as everything is. */
function limitsOf({ open, driver, leastBlock, requestAlignment, flags }: BlockNode): BlockLimitsInfo {
  const least = leastBlock ?? requestAlignment;
  const { zeroAlignment = least, info } = open;
  const discards = open.discard !== undefined && driver.filter !== true ? info?.clusterSize : undefined;
  return {
    'request-alignment': least,
    ...(discards === undefined ? {} : { 'discard-alignment': discards }),
    ...(zeroAlignment === least ? {} : { 'write-zeroes-alignment': zeroAlignment }),
    'max-iov': mostBuffers,
    'min-mem-alignment': flags.direct ? sectorSize : 1,
    'opt-mem-alignment': page,
  };
}

/** Bytes that an image takes on the host: what its driver tells, or the files that it consists of. */
async function allocatedSize(node: BlockNode): Promise<number | undefined> {
  const { instance, file, driver, under } = node;
  if (instance?.allocatedSize !== undefined) {
    try {
      return await instance.allocatedSize();
    } catch (error) {
      // It may have been closed meanwhile.
      if (node.usable) throw error;
      return undefined;
    }
  }
  if (driver.filter && under !== undefined) return allocatedSize(under.node);
  if (file === undefined) return undefined;
  const files = Array.from(node.children.values()).filter(({ role }) => role === 'protocol');
  const sizes = await Promise.all(files.map(({ node: below }) => allocatedSize(below)));
  return sizes.reduce((sum, size) => (sum === undefined || size === undefined ? undefined : sum + size), 0);
}

/** A backing file's name from where the server runs; nothing when it is unknown. */
function fullName(overlay: string, name: string): string | undefined {
  try {
    return resolveBackingName(overlay, name);
  } catch {
    return undefined;
  }
}
