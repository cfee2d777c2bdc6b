import { deflateRawBlock, inflateRawBlock } from '../../shared/deflate.js';
import { compressesZstd, unzstdBlock, zstdBlock } from '../../shared/zstd.js';
import { CompressionType, type Qcow2Header } from '../format/header.js';
import type { Image } from '../space/image.js';

/** Images of which it was reported that they are written plain. */
const reported = new WeakSet<Image>();

/**
 * Decompresses a cluster; what follows it in its sectors is ignored.
 *
 * @param alone as that of {@link inflateRawBlock}
 * @throws BlockError (EIO) when it is broken
 */
export function unpack(
  { clusterSize, unknownFields }: Qcow2Header,
  stored: Uint8Array,
  alone: boolean,
): Promise<Uint8Array> {
  if (isZstd(unknownFields)) return unzstdBlock(stored, clusterSize, 'qcow2');
  return inflateRawBlock(stored, clusterSize, 'qcow2', { alone });
}

/** Compresses a cluster. @returns nothing when this Node.js cannot: it is to be written plain then */
export async function pack(image: Image, data: Uint8Array): Promise<Uint8Array | undefined> {
  if (!isZstd(image.header.unknownFields)) return deflateRawBlock(data);
  if (!compressesZstd && !reported.has(image)) {
    reported.add(image);
    image.host.warn(
      `qcow2: Node.js ${process.versions.node} does not compress with zstd, Node.js 22.15 does: what is to be compressed in node ` +
        `'${image.node.name}' is written plain; images with compression_type=zlib are compressed everywhere`,
    );
  }
  return zstdBlock(data);
}

function isZstd([type]: Uint8Array): boolean {
  return type === CompressionType.zstd;
}
