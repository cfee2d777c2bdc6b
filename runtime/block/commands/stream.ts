import type { BlockStreamArguments } from '../../../generated/index.js';
import { BlockError, invalid, noMedium } from '../error.js';
import { checkChain } from '../graph/chain-blockers.js';
import { findBacking } from '../graph/find-backing.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import { filtered, streamFilter } from '../jobs/filters.js';
import type { Jobs } from '../jobs/jobs.js';
import { openForWriting, type Reopened, restore } from '../jobs/reopened.js';
import { streamed, streaming, streamWork } from '../jobs/stream.js';
import { unused } from '../permissions.js';
import type { BlockHandlers } from './handlers.js';
import { checkFilterName, requestOf } from './job-arguments.js';

/** The command that brings the data of backing files into an image. */
export function streamCommand(jobs: Jobs) {
  const { graph } = jobs;
  return {
    async 'block-stream'(args) {
      const { 'on-error': onError = 'report', 'filter-node-name': filterName } = args;
      for (const [one, other] of exclusive) {
        if (args[one] !== undefined && args[other] !== undefined) {
          throw invalid(`'${one}' and '${other}' cannot be specified at the same time`);
        }
      }
      const attached = graph.reference(args.device);
      const node = attached.image;
      if (!node.inserted) throw noMedium(args.device);
      const base = await baseOf(graph, node, args);
      if (base === undefined && args['backing-file'] !== undefined) {
        throw new BlockError('backing file specified, but streaming the entire chain');
      }
      const chain = [...node.chain()];
      const between = chain.slice(1, base && chain.indexOf(base));
      checkChain('stream', attached, between.at(-1) ?? node);
      checkFilterName(graph, filterName, 'Could not create node: ');
      const request = requestOf(args);
      jobs.check(node, request);
      const reopened: Reopened[] = [];
      if (node.below !== undefined) await openForWriting(graph, node, reopened);
      const backingFile = args['backing-file'] ?? args.base;
      try {
        const bottom = [node, ...between].filter(({ driver }) => !driver.filter).at(-1) ?? node;
        const plan = { graph, node, base, backingFile, backingFormat: maskedFormat(args, base), onError, reopened };
        const job = await jobs.over(node, streamFilter(graph, filterName, bottom), (filter) =>
          jobs.create(
            filter,
            'stream',
            request,
            [
              { node: filter, permissions: streaming },
              { node: filter, name: 'main node', permissions: unused, allowed: ['dataplane'] },
              { node, name: 'active node', permissions: { ...streaming, uses: 0 }, allowed: ['dataplane'] },
              ...between.map((each) => {
                const name = 'intermediate node';
                return { node: each, name, permissions: streamed, allowed: ['dataplane'] } as const;
              }),
            ],
            () => streamWork(plan, filtered(filter)),
          ),
        );
        job.start();
      } catch (error) {
        await restore(graph, reopened);
        throw error;
      }
    },
  } satisfies Partial<BlockHandlers>;
}

/** Arguments that say in different ways where a stream stops. */
const exclusive = [
  ['base', 'base-node'],
  ['bottom', 'base'],
  ['bottom', 'base-node'],
] as const;

async function baseOf(
  graph: BlockGraph,
  node: BlockNode,
  { base: name, 'base-node': baseNode, bottom }: BlockStreamArguments,
): Promise<BlockNode | undefined> {
  if (name !== undefined) {
    const base = await findBacking(node, name);
    if (base === undefined) throw baseNotFound(name);
    return base;
  }
  if (baseNode !== undefined) {
    const base = graph.deviceOrNode(undefined, baseNode);
    if (base === node || !node.chainHas(base)) {
      throw invalid(`Node '${baseNode}' is not a backing image of '${node.name}'`);
    }
    return base;
  }
  if (bottom === undefined) return undefined;
  const lowest = graph.deviceOrNode(undefined, bottom);
  if (!node.chainHas(lowest)) throw invalid(`Node '${bottom}' is not in a chain starting from '${node.name}'`);
  return lowest.below;
}

/** The format that a header names for a base: a protocol's name says nothing to other programs. */
export function maskedFormat(
  { 'backing-mask-protocol': masked }: { readonly 'backing-mask-protocol'?: boolean },
  base: BlockNode | undefined,
): string | undefined {
  const image = base?.image;
  return masked && image?.driver.kind === 'protocol' ? 'raw' : image?.driver.name;
}

/** A chain has no file of a name. */
export function baseNotFound(name: string): BlockError {
  return new BlockError(`Can't find '${name}' in the backing chain`, { code: 'ENOENT' });
}
