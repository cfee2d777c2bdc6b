import { invalid } from '../../../runtime/block/error.js';
import { JobFailure } from '../../../runtime/block/jobs/job-failure.js';
import type { JobWork } from '../../../runtime/block/jobs/job-work.js';
import type { WorkingJob } from '../../../runtime/block/jobs/working-job.js';
import type { MockJobPlan } from './plan.js';

/** In how many steps a job gets to its end. */
const steps = 16;

/** Nanoseconds of a millisecond. */
const millisecond = 1e6;

/**
 * Work that moves nothing, and takes its time.
 *
 * @param length how much there is to do
 * @param becomesReady whether it goes on after that until it is completed, as a mirror does
 */
export function pretendedWork(plan: MockJobPlan, length: number, becomesReady: boolean): JobWork {
  let ending = false;
  let activelySynced = false;
  const end = (): void => {
    ending = true;
  };
  return {
    async run(job) {
      await copy(job, plan, length);
      if (!becomesReady || job.cancelled) return;
      job.becomeReady();
      while (!ending && !job.cancelled) await job.rest();
    },
    ...(becomesReady && { complete: end, leave: end, change }),
    get activelySynced() {
      return activelySynced;
    },
  };

  function change(options: Parameters<NonNullable<JobWork['change']>>[0]): void {
    if (options.type !== 'mirror') throw invalid('Job type does not support change');
    if (options['copy-mode'] === 'write-blocking') activelySynced = true;
    else if (activelySynced) throw invalid("Change to copy mode 'background' is not implemented");
  }
}

async function copy(job: WorkingJob, { duration = 0, fails }: MockJobPlan, length: number): Promise<void> {
  job.len = length;
  const piece = Math.max(1, Math.ceil(length / steps));
  const pause = (duration * millisecond * piece) / Math.max(1, length);
  while (job.offset < length || fails !== undefined) {
    await job.pausePoint();
    if (job.cancelled) return;
    if (fails !== undefined && job.offset * 2 >= length) throw new JobFailure(fails);
    const done = Math.min(piece, length - job.offset);
    const delay = Math.max(pause, job.delayAfter(done));
    // In the middle of a step nothing of it is done yet.
    if (delay > 0) await job.sleep(delay);
    if (job.cancelled) return;
    job.offset += done;
  }
}
