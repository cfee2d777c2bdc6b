import type { BlockdevOnError } from '../../../generated/index.js';
import type { Child } from '../driver.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import { everything, Permission, type Permissions } from '../permissions.js';
import { RequestFlag } from '../request-flag.js';
import type { JobWork } from './job-work.js';
import { layerStatus } from './layer-status.js';
import { type Reopened, restore } from './reopened.js';
import { inSequence } from './sequence.js';
import { steady } from './target.js';
import type { WorkingJob } from './working-job.js';

/** Bytes that are copied at a time. */
const chunk = 512 * 1024;

/** What a stream does to its filter. */
export const streaming: Permissions = { uses: Permission.consistentRead, shares: everything & ~Permission.resize };

/** What it does to the nodes that it brings into that one: their data stays as it is. */
export const streamed: Permissions = { uses: 0, shares: steady };

/** What is streamed into what. */
export interface StreamPlan {
  readonly graph: BlockGraph;
  readonly node: BlockNode;
  /** The node below which everything stays where it is. Absent: all comes into the node. */
  readonly base: BlockNode | undefined;
  /** What the header says afterwards. */
  readonly backingFile: string | undefined;
  /** The format that it says then. */
  readonly backingFormat: string | undefined;
  readonly onError: BlockdevOnError;
  /** The node, when it was opened for writing for the job's sake. */
  readonly reopened: readonly Reopened[];
}

/** Brings what a node reads from its backing files, down to a base, into the node itself. */
export function streamWork(plan: StreamPlan, root: Child): JobWork {
  const { graph, node, base, backingFile } = plan;
  return {
    keepsNodes: true,
    async run(job) {
      if (node.below === undefined || node.below === base) return;
      await copyAll(job, plan, root);
    },

    async commit() {
      if (node.below === undefined || node.below === base) return;
      await graph.drained(node, async () => {
        const named = base?.image;
        const backing = named && {
          name: backingFile ?? named.filename,
          format: plan.backingFormat ?? named.driver.name,
        };
        await node.changeBackingFile(backing);
        await graph.relink(node, base);
        graph.describeAbove(node);
      });
    },

    async putBack() {
      await restore(graph, plan.reopened);
    },
  };
}

async function copyAll(job: WorkingJob, { node, base, onError }: StreamPlan, root: Child): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  // It is not filled: its length says how much is to be copied.
  const scratch = new Uint8Array(chunk);
  job.len = node.length;
  await inSequence(job, {
    length: chunk,
    into: root,
    async next(offset) {
      const status = await layerStatus(root, offset, job.len - offset, base);
      if (!status.below) return { length: status.length };
      const length = Math.min(status.length, chunk);
      const flags = RequestFlag.copyOnRead | RequestFlag.prefetch;
      return { length, work: () => root.read(offset, scratch.subarray(0, length), flags).then(() => length) };
    },
    failed(error) {
      const action = job.failed(onError, 'read', error);
      if (action === 'stop') return 'again';
      failure ??= { error };
      return action === 'ignore' ? 'skip' : 'end';
    },
  });
  // A failure that was ignored last is still seen by clients before the job is gone.
  if (failure !== undefined) {
    await job.pausePoint();
    throw failure.error;
  }
}
