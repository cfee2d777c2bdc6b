import type { DriverInstance } from '../driver.js';
import { readAnywhere } from './read.js';

/** Reads the blocks at the edges of a misaligned write, where they hold other data. */
export async function readEdges(
  instance: DriverInstance,
  start: number,
  whole: Uint8Array,
  from: number,
  to: number,
  alignment: number,
): Promise<void> {
  const end = start + whole.length;
  if (from !== start) {
    instance.debug?.('pwritev_rmw_head');
    await readAnywhere(instance, start, whole.subarray(0, alignment), alignment, 0);
    instance.debug?.('pwritev_rmw_after_head');
  }
  const last = end - alignment;
  if (to !== end && (last !== start || from === start)) {
    instance.debug?.('pwritev_rmw_tail');
    await readAnywhere(instance, last, whole.subarray(last - start), alignment, 0);
    instance.debug?.('pwritev_rmw_after_tail');
  }
}
