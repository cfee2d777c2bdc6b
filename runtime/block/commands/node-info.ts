import type { BlockDeviceInfo } from '../../../generated/index.js';
import type { Int64 } from '../../json/value.js';
import { throttleInfo } from '../backend/throttle-arguments.js';
import type { BlockNode } from '../graph/node.js';
import { imageInfo } from './image-info.js';

/**
 * What queries tell of a node.
 *
 * @param limits of the backend that it is the medium of; absent for listings of nodes, which know of none
 * @param writeback of that backend
 */
export async function nodeInfo(node: BlockNode, limits = throttleInfo(), writeback = true): Promise<BlockDeviceInfo> {
  const { flags, backingName } = node;
  return {
    file: node.filename,
    'node-name': node.name,
    ro: flags.readOnly,
    drv: node.driver.name,
    ...(backingName === undefined ? {} : { backing_file: backingName }),
    backing_file_depth: [...node.chain()].length - 1,
    encrypted: node.open.encrypted ?? false,
    // An image whose key is missing is not opened in the first place.
    encryption_key_missing: false,
    detect_zeroes: node.detectZeroes,
    ...limits,
    cache: { writeback, direct: flags.direct, 'no-flush': flags.noFlush },
    write_threshold: signed(node.writeThreshold),
    image: await imageInfo(node),
  };
}

/** A threshold can be larger than what queries can tell, and is far beyond the end of any disk then. */
function signed(threshold: Int64): Int64 {
  return threshold > largestInt64 ? largestInt64 : threshold;
}

const largestInt64 = 2n ** 63n - 1n;
