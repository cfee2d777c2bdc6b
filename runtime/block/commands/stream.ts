import { BlockError } from '../error.js';
import { findBacking } from '../graph/find-backing.js';
import type { Jobs } from '../jobs/jobs.js';
import { openForWriting, type Reopened, restore } from '../jobs/reopened.js';
import { streaming, streamWork } from '../jobs/stream.js';
import type { BlockHandlers } from './handlers.js';

/** The command that brings the data of backing files into an image. */
export function streamCommand(jobs: Jobs) {
  const { graph } = jobs;
  return {
    async 'block-stream'(args) {
      const { device, base: baseName, 'on-error': onError = 'report', speed = 0 } = args;
      const node = graph.rootNode(device);
      node.blockers.check('stream', node.name);
      const base = baseName === undefined ? undefined : await findBacking(node, baseName);
      if (baseName !== undefined && base === undefined) throw baseNotFound(baseName);
      if (baseName === undefined && args['backing-file'] !== undefined) {
        throw new BlockError('backing file specified, but streaming the entire chain');
      }
      const request = { id: args['job-id'], speed: Number(speed) };
      jobs.check(node, request);
      const reopened: Reopened[] = [];
      if (node.below !== undefined) await openForWriting(graph, node, reopened);
      const backingFile = args['backing-file'] ?? baseName;
      try {
        const job = await jobs.create(
          node,
          'stream',
          request,
          [{ node, permissions: streaming, blocked: true }],
          ([root]) => streamWork({ graph, node, base, backingFile, onError, reopened }, root),
        );
        jobs.start(job);
      } catch (error) {
        await restore(graph, reopened);
        throw error;
      }
    },
  } satisfies Partial<BlockHandlers>;
}

/** A chain has no file of a name. */
export function baseNotFound(name: string): BlockError {
  return new BlockError(`Base '${name}' not found`, { code: 'ENOENT' });
}
