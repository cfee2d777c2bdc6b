import type { Run } from '../map/run.js';
import type { Image } from '../space/image.js';
import { unpack } from './compression.js';

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
  return unpack(image.header, stored);
}
