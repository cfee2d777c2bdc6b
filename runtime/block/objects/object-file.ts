import { blockErrorOf } from '../error.js';
import { readSmallFile } from '../small-file.js';
import type { ObjectHost } from './user-object.js';

/** Bytes that a file may have which an object is made of. */
const largestFile = 1 << 20;

/**
 * Reads a file that an object is made of, if it may be used.
 *
 * @param failure what is said before the reason when it cannot be read
 * @throws BlockError when it cannot be read
 */
export async function readObjectFile(
  path: string,
  host: ObjectHost,
  failure = `Unable to read ${path}`,
): Promise<Buffer> {
  try {
    return await readSmallFile(path, { most: largestFile, authorize: (...asked) => host.authorize(...asked) });
  } catch (error) {
    throw blockErrorOf(error, failure);
  }
}
