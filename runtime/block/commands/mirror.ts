import type { DriveMirror, MirrorSyncMode } from '../../../generated/index.js';
import type { Bitmaps } from '../bitmaps/bitmaps.js';
import { BlockError, invalid } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import { isReplaceable } from '../graph/replaceable.js';
import type { Jobs } from '../jobs/jobs.js';
import type { MirrorPlan } from '../jobs/mirror.js';
import { startMirror } from '../jobs/start-mirror.js';
import { backingFor, copiesBitmap, openTarget, syncOf } from '../jobs/target.js';
import type { BlockHandlers } from './handlers.js';
import { checkFilterName, requestOf } from './job-arguments.js';

/** Commands that mirror a disk to an image or a node. */
export function mirrorCommands(jobs: Jobs, bitmaps: Bitmaps) {
  const { graph } = jobs;
  return {
    async 'drive-mirror'(args) {
      const source = graph.rootNode(args.device);
      const { mode = 'absolute-paths', replaces, 'node-name': nodeName, format } = args;
      source.checkAllowed('mirror-source');
      const sync = syncOf(source, args.sync);
      if (replaces !== undefined) checkReplaced(graph, source, replaces, nodeName);
      const backing = backingFor(source, sync);
      const target = await openTarget(graph, {
        source,
        filename: args.target,
        format,
        mode,
        backing,
        nodeName,
        withBacking: false,
      });
      await graph.holding(target, () =>
        startMirror(jobs, bitmaps, requestOf(args), {
          ...common(args),
          source,
          target,
          first: firstCopied(sync, source, mode === 'absolute-paths'),
          unmap: args.unmap ?? true,
          backing: mode === 'existing' ? 'header' : { node: backing },
        }),
      );
    },

    async 'blockdev-mirror'(args) {
      const source = graph.rootNode(args.device);
      const target = graph.reference(args.target);
      const { replaces } = args;
      source.checkAllowed('mirror-source');
      target.checkAllowed('mirror-target');
      const sync = syncOf(source, args.sync);
      if (replaces !== undefined) checkReplaced(graph, source, replaces, target.name);
      const filterName = args['filter-node-name'];
      checkFilterName(graph, filterName);
      await startMirror(jobs, bitmaps, requestOf(args), {
        ...common(args),
        filterName,
        source,
        target,
        // The uppermost layer without one below it is all that is copied, and the target is left as it is elsewhere.
        first: firstCopied(sync, source, args['target-is-zero'] === true || args.sync === 'top'),
        unmap: true,
        backing: 'leave',
      });
    },
  } satisfies Partial<BlockHandlers>;
}

type Common = 'replaces' | 'copy-mode' | 'granularity' | 'buf-size' | 'on-source-error' | 'on-target-error';

/** What both commands say in the same way. */
function common(args: Pick<DriveMirror, Common>) {
  return {
    type: 'mirror',
    granularity: args.granularity,
    bufferSize: Number(args['buf-size'] ?? 0),
    onSourceError: args['on-source-error'] ?? 'report',
    onTargetError: args['on-target-error'] ?? 'report',
    replaces: args.replaces,
    copyMode: args['copy-mode'] ?? 'background',
  } as const;
}

/** What is copied before guests write: of a new target, what is not there reads as zeroes already. */
function firstCopied(sync: MirrorSyncMode, source: BlockNode, fresh: boolean): MirrorPlan['first'] {
  if (sync === 'none') return 'nothing';
  if (sync === 'top') return { above: source.image.below };
  if (copiesBitmap(sync)) throw invalid(`Sync mode '${sync}' not supported`);
  return fresh ? { above: undefined } : 'everything';
}

/** @throws BlockError when the target cannot take the place of a node */
function checkReplaced(graph: BlockGraph, source: BlockNode, replaces: string, nodeName: string | undefined): void {
  if (nodeName === undefined) {
    throw invalid("a node-name must be provided when replacing a named node of the graph: 'node-name' is missing");
  }
  const node = graph.node(replaces);
  if (node === undefined) throw new BlockError(`Node name '${replaces}' not found`, { code: 'ENODEV' });
  node.checkAllowed('replace');
  if (!isReplaceable(source, node)) {
    throw new BlockError(
      `Cannot replace '${replaces}' by a node mirrored from '${source.name}': those that read it might abruptly see other data`,
      { code: 'EPERM' },
    );
  }
  if (node.length !== source.length) throw invalid('cannot replace image with a mirror image of different size');
}
