import { constants, inflateRaw } from 'node:zlib';
import { BlockError } from '../../error.js';
import type { Image } from './image.js';
import type { Run } from './translate.js';

/** Compressed data refers back by 2^12 bytes at most. */
export const windowBits = 12;

/** The contents of a compressed cluster. They are shared: not to be changed. @throws BlockError (EIO) when the data is broken */
export async function readCompressed(image: Image, run: Run): Promise<Uint8Array> {
  const { decompressed } = image;
  if (decompressed?.offset === run.host) return decompressed.data;
  const stored = Buffer.allocUnsafe(run.stored);
  const access = image.grace.enter();
  try {
    image.file.debug('read_compressed');
    await image.file.read(run.host, stored);
    const data = await inflateCluster(stored, image.clusterSize);
    // Clusters are settled as freed, and the cache emptied, only when this access is over.
    image.decompressed = { offset: run.host, data };
    return data;
  } finally {
    image.grace.leave(access);
  }
}

/**
 * Decompresses one cluster. What follows the end of the stream is ignored; it stands there as clusters are stored in sectors.
 *
 * @throws BlockError (EIO) when it is not exactly one cluster
 */
export function inflateCluster(stored: Uint8Array, clusterSize: number): Promise<Uint8Array> {
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
