import type { Jobs } from '../jobs/jobs.js';
import type { BlockHandlers } from './handlers.js';

/** Commands for jobs of every kind. */
export function jobCommands(jobs: Jobs) {
  return {
    'query-block-jobs': () => jobs.all.map((job) => job.info),
    'block-job-set-speed': ({ device, speed }) => jobs.named(device).setSpeed(Number(speed)),
    'block-job-cancel': ({ device, force = false }) => jobs.named(device).cancel(force),
    'block-job-pause': ({ device }) => jobs.named(device).pause(),
    'block-job-resume': ({ device }) => jobs.named(device).resume(),
    'block-job-complete': ({ device }) => jobs.named(device).complete(),
  } satisfies Partial<BlockHandlers>;
}
