import type { BlockDeviceInfo } from '../../../generated/index.js';
import type { BlockNode } from '../graph/node.js';
import { imageInfo } from './image-info.js';

/** The members of {@link BlockDeviceInfo} that belong to the backend above a node. */
export type BackendPart = Pick<BlockDeviceInfo, 'bps' | 'bps_rd' | 'bps_wr' | 'iops' | 'iops_rd' | 'iops_wr'> &
  Partial<BlockDeviceInfo>;

const unlimited: BackendPart = { bps: 0, bps_rd: 0, bps_wr: 0, iops: 0, iops_rd: 0, iops_wr: 0 };

/**
 * What queries tell of a node.
 *
 * @param limits of the backend that it is the medium of; absent for listings of nodes, which know of none
 * @param writeback of that backend
 */
export async function nodeInfo(node: BlockNode, limits = unlimited, writeback = true): Promise<BlockDeviceInfo> {
  const { flags, backingName } = node;
  return {
    file: node.filename,
    'node-name': node.name,
    ro: flags.readOnly,
    drv: node.driver.name,
    ...(backingName === undefined ? {} : { backing_file: backingName }),
    backing_file_depth: depth(node),
    encrypted: node.open.encrypted ?? false,
    // An image whose key is missing is not opened in the first place.
    encryption_key_missing: false,
    detect_zeroes: node.detectZeroes,
    ...limits,
    cache: { writeback, direct: flags.direct, 'no-flush': flags.noFlush },
    write_threshold: node.writeThreshold,
    image: await imageInfo(node),
  };
}

function depth(node: BlockNode): number {
  let links = 0;
  for (let below = node.below; below !== undefined; below = below.below) links++;
  return links;
}
