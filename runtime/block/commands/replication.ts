import type { ReplicationMode } from '../../../generated/index.js';
import type { ReplicatedDisk } from '../abilities.js';
import type { Bitmaps } from '../bitmaps/bitmaps.js';
import { BlockError, invalid } from '../error.js';
import type { BlockNode } from '../graph/node.js';
import type { Jobs } from '../jobs/jobs.js';
import { SecondaryDisk } from '../jobs/secondary-disk.js';
import type { BlockHandlers } from './handlers.js';

interface Replica {
  readonly node: BlockNode;
  readonly disk: ReplicatedDisk;
}

/** The commands that begin and end the replication of all disks together. */
export function replicationCommands(jobs: Jobs, bitmaps: Bitmaps) {
  const running = new WeakMap<ReplicatedDisk, SecondaryDisk>();

  /** What was replicated is a disk like others, for which nothing is to be done. */
  const replicas = (): Replica[] =>
    [...jobs.graph.nodes].flatMap((node) => {
      const disk = node.instance?.replication;
      return disk === undefined || disk.stage === 'done' || disk.stage === 'failover' ? [] : [{ node, disk }];
    });

  const start = async ({ node, disk }: Replica, mode: ReplicationMode): Promise<void> => {
    if (disk.stage !== 'none') throw new BlockError('Block replication is running or done', { code: 'EBUSY' });
    if (disk.mode !== mode) {
      throw invalid(`The parameter mode's value is invalid: node '${node.name}' is the ${disk.mode} side`);
    }
    if (mode === 'primary') {
      disk.stage = 'running';
      disk.broken = false;
      return;
    }
    const secondary = new SecondaryDisk(jobs, bitmaps, node, disk);
    await secondary.start();
    running.set(disk, secondary);
  };

  const stop = async ({ disk }: Replica, failover: boolean): Promise<void> => {
    checkRunning(disk);
    if (disk.mode === 'primary') {
      disk.stage = 'done';
      disk.broken = false;
    } else if (failover) await running.get(disk)?.takeOver();
    else await running.get(disk)?.stop();
  };

  return {
    async 'xen-set-replication'({ enable, primary, failover }) {
      if (enable && failover !== undefined) {
        throw invalid("Parameter 'failover' is only for stopping replication");
      }
      for (const replica of replicas()) {
        if (enable) await start(replica, primary ? 'primary' : 'secondary');
        // Where nothing runs, there is nothing to take over.
        else if (!failover || replica.disk.stage === 'running') await stop(replica, failover ?? false);
      }
    },

    async 'query-xen-replication-status'() {
      for (const { disk } of replicas()) {
        if (disk.stage === 'none') return { error: true, desc: 'Block replication is not running' };
        if (disk.broken) return { error: true, desc: 'I/O error occurred' };
      }
      return { error: false };
    },

    async 'xen-colo-do-checkpoint'() {
      for (const { disk } of replicas()) {
        if (disk.mode === 'primary') continue;
        checkRunning(disk);
        await running.get(disk)?.checkpoint();
      }
    },
  } satisfies Partial<BlockHandlers>;
}

/** @throws BlockError when it is not replicated now */
function checkRunning({ stage }: ReplicatedDisk): void {
  if (stage !== 'running') throw invalid('Block replication is not running');
}
