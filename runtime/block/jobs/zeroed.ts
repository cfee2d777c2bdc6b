import type { BlockStatus, Child, NodeView } from '../driver.js';
import { chainStatus } from '../io/status.js';
import { RequestFlag } from '../request-flag.js';
import type { WorkingJob } from './working-job.js';

/** Bytes that are made zero between two looks for a pause. */
const mostAtOnce = 1024 * 1024 * 1024;
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

/**
 * Makes all of a target zero before it is written to, if that gives space back: only what is in the source need be copied then.
 * Nothing is written to one that is zero already.
 *
 * @param unmap the target need not keep space for what is zero
 * @returns whether it is zero; else what it reads as is unknown
 */
export async function zeroed(into: Child, length: number, unmap: boolean, job: WorkingJob): Promise<boolean> {
  // What shows through where nothing is would have to be hidden.
  if (into.node.backing !== undefined) return false;
  let isZero = true;
  await eachStretch(into, length, undefined, job, (_, { zero }) => {
    isZero &&= zero;
  });
  if (isZero) return true;
  if (!unmap || !into.node.flags.unmap) return false;
  try {
    await eachStretch(into, length, undefined, job, async (offset, status) => {
      if (!status.zero) await into.writeZeroes(offset, status.length, RequestFlag.mayUnmap | RequestFlag.noFallback);
    });
    return true;
  } catch {
    // A failure is met again when data is written there, where the policy for errors decides.
    return false;
  }
}
