import { unused } from '../permissions.js';
import { type BackupPlan, type BackupWork, backupWork } from './backup.js';
import { backupFilter, filtered, showPast } from './filters.js';
import type { Job } from './job.js';
import type { JobRequest, Jobs } from './jobs.js';

/** What comes into a node by copying on read, or goes from it into what is below it, changes nothing that a backup reads. */
const harmless = ['dataplane', 'backup-source', 'stream', 'commit-target'] as const;

/**
 * Makes a backup, which keeps the disk as it is from now on. Nothing may be in flight on it.
 *
 * @param filterName of the filter over the source. Absent: one is made
 * @throws BlockError when the id is not free, or others exclude what it does
 */
export async function createBackupJob(
  jobs: Jobs,
  request: JobRequest,
  plan: BackupPlan,
  filterName?: string,
): Promise<{ readonly job: Job; readonly work: BackupWork }> {
  const { source, target } = plan;
  let work: BackupWork | undefined;
  const job = await jobs.over(source, backupFilter(filterName, target, plan), (filter) =>
    jobs.create(
      filter,
      'backup',
      request,
      [
        { node: filter, name: 'main node', permissions: unused, allowed: ['dataplane'] },
        { node: target, name: 'target', permissions: unused, allowed: ['dataplane'] },
      ],
      () => {
        const into = filter.children.get('target');
        if (into === undefined) throw new Error('The filter of a backup has a target');
        work = backupWork(plan, filtered(filter), into);
        showPast(filter, work.past);
        return work;
      },
      [{ node: source, allowed: request.internal ? ['dataplane'] : harmless }],
    ),
  );
  if (work === undefined) throw new Error('A job has work');
  return { job, work };
}
