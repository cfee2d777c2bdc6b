import type { Bitmaps } from '../bitmaps/bitmaps.js';
import { BlockError, deviceNotFound, invalid } from '../error.js';
import { findBacking } from '../graph/find-backing.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import { commitWork } from '../jobs/commit.js';
import type { JobRequest, Jobs } from '../jobs/jobs.js';
import { openForWriting, type Reopened, restore } from '../jobs/reopened.js';
import { defaultMirrorBuffer, startMirror } from '../jobs/start-mirror.js';
import { reading, writing } from '../jobs/target.js';
import type { BlockHandlers } from './handlers.js';
import { baseNotFound } from './stream.js';

/** The command that writes what an image has into its backing file. */
export function commitCommand(jobs: Jobs, bitmaps: Bitmaps) {
  const { graph } = jobs;
  return {
    async 'block-commit'(args) {
      const { device, base: baseName, top: topName, 'backing-file': backingFile, speed = 0 } = args;
      const active = rootNode(graph, device);
      active.blockers.check('commit-source', active.name);
      const top = topName === undefined || topName === active.filename ? active : await findBacking(active, topName);
      if (top === undefined) throw new BlockError(`Top image file ${topName} not found`, { code: 'ENOENT' });
      const base = baseName === undefined ? deepest(top) : await findBacking(top, baseName);
      if (base === undefined) throw baseNotFound(baseName ?? '');
      base.blockers.check('commit-target', base.name);
      if (top === base) throw invalid('cannot commit an image into itself');
      const request = { id: args['job-id'], speed: Number(speed) };
      if (top !== active) {
        await commitBelow(jobs, active, top, base, backingFile, request);
        return;
      }
      if (backingFile !== undefined) throw invalid("'backing-file' specified, but 'top' is the active layer");
      await commitActive(jobs, bitmaps, active, base, request);
    },
  } satisfies Partial<BlockHandlers>;
}

/** Unlike other jobs' commands, this one has a class of its own for a device that does not exist. */
function rootNode(graph: BlockGraph, device: string): BlockNode {
  if (graph.node(device) === undefined && graph.names.kind(device) !== 'device') throw deviceNotFound(device);
  return graph.rootNode(device);
}

function deepest(top: BlockNode): BlockNode {
  let node = top;
  for (const each of top.chain()) node = each;
  return node;
}

async function commitBelow(
  jobs: Jobs,
  active: BlockNode,
  top: BlockNode,
  base: BlockNode,
  backingFile: string | undefined,
  request: JobRequest,
): Promise<void> {
  const { graph } = jobs;
  let overlay = active;
  for (const node of active.chain()) if (node.below === top) overlay = node;
  jobs.check(active, request);
  const reopened: Reopened[] = [];
  base.commits++;
  try {
    await openForWriting(graph, base, reopened);
    await openForWriting(graph, overlay, reopened);
    const job = await jobs.create(
      active,
      'commit',
      request,
      [
        { node: active, permissions: reading, blocked: true },
        { node: top, permissions: reading, blocked: false },
        { node: base, permissions: writing(base), blocked: false },
      ],
      ([, from, into]) => commitWork({ graph, overlay, top, base, backingFile, reopened }, from, into),
    );
    jobs.start(job);
  } catch (error) {
    base.commits--;
    await restore(graph, reopened);
    throw error;
  }
}

/** The active layer changes while it is committed: its base becomes a mirror of it. */
async function commitActive(
  jobs: Jobs,
  bitmaps: Bitmaps,
  active: BlockNode,
  base: BlockNode,
  request: JobRequest,
): Promise<void> {
  const { graph } = jobs;
  const reopened: Reopened[] = [];
  base.commits++;
  try {
    await openForWriting(graph, base, reopened);
    if (base.length < active.length) await base.requests.truncate(active.length);
    await startMirror(jobs, bitmaps, request, {
      type: 'commit',
      source: active,
      target: base,
      first: { above: base },
      granularity: undefined,
      bufferSize: defaultMirrorBuffer,
      onSourceError: 'report',
      onTargetError: 'report',
      unmap: true,
      backing: 'leave',
      replaces: undefined,
      clean: async (pivoted) => {
        base.commits--;
        // It has taken the place of the active layer otherwise.
        if (!pivoted) await restore(graph, reopened);
      },
    });
  } catch (error) {
    base.commits--;
    await restore(graph, reopened);
    throw error;
  }
}
