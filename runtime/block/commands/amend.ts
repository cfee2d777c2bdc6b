import { BlockError } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import type { Jobs } from '../jobs/jobs.js';
import { inOneStep } from '../jobs/one-step.js';
import { unused } from '../permissions.js';
import type { BlockHandlers } from './handlers.js';

/** The command that changes options of an open image's format, as a job. */
export function amendCommand(jobs: Jobs) {
  const { graph } = jobs;
  return {
    async 'x-blockdev-amend'({ 'job-id': id, 'node-name': name, options, force = false }) {
      const node = graph.deviceOrNode(undefined, name);
      if (graph.drivers.named(options.driver) !== node.driver) {
        throw new BlockError("x-blockdev-amend doesn't support changing the block driver", { code: 'EINVAL' });
      }
      const { instance } = node;
      if (instance?.amend === undefined) {
        throw new BlockError('Driver does not support x-blockdev-amend', { code: 'ENOTSUP' });
      }
      const request = { id, speed: 0, autoDismiss: false };
      jobs.check(undefined, request);
      await beginAmending(graph, node);
      try {
        const job = await jobs.create(undefined, 'amend', request, [{ node, permissions: unused }], () => ({
          ...inOneStep(async () => instance.amend?.(options, { force, host: graph.host })),
          clean: () => endAmending(graph, node),
        }));
        job.start();
      } catch (error) {
        await endAmending(graph, node);
        throw error;
      }
    },
  } satisfies Partial<BlockHandlers>;
}

/** Has a node take from others what writing to its header needs. @throws BlockError when they exclude that */
async function beginAmending(graph: BlockGraph, node: BlockNode): Promise<void> {
  if (node.flags.readOnly || node.file?.node.flags.readOnly) {
    throw new BlockError('Block node is read-only', { code: 'EACCES' });
  }
  node.amendments++;
  try {
    await graph.usage.update([node]);
  } catch (error) {
    node.amendments--;
    throw error;
  }
}

async function endAmending(graph: BlockGraph, node: BlockNode): Promise<void> {
  node.amendments--;
  await graph.letGo(node);
}
