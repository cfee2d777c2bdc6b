import { BlockError } from '../error.js';
import type { BlockHandlers } from './handlers.js';

/** Commands that this release does not execute. */
const pendingCommands = [
  'block-commit',
  'block-dirty-bitmap-add',
  'block-dirty-bitmap-clear',
  'block-dirty-bitmap-remove',
  'block-job-cancel',
  'block-job-complete',
  'block-job-pause',
  'block-job-resume',
  'block-job-set-speed',
  'block-stream',
  'blockdev-backup',
  'blockdev-mirror',
  'blockdev-snapshot',
  'blockdev-snapshot-delete-internal-sync',
  'blockdev-snapshot-internal-sync',
  'blockdev-snapshot-sync',
  'drive-backup',
  'drive-mirror',
  'query-block-jobs',
  'transaction',
] as const satisfies readonly (keyof BlockHandlers)[];

type Pending = { readonly [Name in (typeof pendingCommands)[number]]: () => never };

/** Jobs, snapshots, transactions and bitmaps: each answers that it is not implemented yet. */
export function pending(): Pending {
  const refusals = pendingCommands.map((name) => [
    name,
    () => {
      throw new BlockError(`The command ${name} is not implemented yet`, { code: 'ENOTSUP' });
    },
  ]);
  return Object.fromEntries(refusals) as Pending;
}
