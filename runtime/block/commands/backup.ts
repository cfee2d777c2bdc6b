import type { BlockdevBackup, DriveBackup, MirrorSyncMode } from '../../../generated/index.js';
import type { DirtyBitmap } from '../bitmaps/bitmap.js';
import type { Bitmaps } from '../bitmaps/bitmaps.js';
import { BlockError, blockErrorOf, invalid, noMedium } from '../error.js';
import type { BlockNode } from '../graph/node.js';
import { type BackupPlan, backupWork } from '../jobs/backup.js';
import type { Job } from '../jobs/job.js';
import type { JobGroup } from '../jobs/job-group.js';
import type { Jobs } from '../jobs/jobs.js';
import { backingFor, openTarget, reading, syncOf, writing } from '../jobs/target.js';
import { runTransaction, type TransactionStep } from '../transaction.js';
import type { BlockHandlers } from './handlers.js';
import { requestOf } from './job-arguments.js';

/** Bytes of the least that a backup copies at a time. */
const leastCluster = 65_536;

/** Commands that copy a disk as it is at one moment. */
export function backupCommands(jobs: Jobs, bitmaps: Bitmaps) {
  const run = (step: TransactionStep, device: string): Promise<void> => {
    // Nothing is in flight when what is there begins to be kept.
    const node = jobs.graph.rootNode(device);
    return jobs.graph.drained(node, () => runTransaction([step]));
  };
  return {
    'drive-backup': (args) => run(driveBackupStep(jobs, bitmaps, args), args.device),
    'blockdev-backup': (args) => run(blockdevBackupStep(jobs, args), args.device),
  } satisfies Partial<BlockHandlers>;
}

/** A backup to an image, as a step of a transaction. */
export function driveBackupStep(jobs: Jobs, bitmaps: Bitmaps, args: DriveBackup, group?: JobGroup): TransactionStep {
  return backupStep(async () => {
    const { graph } = jobs;
    const source = graph.rootNode(args.device);
    const { mode = 'absolute-paths' } = args;
    source.blockers.check('backup-source', source.name);
    const sync = syncOf(source, withoutBitmapMode(args.sync));
    const target = await openTarget(graph, {
      source,
      filename: args.target,
      format: args.format,
      mode,
      backing: backingFor(source, sync),
      nodeName: undefined,
      // It cannot be opened a second time while it is written.
      withBacking: sync !== 'none',
    });
    return graph.holding(target, async () => {
      if (sync === 'none' && target.driver.supportsBacking) await graph.relink(target, source);
      const bitmap = args.bitmap === undefined ? undefined : namedBitmap(bitmaps, source, args.bitmap);
      return createBackup(jobs, args, { source, target, sync, bitmap }, group);
    });
  });
}

/** A backup to a node, as a step of a transaction. */
export function blockdevBackupStep(jobs: Jobs, args: BlockdevBackup, group?: JobGroup): TransactionStep {
  return backupStep(async () => {
    const { graph } = jobs;
    const source = graph.rootNode(args.device);
    const target = graph.reference(args.target);
    return createBackup(jobs, args, { source, target, sync: withoutBitmapMode(args.sync), bitmap: undefined }, group);
  });
}

/** @throws BlockError for the mode that is not there yet */
function withoutBitmapMode(sync: MirrorSyncMode): BackupPlan['sync'] {
  if (sync === 'bitmap') throw invalid("Sync mode 'bitmap' is not supported");
  return sync;
}

function backupStep(create: () => Promise<Job>): TransactionStep {
  let job: Job | undefined;
  return {
    async prepare() {
      job = await create();
    },
    commit() {
      job?.start();
    },
    async abort() {
      await job?.abandon();
    },
  };
}

function namedBitmap(bitmaps: Bitmaps, source: BlockNode, name: string): DirtyBitmap {
  try {
    return bitmaps.named(source, name);
  } catch (error) {
    throw blockErrorOf(error, `Bitmap '${name}' could not be found`);
  }
}

async function createBackup(
  jobs: Jobs,
  args: DriveBackup | BlockdevBackup,
  parts: Pick<BackupPlan, 'source' | 'target' | 'sync' | 'bitmap'>,
  group: JobGroup | undefined,
): Promise<Job> {
  const { source, target, bitmap } = parts;
  const { compress = false } = args;
  const request = requestOf(args, group);
  checkBackup(parts, compress);
  jobs.check(source, request);
  const clusterSize = clusterSizeOf(target);
  bitmap?.freeze();
  try {
    return await jobs.create(
      source,
      'backup',
      request,
      [
        { node: source, permissions: reading, allowed: ['dataplane'] },
        { node: target, permissions: writing(target), allowed: ['dataplane'] },
      ],
      ([from, into]) =>
        backupWork(
          {
            ...parts,
            clusterSize,
            compress,
            onSourceError: args['on-source-error'] ?? 'report',
            onTargetError: args['on-target-error'] ?? 'report',
          },
          from,
          into,
        ),
    );
  } catch (error) {
    bitmap?.reclaim();
    throw error;
  }
}

function checkBackup(
  { source, target, sync, bitmap }: Pick<BackupPlan, 'source' | 'target' | 'sync' | 'bitmap'>,
  compress: boolean,
): void {
  if (source === target) throw invalid('Source and target cannot be the same');
  for (const node of [source, target]) if (!node.inserted) throw noMedium(node.deviceOrNodeName);
  if (compress && target.instance?.writeCompressed === undefined) {
    throw new BlockError(`Compression is not supported for this drive ${target.deviceOrNodeName}`, { code: 'ENOTSUP' });
  }
  source.blockers.check('backup-source', source.name);
  target.blockers.check('backup-target', target.name);
  if (sync === 'incremental') {
    if (bitmap === undefined) throw invalid("must provide a valid bitmap name for 'incremental' sync mode");
    bitmap.checkUse('read');
  } else if (bitmap !== undefined) {
    throw invalid(`a bitmap was provided, but sync mode '${sync}' does not take one: only 'incremental' does`);
  }
}

/** Bytes that are copied as a whole, so that no cluster of the target has data of two moments. */
function clusterSizeOf(target: BlockNode): number {
  const { info } = target;
  if (info === undefined && target.below === undefined && target.driver.kind === 'protocol') {
    throw new BlockError("Couldn't determine the cluster size of the target image, which has no backing file", {
      code: 'ENOTSUP',
    });
  }
  return Math.max(leastCluster, info?.clusterSize ?? 0);
}
