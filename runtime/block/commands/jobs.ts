import type { JobList } from '../jobs/job-list.js';
import type { BlockHandlers } from './handlers.js';

/** Commands for jobs of every kind. Those that begin with `block` are for jobs of nodes only. */
export function jobCommands(jobs: JobList) {
  return {
    'query-jobs': () => jobs.all.map((job) => job.summary),
    'job-pause': ({ id }) => jobs.named(id).pause(),
    'job-resume': ({ id }) => jobs.named(id).resume(),
    'job-cancel': ({ id }) => jobs.named(id).cancel(true),
    'job-complete': ({ id }) => jobs.named(id).complete(),
    'job-finalize': ({ id }) => jobs.named(id).finalize(),
    'job-dismiss': ({ id }) => jobs.named(id).dismiss(),

    'query-block-jobs': () => jobs.all.filter((job) => job.ofNode).map((job) => job.info),
    'block-job-set-speed': ({ device, speed }) => jobs.ofNode(device).setSpeed(Number(speed)),
    'block-job-cancel': ({ device, force = false }) => jobs.ofNode(device).cancel(force),
    'block-job-pause': ({ device }) => jobs.ofNode(device).pause(),
    'block-job-resume': ({ device }) => jobs.ofNode(device).resume(),
    'block-job-complete': ({ device }) => jobs.ofNode(device).complete(),
    'block-job-finalize': ({ id }) => jobs.ofNode(id).finalize(),
    'block-job-dismiss': ({ id }) => jobs.ofNode(id).dismiss(),
    'block-job-change': (options) => jobs.ofNode(options.id).change(options),
  } satisfies Partial<BlockHandlers>;
}
