import type { BlockdevOnError } from '../../../generated/index.js';
import type { Child } from '../driver.js';
import { dropIntermediate, overlaysOf } from '../graph/drop-intermediate.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import { Permission, type Permissions } from '../permissions.js';
import { CopyFailure, copyStretch } from './copy.js';
import type { JobWork } from './job-work.js';
import type { JobNode } from './jobs.js';
import { layerStatus } from './layer-status.js';
import { openForWriting, type Reopened, restore } from './reopened.js';
import { inSequence } from './sequence.js';
import { dissolving } from './target.js';
import type { WorkingJob } from './working-job.js';

/** Bytes that are copied at a time. */
const chunk = 512 * 1024;

/** What is committed into what. */
export interface CommitPlan {
  readonly graph: BlockGraph;
  /** The node right above the uppermost one that is dropped. */
  readonly overlay: BlockNode;
  /** The uppermost node that is dropped. */
  readonly top: BlockNode;
  readonly base: BlockNode;
  /** What the overlay's header says afterwards. Absent: the base's file name. */
  readonly backingFile: string | undefined;
  /** The format that it says then. Absent: the base's. */
  readonly backingFormat: string | undefined;
  readonly onError: BlockdevOnError;
  /** Nodes that were opened for writing for the job's sake. */
  readonly reopened: Reopened[];
  /** Has the job do nothing to its nodes any more, and takes its filter out. */
  rest(job: WorkingJob): Promise<void>;
}

/** What is between an overlay and the base, as a job has it whose data goes down there. */
export function dissolved(top: BlockNode | undefined, base: BlockNode): JobNode[] {
  const chain = [...(top?.chain() ?? [])];
  return chain.slice(0, chain.indexOf(base)).map((node) => {
    return {
      node,
      name: 'intermediate node',
      permissions: dissolvingAbove(base, node),
      allowed: ['dataplane'] as const,
    };
  });
}

/** Filters on the base show it, and make sense like it. */
function dissolvingAbove(base: BlockNode, node: BlockNode): Permissions {
  const { uses, shares } = dissolving;
  return node.image === base.image ? { uses, shares: shares | Permission.consistentRead } : dissolving;
}

/** Writes what layers below the active one have into their base, and drops them. */
export function commitWork(plan: CommitPlan, from: Child, into: Child): JobWork {
  const { graph, overlay, top, base, backingFile, reopened } = plan;
  return {
    keepsNodes: true,
    async run(job) {
      job.len = top.length;
      if (base.length < job.len) await into.truncate(job.len);
      await inSequence(job, {
        length: chunk,
        into,
        async next(offset) {
          const status = await layerStatus(from, offset, job.len - offset, base);
          if (!status.own && !status.below) return { length: status.length };
          const length = Math.min(status.length, chunk);
          return { length, work: () => copyStretch(from, into, { offset, length }) };
        },
        failed(error) {
          const operation = error instanceof CopyFailure ? error.operation : 'read';
          if (job.failed(plan.onError, operation, error) === 'report') throw error;
          return 'again';
        },
      });
      if (job.cancelled) return;
      await into.flush();
    },

    async commit(job) {
      await graph.drained(overlay, async () => {
        await plan.rest(job);
        for (const each of overlaysOf(top)) await openForWriting(graph, each, reopened);
        await dropIntermediate(graph, plan, {
          ...(backingFile !== undefined && { name: backingFile }),
          ...(plan.backingFormat !== undefined && { format: plan.backingFormat }),
        });
      });
    },

    async putBack() {
      await restore(graph, reopened);
      if (overlay.usable) await graph.letGo(overlay);
    },
  };
}
