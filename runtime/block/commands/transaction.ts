import type { ActionCompletionMode, TransactionAction } from '../../../generated/index.js';
import type { Bitmaps } from '../bitmaps/bitmaps.js';
import { BlockError } from '../error.js';
import { JobGroup } from '../jobs/job-group.js';
import type { Jobs } from '../jobs/jobs.js';
import { runTransaction, type TransactionStep } from '../transaction.js';
import { blockdevBackupStep, driveBackupStep } from './backup.js';
import { bitmapSteps } from './bitmaps.js';
import type { BlockHandlers } from './handlers.js';
import { internalSnapshotStep, snapshotStep, snapshotSyncStep } from './snapshots.js';

/** Actions whose effect goes on after the transaction: they can wait for each other. */
const groupable: ReadonlySet<string> = new Set(['drive-backup', 'blockdev-backup', 'abort']);

/** The command that makes several changes as one. */
export function transactionCommand(jobs: Jobs, bitmaps: Bitmaps) {
  return {
    async transaction({ actions, properties }) {
      const mode: ActionCompletionMode = properties?.['completion-mode'] ?? 'individual';
      const group = mode === 'grouped' ? new JobGroup() : undefined;
      const steps = actions.map((action) => checked(action, group, stepOf(jobs, bitmaps, action, group)));
      await jobs.graph.drainedAll(() => runTransaction(steps));
    },
  } satisfies Partial<BlockHandlers>;
}

function stepOf(jobs: Jobs, bitmaps: Bitmaps, action: TransactionAction, group: JobGroup | undefined): TransactionStep {
  const { graph } = jobs;
  const steps = bitmapSteps(graph, bitmaps);
  switch (action.type) {
    case 'blockdev-snapshot':
      return snapshotStep(graph, action.data);
    case 'blockdev-snapshot-sync':
      return snapshotSyncStep(graph, action.data);
    case 'blockdev-snapshot-internal-sync':
      return internalSnapshotStep(graph, action.data);
    case 'drive-backup':
      return driveBackupStep(jobs, bitmaps, action.data, group);
    case 'blockdev-backup':
      return blockdevBackupStep(jobs, bitmaps, action.data, group);
    case 'block-dirty-bitmap-add':
      return steps.add(action.data);
    case 'block-dirty-bitmap-remove':
      return steps.remove(action.data);
    case 'block-dirty-bitmap-clear':
      return steps.clear(action.data);
    case 'block-dirty-bitmap-enable':
      return steps.record(action.data, true);
    case 'block-dirty-bitmap-disable':
      return steps.record(action.data, false);
    case 'block-dirty-bitmap-merge':
      return steps.merge(action.data);
    case 'abort':
      return { prepare: aborted };
  }
}

/** A step that first refuses to be grouped where it cannot be. */
function checked({ type }: TransactionAction, group: JobGroup | undefined, step: TransactionStep): TransactionStep {
  if (group === undefined || groupable.has(type)) return step;
  return {
    prepare() {
      throw new BlockError(
        `Action '${type}' does not support Transaction property completion-mode = grouped: only backups do`,
      );
    },
  };
}

function aborted(): never {
  throw new BlockError('Transaction aborted using Abort action');
}
