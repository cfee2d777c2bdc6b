import type { BlockStatus, Child, NodeView } from '../driver.js';
import { chainStatus } from '../io/status.js';
import { isZero } from '../io/zeroes.js';
import { RequestFlag } from '../request-flag.js';
import type { WorkingJob } from './working-job.js';

/** Bytes that are made zero between two looks for a pause. */
const mostAtOnce = 1024 * 1024 * 1024;
/** Bytes that are read to find out whether they are zero. */
const mostRead = 64 * 1024;
/** Stretches that are looked at between two looks for a pause. */
const mostLooks = 64;

/**
 * Tells what is in each stretch of a disk above a base, until the job is cancelled.
 *
 * @param base absent: there is none
 */
export async function eachStretch(
  top: Child,
  end: number,
  base: NodeView | undefined,
  job: WorkingJob,
  found: (offset: number, status: BlockStatus) => Promise<void> | void,
): Promise<void> {
  for (let offset = 0, steps = 0; offset < end && !job.cancelled; steps++) {
    if (steps % mostLooks === 0) await job.pausePoint();
    const { status } = await chainStatus(top, offset, Math.min(end - offset, mostAtOnce), base);
    await found(offset, status);
    offset += status.length;
  }
}

/** The beginning of a new raw image is often there: `qemu-img` writes a block to find out how the host wants it aligned. */
async function readsAsZero(into: Child, length: number): Promise<boolean> {
  if (length > mostRead) return false;
  const buffer = new Uint8Array(length);
  await into.read(0, buffer);
  return isZero(buffer);
}

/**
 * Makes all of a target zero before it is written to, if that gives space back: only what is in the source need be copied then.
 * Nothing is written to one that is zero already.
 *
 * @param unmap the target need not keep space for what is zero
 * @returns whether it is zero, but for what guests have had copied meanwhile, which their disk then has; else what it reads as is unknown
 */
export async function zeroed(into: Child, length: number, unmap: boolean, job: WorkingJob): Promise<boolean> {
  // What shows through where nothing is would have to be hidden.
  if (into.node.backing !== undefined) return false;
  try {
    let allZero = true;
    await eachStretch(into, length, undefined, job, async (offset, status) => {
      allZero &&= status.zero || (offset === 0 && (await readsAsZero(into, status.length)));
    });
    if (allZero) return true;
    if (!unmap || !into.node.flags.unmap) return false;
    await eachStretch(into, length, undefined, job, async (offset, status) => {
      if (!status.zero) await into.writeZeroes(offset, status.length, RequestFlag.mayUnmap | RequestFlag.noFallback);
    });
    return true;
  } catch {
    // A failure is met again when data is written there, where the policy for errors decides.
    return false;
  }
}
