import type { Run } from '../map/run.js';
import type { Image } from '../space/image.js';
import { unpack } from './compression.js';

/**
 * The contents of a compressed cluster. They are shared: not to be changed. Called without a pause since the run was looked up.
 *
 * @throws BlockError (EIO) when the data is broken
 */
export function readCompressed(image: Image, run: Run): Promise<Uint8Array> {
  return image.decompressed.get(run.host, image.clusterSize, (alone) => load(image, run, alone));
}

async function load(image: Image, run: Run, alone: () => boolean): Promise<Uint8Array> {
  const stored = Buffer.allocUnsafe(run.stored);
  const access = image.grace.enter();
  try {
    image.file.debug('read_compressed');
    await image.file.read(run.host, stored);
  } finally {
    image.grace.leave(access);
  }
  return unpack(image.header, stored, alone());
}
