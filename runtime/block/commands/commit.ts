import type { BlockCommitArguments, BlockdevOnError } from '../../../generated/index.js';
import type { Bitmaps } from '../bitmaps/bitmaps.js';
import { BlockError, deviceNotFound, invalid } from '../error.js';
import { checkChain } from '../graph/chain-blockers.js';
import { findBacking } from '../graph/find-backing.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import { commitWork, dissolved } from '../jobs/commit.js';
import { commitFilter } from '../jobs/filters.js';
import type { JobRequest, Jobs } from '../jobs/jobs.js';
import { openForWriting, type Reopened, restore } from '../jobs/reopened.js';
import { defaultMirrorBuffer, startMirror } from '../jobs/start-mirror.js';
import { steady, writing } from '../jobs/target.js';
import { unused } from '../permissions.js';
import type { BlockHandlers } from './handlers.js';
import { checkFilterName, requestOf } from './job-arguments.js';
import { baseNotFound, maskedFormat } from './stream.js';

/** The command that writes what an image has into its backing file. */
export function commitCommand(jobs: Jobs, bitmaps: Bitmaps) {
  const { graph } = jobs;
  return {
    async 'block-commit'(args) {
      const { device, 'backing-file': backingFile } = args;
      const active = rootNode(graph, device);
      for (const name of ['top', 'base'] as const) {
        if (args[name] !== undefined && args[`${name}-node`] !== undefined) {
          throw invalid(`'${name}-node' and '${name}' are mutually exclusive`);
        }
      }
      active.checkAllowed('commit-source');
      const top = await topOf(graph, active, args);
      const base = await baseOf(graph, top, args);
      checkChain('commit-target', top.image, base);
      if (top === base) throw invalid('cannot commit an image into itself');
      if (top.image === base.image) throw invalid("Can't mirror node into itself");
      checkFilterName(graph, args['filter-node-name']);
      const request = requestOf(args);
      if (top.image !== active.image) {
        const backingFormat = maskedFormat(args, base);
        await commitBelow(
          jobs,
          { active, top, base, backingFile, backingFormat, filterName: args['filter-node-name'] },
          request,
          args['on-error'] ?? 'report',
        );
        return;
      }
      if (backingFile !== undefined) throw invalid("'backing-file' specified, but 'top' is the active layer");
      const id = jobs.check(active, request);
      const filterName = args['filter-node-name'];
      await commitActive(jobs, bitmaps, { top, base, filterName }, { ...request, id }, args['on-error'] ?? 'report');
    },
  } satisfies Partial<BlockHandlers>;
}

/** Unlike other jobs' commands, this one has a class of its own for a device that does not exist. */
function rootNode(graph: BlockGraph, device: string): BlockNode {
  if (graph.node(device) === undefined && graph.names.kind(device) !== 'device') throw deviceNotFound(device);
  return graph.rootNode(device);
}

async function topOf(graph: BlockGraph, active: BlockNode, args: BlockCommitArguments): Promise<BlockNode> {
  const { top: name, 'top-node': nodeName } = args;
  const { image } = active;
  if (nodeName !== undefined) {
    const top = graph.deviceOrNode(undefined, nodeName);
    return inChain(active, top);
  }
  if (name === undefined || name === active.filename) return active;
  const top = await findBacking(image, name);
  if (top === undefined) throw new BlockError(`Top image file ${name} not found`, { code: 'ENOENT' });
  return top;
}

async function baseOf(graph: BlockGraph, top: BlockNode, args: BlockCommitArguments): Promise<BlockNode> {
  const { base: name, 'base-node': nodeName } = args;
  if (nodeName !== undefined) return inChain(top, graph.deviceOrNode(undefined, nodeName));
  if (name !== undefined) {
    const base = await findBacking(top.image, name);
    if (base === undefined) throw baseNotFound(name);
    return base;
  }
  return deepest(top);
}

/** A node that is in a chain: an image, or a filter on one. @throws BlockError */
function inChain(top: BlockNode, node: BlockNode): BlockNode {
  if (!top.chainHas(node)) throw invalid(`'${node.name}' is not in this backing file chain`);
  return node;
}

function deepest(top: BlockNode): BlockNode {
  let node = top;
  for (const each of top.chain()) node = each;
  return node;
}

interface Committed {
  readonly active: BlockNode;
  readonly top: BlockNode;
  readonly base: BlockNode;
  readonly filterName: string | undefined;
  readonly backingFile: string | undefined;
  readonly backingFormat: string | undefined;
}

async function commitBelow(
  jobs: Jobs,
  { active, top, base, backingFile, backingFormat, filterName }: Committed,
  request: JobRequest,
  onError: BlockdevOnError,
): Promise<void> {
  const { graph } = jobs;
  let overlay = active.image;
  for (const node of overlay.chain()) {
    if (node === top) break;
    if (!node.driver.filter) overlay = node;
  }
  overlay.checkAllowed('commit-target');
  jobs.check(active, request);
  const reopened: Reopened[] = [];
  const plan = { graph, overlay, top, base, backingFile, backingFormat, onError, reopened };
  try {
    await openForWriting(graph, base, reopened);
    await openForWriting(graph, overlay, reopened);
    const job = await jobs.over(top, commitFilter(filterName), () =>
      jobs.create(
        active,
        'commit',
        request,
        [
          { node: top, permissions: unused },
          { node: base, permissions: { ...writing(base), shares: steady } },
          { node: active, name: 'main node', permissions: unused, allowed: ['dataplane'] },
          { node: base, name: 'base', permissions: unused, allowed: ['dataplane'] },
          ...dissolved(top, base),
        ],
        ([from, into]) => commitWork({ ...plan, rest: (job) => jobs.rest(job) }, from, into),
      ),
    );
    job.start();
  } catch (error) {
    await restore(graph, reopened);
    throw error;
  }
}

/** The active layer changes while it is committed: its base becomes a mirror of it. */
async function commitActive(
  jobs: Jobs,
  bitmaps: Bitmaps,
  { top: active, base, filterName }: Pick<Committed, 'top' | 'base' | 'filterName'>,
  request: JobRequest,
  onError: BlockdevOnError,
): Promise<void> {
  const { graph } = jobs;
  const reopened: Reopened[] = [];
  const image = active.image;
  try {
    await openForWriting(graph, base, reopened);
    if (base.length < active.length) await base.requests.truncate(active.length);
    await startMirror(jobs, bitmaps, request, {
      type: 'commit',
      source: active,
      target: base,
      between: dissolved(image.below, base),
      first: { above: base },
      copyMode: 'background',
      granularity: undefined,
      bufferSize: defaultMirrorBuffer,
      onSourceError: onError,
      onTargetError: onError,
      unmap: true,
      backing: 'leave',
      replaces: undefined,
      filterName,
      end: async (pivoted) => {
        // It has taken the place of the active layer otherwise.
        if (!pivoted) await restore(graph, reopened);
      },
    });
  } catch (error) {
    await restore(graph, reopened);
    throw error;
  }
}
