import type { BlockLimitsInfo, ImageInfo } from '../../../generated/index.js';
import { resolveBackingName } from '../graph/filename.js';
import type { BlockNode } from '../graph/node.js';
import { roundUp, sectorSize } from '../limits.js';

/**
 * What queries tell of a node's image, and of the images that it is over.
 *
 * @param flat leaves out the latter
 */
export async function imageInfo(node: BlockNode, flat = false): Promise<ImageInfo> {
  const { open, backingName, below } = node;
  const { info } = open;
  const snapshots = open.snapshots?.list() ?? [];
  const actualSize = await allocatedSize(node);
  const specific = open.specificInfo?.();
  const full = below?.filename ?? (backingName === undefined ? undefined : fullName(node.filename, backingName));
  return {
    filename: node.filename,
    format: node.driver.name,
    // Disks are counted in sectors, whatever the length of the file is.
    'virtual-size': roundUp(node.length, sectorSize),
    ...(info === undefined ? {} : { 'dirty-flag': info.dirty ?? false }),
    ...(actualSize === undefined ? {} : { 'actual-size': actualSize }),
    ...(info?.clusterSize ? { 'cluster-size': info.clusterSize } : {}),
    ...(open.encrypted ? { encrypted: true } : {}),
    ...(backingName === undefined ? {} : { 'backing-filename': backingName }),
    ...(full === undefined ? {} : { 'full-backing-filename': full }),
    ...(backingName === undefined || node.backingFormat === undefined
      ? {}
      : { 'backing-filename-format': node.backingFormat }),
    ...(snapshots.length === 0 ? {} : { snapshots: [...snapshots] }),
    ...(below === undefined || flat ? {} : { 'backing-image': await imageInfo(below) }),
    limits: limitsOf(node),
    ...(specific === undefined ? {} : { 'format-specific': specific }),
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
  const { instance, file } = node;
  if (instance?.allocatedSize !== undefined) return instance.allocatedSize();
  if (file === undefined) return undefined;
  let sum = 0;
  for (const { role, node: below } of node.children.values()) {
    const size = role === 'protocol' ? await allocatedSize(below) : 0;
    if (size === undefined) return undefined;
    sum += size;
  }
  return sum;
}

/** A backing file's name from where the server runs; nothing when it is unknown. */
function fullName(overlay: string, name: string): string | undefined {
  try {
    return resolveBackingName(overlay, name);
  } catch {
    return undefined;
  }
}
