import { blockErrorOf } from '../error.js';
import { JobFailure } from './job-failure.js';
import type { JobWork } from './job-work.js';

/** Work that is done in one step, when no command changes the graph. Clients learn why it has failed. */
export function inOneStep(work: () => Promise<void>): Pick<JobWork, 'run'> {
  return {
    async run(job) {
      job.len = 1;
      try {
        await job.alone(work);
      } catch (error) {
        const { message, code } = blockErrorOf(error);
        throw new JobFailure(message, { code });
      } finally {
        job.offset = 1;
      }
    },
  };
}
