import type { Bitmaps } from '../bitmaps/bitmaps.js';
import { BlockError, invalid } from '../error.js';
import type { BlockGraph } from '../graph/graph.js';
import type { BlockNode } from '../graph/node.js';
import type { Jobs } from '../jobs/jobs.js';
import type { MirrorPlan } from '../jobs/mirror.js';
import { startMirror } from '../jobs/start-mirror.js';
import { openTarget } from '../jobs/target.js';
import type { BlockHandlers } from './handlers.js';

/** Commands that mirror a disk to an image or a node. */
export function mirrorCommands(jobs: Jobs, bitmaps: Bitmaps) {
  const { graph } = jobs;
  return {
    async 'drive-mirror'(args) {
      const source = graph.rootNode(args.device);
      const { mode = 'absolute-paths', replaces, 'node-name': nodeName, format } = args;
      source.blockers.check('mirror-source', source.name);
      const sync = source.below === undefined && args.sync === 'top' ? 'full' : args.sync;
      if (replaces !== undefined) checkReplaced(graph, source, replaces, nodeName);
      const backing = sync === 'none' ? source : sync === 'top' ? source.below : undefined;
      // A source without a backing file that is mirrored from now on needs none below the new image, as QEMU has it.
      const created = sync === 'none' && source.below === undefined ? source : backing;
      const target = await openTarget(graph, {
        source,
        filename: args.target,
        format,
        mode,
        backing: created,
        nodeName,
        withBacking: false,
      });
      await held(graph, target, () =>
        startMirror(
          jobs,
          bitmaps,
          { id: args['job-id'], speed: Number(args.speed ?? 0) },
          {
            type: 'mirror',
            source,
            target,
            first: firstCopied(sync, source, mode === 'absolute-paths'),
            granularity: args.granularity,
            bufferSize: Number(args['buf-size'] ?? 0),
            onSourceError: args['on-source-error'] ?? 'report',
            onTargetError: args['on-target-error'] ?? 'report',
            unmap: args.unmap ?? true,
            backing: mode === 'existing' ? 'header' : { node: backing },
            replaces,
          },
        ),
      );
    },

    async 'blockdev-mirror'(args) {
      const source = graph.rootNode(args.device);
      const target = graph.reference(args.target);
      const { replaces } = args;
      source.blockers.check('mirror-source', source.name);
      const sync = source.below === undefined && args.sync === 'top' ? 'full' : args.sync;
      if (replaces !== undefined) checkReplaced(graph, source, replaces, target.name);
      await startMirror(
        jobs,
        bitmaps,
        { id: args['job-id'], speed: Number(args.speed ?? 0) },
        {
          type: 'mirror',
          source,
          target,
          first: firstCopied(sync, source, false),
          granularity: args.granularity,
          bufferSize: Number(args['buf-size'] ?? 0),
          onSourceError: args['on-source-error'] ?? 'report',
          onTargetError: args['on-target-error'] ?? 'report',
          unmap: true,
          backing: 'leave',
          replaces,
        },
      );
    },
  } satisfies Partial<BlockHandlers>;
}

/** What is copied before guests write: of a new target, what is not there reads as zeroes already. */
function firstCopied(sync: string, source: BlockNode, fresh: boolean): MirrorPlan['first'] {
  if (sync === 'none') return 'nothing';
  if (sync === 'top') return { above: source.below };
  if (sync === 'incremental') throw invalid("Sync mode 'incremental' is not supported by a mirror");
  return fresh ? { above: undefined } : 'everything';
}

/** @throws BlockError when the target cannot take the place of a node */
function checkReplaced(graph: BlockGraph, source: BlockNode, replaces: string, nodeName: string | undefined): void {
  if (nodeName === undefined) {
    throw invalid("a node-name must be provided when replacing a named node of the graph: 'node-name' is missing");
  }
  const node = graph.node(replaces);
  if (node === undefined) throw new BlockError(`Node name '${replaces}' not found`, { code: 'ENODEV' });
  node.blockers.check('replace', node.name);
  if (!isImageOf(source, node)) {
    throw new BlockError(
      `Only top most non filter can be replaced: '${replaces}' is not such a node below '${source.name}'`,
      {
        code: 'EPERM',
      },
    );
  }
  if (node.length !== source.length) throw invalid('cannot replace image with a mirror image of different size');
}

/** Whether a node is the source itself, or what filters lead to from there. */
function isImageOf(source: BlockNode, wanted: BlockNode): boolean {
  if (source === wanted) return true;
  if (!source.driver.filter) return false;
  for (const child of source.childNodes()) if (isImageOf(child, wanted)) return true;
  return false;
}

/** Does something with a node that nothing holds yet; it is closed if nothing holds it afterwards. */
async function held(graph: BlockGraph, node: BlockNode, work: () => Promise<void>): Promise<void> {
  node.holds++;
  try {
    await work();
  } finally {
    node.holds--;
    await graph.release(node);
  }
}
