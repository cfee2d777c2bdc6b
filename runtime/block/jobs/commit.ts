import type { Child } from '../driver.js';
import { RequestFlag } from '../driver.js';
import { BlockError } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import { chainStatus } from '../io/status.js';
import type { JobWork } from './job.js';
import { layerStatus } from './layer-status.js';
import { type Reopened, restore } from './reopened.js';

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
  /** Nodes that were opened for writing for the job's sake. */
  readonly reopened: Reopened[];
}

/** Writes what layers below the active one have into their base, and drops them. */
export function commitWork(plan: CommitPlan, from: Child, into: Child): JobWork {
  const { graph, overlay, top, base, backingFile, reopened } = plan;
  return {
    async run(job) {
      job.len = top.length;
      if (base.length < job.len) await into.truncate(job.len);
      const scratch = Buffer.allocUnsafe(chunk);
      for (let copied = 0; job.offset < job.len; ) {
        await job.afterWork(copied);
        if (job.cancelled) return;
        copied = 0;
        try {
          const status = await layerStatus(from, job.offset, job.len - job.offset, base);
          const wanted = status.own || status.below;
          const length = wanted ? Math.min(status.length, chunk) : status.length;
          if (wanted) {
            await copy(from, into, job.offset, scratch.subarray(0, length));
            copied = length;
          }
          job.offset += length;
        } catch (error) {
          job.failed('report', 'write', error);
          throw error;
        }
      }
      await into.flush();
    },

    async commit() {
      await graph.drained(overlay, async () => {
        if (overlay.below !== top) throw new BlockError(`The chain above '${top.name}' has changed`, { code: 'EBUSY' });
        await graph.dropIntermediate(overlay, top, base, backingFile);
        if (backingFile !== undefined) overlay.backingName = backingFile;
        graph.describeAbove(overlay);
      });
      return undefined;
    },

    async clean() {
      base.commits--;
      await restore(graph, reopened);
    },
  };
}

/** Copies a stretch that may be zeroes. */
async function copy(from: Child, into: Child, offset: number, buffer: Uint8Array): Promise<void> {
  for (let done = 0; done < buffer.length; ) {
    const { status } = await chainStatus(from, offset + done, buffer.length - done);
    const piece = buffer.subarray(done, done + status.length);
    if (status.zero) await into.writeZeroes(offset + done, piece.length, RequestFlag.mayUnmap);
    else {
      await from.read(offset + done, piece);
      await into.write(offset + done, piece);
    }
    done += status.length;
  }
}
