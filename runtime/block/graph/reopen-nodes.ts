import type { NodeFlags, Reopening } from '../driver.js';
import { runTransaction, type TransactionStep } from '../transaction.js';
import { type Exchange, exchangeChild } from './exchange.js';
import { staysReadOnly } from './flags.js';
import type { BlockGraph } from './graph.js';
import type { BlockNode } from './node.js';
import { prepareDriver } from './reopen.js';
import { type NodePlan, planReopening, type ReopenRequest } from './reopen-plan.js';
import { refuseReadOnlyUsers } from './usage.js';
import { childrenFirst } from './walk.js';
import { checkWhitelist } from './whitelist.js';

/**
 * Opens nodes with other options and other children: all of them, or none.
 *
 * @throws BlockError when something of it cannot be; everything is as before then
 */
export async function reopenNodes(graph: BlockGraph, requests: readonly ReopenRequest[]): Promise<void> {
  const plans = planReopening(requests, (name) => graph.deviceOrNode(undefined, name));
  for (const [node, { flags }] of plans) checkWhitelist(graph.whitelist, node.driver.name, staysReadOnly(flags));
  await graph.drainedAll(() => changeAll(graph, plans));
}

/** Carries out plans on nodes on which nothing is in flight. */
async function changeAll(graph: BlockGraph, plans: ReadonlyMap<BlockNode, NodePlan>): Promise<void> {
  const flagsOf = (node: BlockNode): NodeFlags => plans.get(node)?.flags ?? node.flags;
  const switches = [...plans.values()].map((plan) => ({ plan, ...switching(plan) }));
  const exchanges: Exchange[] = [];
  // What an image still has to write goes to the file below it, as it is yet: images are prepared before that changes.
  const images = switches.filter(({ plan }) => plan.node.children.size > 0);
  const files = switches.filter(({ plan }) => plan.node.children.size === 0);
  const commit = async (): Promise<void> => {
    for (const node of commitOrder(plans)) await switches.find(({ plan }) => plan.node === node)?.commit();
  };
  const exchanging: TransactionStep = {
    prepare() {
      for (const { node, children } of plans.values()) {
        for (const [name, next] of children) exchanges.push(exchangeChild(graph, node, name, next));
      }
      refuseReadOnlyUsers(plans.keys(), flagsOf);
    },
    abort() {
      for (const exchange of exchanges.reverse()) exchange.undo();
    },
  };
  const taking: TransactionStep = {
    prepare: () =>
      graph.usage.changing(plans.keys(), flagsOf, () =>
        runTransaction([...files.map(({ step }) => step), { prepare() {}, commit }]),
      ),
  };
  await runTransaction([...images.map(({ step }) => step), exchanging, taking]);
  for (const node of childrenFirst(plans.keys())) if (plans.has(node)) node.describe();
  for (const node of plans.keys()) graph.describeAbove(node);
  for (const { node, before: child } of exchanges) {
    if (child?.opener === node) child.opener = undefined;
    if (child !== undefined) await graph.letGo(child);
  }
}

/** How one node is switched: what is prepared and undone, and what makes it so in the end. */
function switching({ node, flags, detectZeroes, given, changeable }: NodePlan): {
  readonly step: TransactionStep;
  commit(): Promise<void>;
} {
  let reopening: Reopening | undefined;
  return {
    step: {
      async prepare() {
        await node.requests.flush();
        reopening = await prepareDriver(node, flags, changeable.clone());
      },
      async abort() {
        await reopening?.abort();
      },
    },
    async commit() {
      const { readOnly, direct, noFlush, unmap, inactive, autoReadOnly = false } = flags;
      const changed = { readOnly, direct, noFlush, unmap, autoReadOnly };
      node.flags = { ...node.flags, ...changed, ...(inactive === undefined ? {} : { inactive }) };
      node.detectZeroes = detectZeroes;
      node.given = given;
      await reopening?.commit();
    },
  };
}

/**
 * A file is writable before the image above it is, and stays writable until that one has let go of it: what opens for writing
 * comes first, from below, then what becomes read-only, from above.
 */
function commitOrder(plans: ReadonlyMap<BlockNode, NodePlan>): BlockNode[] {
  const nodes = childrenFirst(plans.keys());
  const closing = (node: BlockNode) => plans.get(node)?.flags.readOnly === true;
  return [...nodes.filter((node) => !closing(node)), ...nodes.filter(closing).reverse()];
}
