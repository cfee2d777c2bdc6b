import { constants, inflateRaw } from 'node:zlib';
import { BlockError } from '../../../error.js';
import type { Run } from '../map/translate.js';
import type { Image } from '../space/image.js';

/** Compressed data refers back by 2^12 bytes at most. */
export const windowBits = 12;

/**
 * The contents of a compressed cluster. They are shared: not to be changed. Called without a pause since the run was looked up.
 *
 * @throws BlockError (EIO) when the data is broken
 */
export function readCompressed(image: Image, run: Run): Promise<Uint8Array> {
  if (image.decompressed?.offset === run.host) return image.decompressed.data;
  const data = load(image, run);
  const decompressed = { offset: run.host, data };
  image.decompressed = decompressed;
  data.catch(() => {
    if (image.decompressed === decompressed) image.decompressed = undefined;
  });
  return data;
}

async function load(image: Image, run: Run): Promise<Uint8Array> {
  const stored = Buffer.allocUnsafe(run.stored);
  const access = image.grace.enter();
  try {
    image.file.debug('read_compressed');
    await image.file.read(run.host, stored);
  } finally {
    image.grace.leave(access);
  }
  return inflateCluster(stored, image.clusterSize);
}

/**
 * Decompresses one cluster. What follows the end of the stream is ignored; it stands there as clusters are stored in sectors.
 *
 * @throws BlockError (EIO) when it is not exactly one cluster
 */
function inflateCluster(stored: Uint8Array, clusterSize: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const options = {
      windowBits,
      chunkSize: clusterSize,
      maxOutputLength: clusterSize,
      finishFlush: constants.Z_SYNC_FLUSH,
    };
    inflateRaw(stored, options, (error, data) => {
      if (error === null && data.length === clusterSize) resolve(data);
      else reject(new BlockError('qcow2: A compressed cluster is broken', { code: 'EIO', cause: error ?? undefined }));
    });
  });
}
