import { BlockError, blockErrorOf, noMedium } from '../error.js';
import { sectorSize } from '../limits.js';
import { runTransaction, type TransactionStep } from '../transaction.js';
import type { BlockNode } from './node.js';

/**
 * Changes the length of an image. Nothing is in flight on it meanwhile: the caller has drained it.
 *
 * @param size bytes
 * @param warn reports what could not be undone
 * @throws BlockError when the image cannot be resized
 */
export function resize(node: BlockNode, size: number, warn: (message: string) => void): Promise<void> {
  return runTransaction([resizeStep(node, size, warn)]);
}

/**
 * A change of an image's length as a step of a transaction. Growing can be undone, so it is done in preparation. What shrinking cuts
 * off is lost, so that waits until all other steps are prepared.
 */
export function resizeStep(node: BlockNode, size: number, warn: (message: string) => void): TransactionStep {
  const { requests } = node;
  let before: number | undefined;
  return {
    async prepare() {
      await explained(node, size, async () => {
        requests.checkTruncate(size);
        if (size < node.length) return;
        before = node.length;
        await requests.truncate(size);
      });
    },
    async commit() {
      if (before === undefined) await explained(node, size, () => requests.truncate(size));
    },
    async abort() {
      if (before === undefined || before === node.length) return;
      try {
        await requests.truncate(before);
      } catch (error) {
        warn(`Node '${node.name}' keeps ${node.length} instead of ${before} bytes: ${blockErrorOf(error).message}`);
      }
    },
  };
}

/** Says of a failure what it is to the client of a resize. */
async function explained(node: BlockNode, size: number, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { code, message } = blockErrorOf(error);
    if (code === 'ENOMEDIUM') throw noMedium(node.deviceOrNodeName);
    if (code === 'ENOTSUP') {
      throw new BlockError(
        `Block format '${node.driver.name}' used by node '${node.name}' does not support resizing: ${message}`,
        { code },
      );
    }
    if (code === 'EACCES') throw new BlockError(`Device '${node.deviceOrNodeName}' is read only`, { code });
    throw new BlockError(`Could not resize to ${size} bytes (${size / sectorSize} sectors): ${message}`, { code });
  }
}
