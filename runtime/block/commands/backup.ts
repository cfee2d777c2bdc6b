import type { BackupPerf, BlockdevBackup, DriveBackup } from '../../../generated/index.js';
import type { Bitmaps } from '../bitmaps/bitmaps.js';
import { BlockError, invalid, noMedium } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import type { BackupPlan } from '../jobs/backup.js';
import { createBackupJob } from '../jobs/backup-job.js';
import type { Job } from '../jobs/job.js';
import type { JobGroup } from '../jobs/job-group.js';
import type { Jobs } from '../jobs/jobs.js';
import { backingFor, openTarget, syncOf } from '../jobs/target.js';
import { isPowerOfTwo, leastCopied } from '../limits.js';
import { runTransaction, type TransactionStep } from '../transaction.js';
import { backupBitmap } from './backup-bitmap.js';
import type { BlockHandlers } from './handlers.js';
import { checkFilterName, requestOf } from './job-arguments.js';

/** Commands that copy a disk as it is at one moment. */
export function backupCommands(jobs: Jobs, bitmaps: Bitmaps) {
  const run = (step: TransactionStep, device: string): Promise<void> => {
    // Nothing is in flight when what is there begins to be kept.
    const node = sourceOf(jobs.graph, device);
    return jobs.graph.drained(node, () => runTransaction([step]));
  };
  return {
    'drive-backup': (args) => run(driveBackupStep(jobs, bitmaps, args), args.device),
    'blockdev-backup': (args) => run(blockdevBackupStep(jobs, bitmaps, args), args.device),
  } satisfies Partial<BlockHandlers>;
}

/** Any node can be backed up, also one that is below another. */
function sourceOf(graph: BlockGraph, device: string): BlockNode {
  const node = graph.reference(device);
  if (!node.inserted) throw noMedium(device);
  return node;
}

/** A backup to an image, as a step of a transaction. */
export function driveBackupStep(jobs: Jobs, bitmaps: Bitmaps, args: DriveBackup, group?: JobGroup): TransactionStep {
  return backupStep(async () => {
    const { graph } = jobs;
    const source = sourceOf(graph, args.device);
    const { mode = 'absolute-paths' } = args;
    source.checkAllowed('backup-source');
    const sync = syncOf(source, args.sync);
    const bitmap = backupBitmap(bitmaps, source, args);
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
      return createBackup(jobs, args, { source, target, sync, bitmap }, group);
    });
  });
}

/** A backup to a node, as a step of a transaction. */
export function blockdevBackupStep(
  jobs: Jobs,
  bitmaps: Bitmaps,
  args: BlockdevBackup,
  group?: JobGroup,
): TransactionStep {
  return backupStep(async () => {
    const { graph } = jobs;
    const source = sourceOf(graph, args.device);
    const target = graph.reference(args.target);
    const bitmap = backupBitmap(bitmaps, source, args);
    return createBackup(jobs, args, { source, target, sync: args.sync, bitmap }, group);
  });
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

type BackupParts = Pick<BackupPlan, 'source' | 'target' | 'sync' | 'bitmap'>;

async function createBackup(
  jobs: Jobs,
  args: DriveBackup | BlockdevBackup,
  parts: BackupParts,
  group: JobGroup | undefined,
): Promise<Job> {
  const { source, target, bitmap } = parts;
  const { compress = false } = args;
  const discardsSource = args['discard-source'] ?? false;
  const request = requestOf(args, group);
  checkBackup(parts, compress);
  const clusterSize = clusterSizeOf(target, args['x-perf'], (problem) => jobs.graph.host.warn(problem));
  const speed = paceOf(args['x-perf'], clusterSize);
  if (source.length !== target.length) throw invalid('Source and target image have different sizes');
  checkFilterName(jobs.graph, args['filter-node-name'], 'Could not create node: ');
  jobs.check(source, request);
  // What was not copied becomes dirty when it fails, which the image does not say yet.
  if (bitmap?.mode === 'always') await bitmap.bitmap.beforeChange();
  bitmap?.bitmap.freeze();
  const plan: BackupPlan = {
    ...parts,
    ...speed,
    compress,
    discardsSource,
    onSourceError: args['on-source-error'] ?? 'report',
    onTargetError: args['on-target-error'] ?? 'report',
    breaksSnapshot: args['on-cbw-error'] === 'break-snapshot',
  };
  try {
    const { job } = await createBackupJob(jobs, request, plan, args['filter-node-name']);
    return job;
  } catch (error) {
    bitmap?.bitmap.reclaim();
    throw error;
  }
}

function checkBackup({ source, target }: BackupParts, compress: boolean): void {
  if (source === target) throw invalid('Source and target cannot be the same');
  for (const node of [source, target]) if (!node.inserted) throw noMedium(node.deviceOrNodeName);
  if (compress && target.instance?.writeCompressed === undefined) {
    throw new BlockError(`Compression is not supported for this drive ${target.deviceOrNodeName}`, { code: 'ENOTSUP' });
  }
  source.checkAllowed('backup-source');
  target.checkAllowed('backup-target');
}

/** How much is copied at a time. @throws BlockError when that makes no sense */
function paceOf(
  { 'max-workers': workers = 64, 'max-chunk': chunk = 0 }: BackupPerf = {},
  clusterSize: number,
): Pick<BackupPlan, 'clusterSize' | 'workers' | 'chunk'> {
  if (workers < 1 || workers > 0x7fff_ffff) throw invalid('max-workers must be between 1 and 2147483647');
  if (chunk < 0) throw invalid('max-chunk must be zero (which means no limit) or positive');
  if (chunk > 0 && chunk < clusterSize) {
    throw invalid(`Required max-chunk (${chunk}) is less than backup cluster size (${clusterSize})`);
  }
  return { clusterSize, workers: Number(workers), chunk: Number(chunk) };
}

/** Bytes that are copied as a whole, so that no cluster of the target has data of two moments. */
function clusterSizeOf(
  target: BlockNode,
  { 'min-cluster-size': wanted = 0 }: BackupPerf = {},
  warn: (problem: string) => void,
): number {
  if (wanted !== 0 && !isPowerOfTwo(Number(wanted))) throw invalid('min-cluster-size needs to be a power of 2');
  const { info } = target;
  if (info === undefined && target.below === undefined && target.driver.kind === 'protocol') {
    warn(
      `Node '${target.name}' does not say how large its clusters are and has no backing file: ` +
        `the copy makes no sense if they are larger than ${leastCopied / 1024} KiB`,
    );
  }
  return Math.max(leastCopied, info?.clusterSize ?? 0, Number(wanted));
}
