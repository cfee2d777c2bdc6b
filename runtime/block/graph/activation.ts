import type { NodeFlags } from '../driver.js';
import { BlockError, blockErrorOf, ioError } from '../error.js';
import { Permission } from '../permissions.js';
import { runTransaction } from '../transaction.js';
import { staysReadOnly } from './flags.js';
import type { BlockGraph } from './graph.js';
import type { BlockNode } from './node.js';
import { openAgain } from './open-again.js';
import { allowsInactive } from './usage.js';
import { childrenFirst } from './walk.js';

const writing = Permission.write | Permission.writeUnchanged;

/*
 * A migration hands an image from one program to another. An inactive node holds nothing that keeps the other program from the image, and
 * when it is activated, it reads anew what it knows of the image.
 */

/** What belongs to nodes without being the graph's follows them. */
export interface ActivationHooks {
  /** @throws BlockError when a node must stay active */
  check(node: BlockNode): void;
  inactivated(node: BlockNode): void;
  activated(node: BlockNode): Promise<void>;
}

/**
 * Activates nodes, and before them all that is below them: all, or none.
 *
 * @throws BlockError when another program still has an image, or an image cannot be read any more
 */
export async function activate(graph: BlockGraph, nodes: Iterable<BlockNode>, hooks: ActivationHooks): Promise<void> {
  const waking = childrenFirst(nodes).filter(({ flags }) => flags.inactive);
  if (waking.length === 0) return;
  await graph.drainedAll(() =>
    all(
      waking,
      (node) => wake(graph, node, hooks),
      (node) => lull(graph, node, hooks),
    ),
  );
}

/**
 * Makes nodes inactive, and with them what is below them and no active node needs: all, or none.
 *
 * @throws BlockError when something needs one of them active
 */
export async function inactivate(graph: BlockGraph, nodes: Iterable<BlockNode>, hooks: ActivationHooks): Promise<void> {
  const asked = new Set(nodes);
  const lulling = new Set<BlockNode>();
  for (const node of childrenFirst(asked).reverse()) {
    const needed = [...node.parents].some(
      ({ owner }) => 'node' in owner && owner.node && !owner.node.flags.inactive && !lulling.has(owner.node),
    );
    if (needed && asked.has(node)) throw new BlockError('Node has active parent node', { code: 'EPERM' });
    if (!needed && !node.flags.inactive) lulling.add(node);
  }
  if (lulling.size === 0) return;
  for (const node of lulling) {
    refuseActiveUsers(node);
    hooks.check(node);
  }
  await graph.drainedAll(() =>
    all(
      [...lulling],
      (node) => lull(graph, node, hooks),
      (node) => wake(graph, node, hooks),
    ),
  );
}

/** Does something with each node, or, when it fails with one, undoes it with those before. */
async function all(
  nodes: readonly BlockNode[],
  change: (node: BlockNode) => Promise<void>,
  undo: (node: BlockNode) => Promise<void>,
): Promise<void> {
  const steps = nodes.map((node) => {
    let done = false;
    return {
      async prepare() {
        await change(node);
        done = true;
      },
      async abort() {
        if (done) await undo(node);
      },
    };
  });
  await runTransaction(steps);
}

/** A job that only reads may go on: it copies an image to the program that gets it. */
function refuseActiveUsers(node: BlockNode): void {
  for (const { owner, permissions } of node.parents) {
    if (!('backend' in owner) || allowsInactive(owner.backend)) continue;
    const reads = owner.backend.roots !== undefined && (permissions.uses & writing) === 0;
    if (!reads) throw new BlockError('Failed to inactivate node: Operation not permitted', { code: 'EPERM' });
  }
}

/** Has a node write what it holds, and let go of the image. */
async function lull(graph: BlockGraph, node: BlockNode, hooks: ActivationHooks): Promise<void> {
  const { readOnly } = node.flags;
  const flags = { ...node.flags, readOnly: true, inactive: { readOnly } };
  await node.requests.flush();
  await graph.usage.changing([node], changed(node, flags), async () => {
    const reopening = readOnly ? undefined : await node.instance?.prepareReopen?.(flags);
    node.flags = flags;
    await reopening?.commit();
  });
  hooks.inactivated(node);
}

/** Takes the image again for a node whose children have theirs, and reads it anew. */
async function wake(graph: BlockGraph, node: BlockNode, hooks: ActivationHooks): Promise<void> {
  const { inactive: _, ...before } = node.flags;
  const flags = { ...before, readOnly: staysReadOnly(node.flags) };
  try {
    await graph.usage.changing([node], changed(node, flags), () => takeUp(graph, node, flags));
  } catch (error) {
    throw blockErrorOf(error, `Could not activate node '${node.name}'`);
  }
  await hooks.activated(node);
}

async function takeUp(graph: BlockGraph, node: BlockNode, flags: NodeFlags): Promise<void> {
  const { instance } = node;
  if (instance === undefined) throw ioError('ENOMEDIUM');
  // An image's driver remembers tables and sizes that the other program has changed.
  if (node.driver.probe !== undefined) return openAgain(graph, node, flags);
  const reopening = await instance.prepareReopen?.(flags);
  try {
    await instance.refresh?.();
  } catch (error) {
    await reopening?.abort();
    throw error;
  }
  node.flags = flags;
  await reopening?.commit();
}

function changed(node: BlockNode, flags: NodeFlags): (each: BlockNode) => NodeFlags {
  return (each) => (each === node ? flags : each.flags);
}
