import type { BlockDeviceInfo } from '../../../generated/index.js';
import type { Int64 } from '../../json/value.js';
import { throttleInfo } from '../backend/throttle-arguments.js';
import type { Bitmaps } from '../bitmaps/bitmaps.js';
import { staysReadOnly } from '../graph/flags.js';
import type { BlockNode } from '../graph/node.js';
import { imageInfo } from './image-info.js';

/** What the description of a node depends on beside the node. */
export interface NodeInfoContext {
  readonly bitmaps: Bitmaps;
  /** The images below are left out. */
  readonly flat?: boolean | undefined;
  /** Limits of the backend that the node is the medium of; absent for listings of nodes, which know of none. */
  readonly limits?: ReturnType<typeof throttleInfo>;
  /** Of that backend. Default: `true`. */
  readonly writeback?: boolean;
  /** The filters that jobs have put in without a name are passed over. */
  readonly ofDrive?: boolean;
}

/** What queries tell of a node. */
export async function nodeInfo(node: BlockNode, context: NodeInfoContext): Promise<BlockDeviceInfo> {
  const { flags, below } = node;
  const { bitmaps, flat, limits = throttleInfo(), writeback = true, ofDrive } = context;
  const dirty = bitmaps.describe(node);
  return {
    file: node.filename,
    'node-name': node.name,
    ro: staysReadOnly(flags),
    drv: node.driver.name,
    ...(below === undefined ? {} : { backing_file: below.filename }),
    // QEMU does not count where it does not show the images below.
    backing_file_depth: flat ? 0 : depthOf(node, ofDrive),
    encrypted: node.open.encrypted ?? false,
    // An image whose key is missing is not opened in the first place.
    encryption_key_missing: false,
    detect_zeroes: node.detectZeroes,
    // The latest child comes first, as in QEMU.
    children: Array.from(node.children.values(), (edge) => ({
      child: edge.name,
      'node-name': edge.node.name,
    })).reverse(),
    active: flags.inactive === undefined,
    ...limits,
    ...(dirty.length === 0 ? {} : { 'dirty-bitmaps': dirty }),
    cache: { writeback, direct: flags.direct, 'no-flush': flags.noFlush },
    write_threshold: signed(node.writeThreshold),
    image: await imageInfo(node, { flat, ofDrive }),
  };
}

/** A threshold can be larger than what queries can tell, and is far beyond the end of any disk then. */
function signed(threshold: Int64): Int64 {
  return threshold > largestInt64 ? largestInt64 : threshold;
}

const largestInt64 = 2n ** 63n - 1n;

/** How many nodes are below, along backing files and through filters. */
function depthOf({ under }: BlockNode, ofDrive = false): number {
  return under === undefined ? 0 : 1 + depthOf(ofDrive ? under.node.belowImplicit : under.node, ofDrive);
}
