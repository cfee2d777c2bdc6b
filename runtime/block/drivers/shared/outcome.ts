import type { Errno } from '../../errno.js';
import { blockErrorOf } from '../../error.js';

/**
 * Waits for a request to one of several children.
 *
 * @returns the failure; absent: it went well
 * @throws an error that is no failure of the system's or the block layer's: a mistake in our own code
 */
export async function outcome(request: Promise<void>): Promise<Errno | undefined> {
  try {
    await request;
    return undefined;
  } catch (error) {
    return blockErrorOf(error).code;
  }
}
