import type { NodeFlags, Reopening } from '../driver.js';
import { BlockError, invalid } from '../error.js';
import type { BlockOptions } from '../options.js';
import { runTransaction, type TransactionStep } from '../transaction.js';
import type { BlockNode } from './node.js';
import type { Usage } from './usage.js';
import { checkWhitelist, type DriverWhitelist } from './whitelist.js';

/** What reopening needs of the graph. */
interface Reopener {
  readonly usage: Usage;
  readonly whitelist: DriverWhitelist;
}

/**
 * Switches a node, and the children that were opened with it, between read-only and read-write: all of them or none. Nothing is in
 * flight on them meanwhile: the caller has drained them.
 *
 * @throws BlockError when one of them cannot be switched; EACCES when it is of a kind that is never written
 */
export async function reopen({ usage, whitelist }: Reopener, node: BlockNode, readOnly: boolean): Promise<void> {
  if (node.flags.readOnly === readOnly) return;
  const switched = switchedNodes(node, readOnly);
  const flags = new Map(switched.map((each): [BlockNode, NodeFlags] => [each, { ...each.flags, readOnly }]));
  await usage.changing(
    [node],
    (each) => flags.get(each) ?? each.flags,
    () => runTransaction(switched.map((each) => switching(each, readOnly, whitelist))),
  );
}

/**
 * A node that is switched and the children that were opened with it.
 *
 * A file must be writable before the format above it is, and must stay writable until that one has written what it held:
 * children first when opening for writing, last when not. Children that were referred to, or were given the option, keep their flags.
 */
function switchedNodes(node: BlockNode, readOnly: boolean): BlockNode[] {
  if (node.flags.readOnly === readOnly) return [];
  const inner: BlockNode[] = [];
  for (const { role, node: below } of node.children.values()) {
    const child = below.belowJobs;
    if (role === 'backing' || child.opener !== node || child.given.has('read-only')) continue;
    inner.push(...switchedNodes(child, readOnly));
  }
  return readOnly ? [node, ...inner] : [...inner, node];
}

/** Has the driver of a node that has been flushed prepare for other flags, and other options. @throws BlockError when it cannot */
export async function prepareDriver(
  { instance, driver, name }: BlockNode,
  flags: NodeFlags,
  options?: BlockOptions,
): Promise<Reopening> {
  if (instance?.prepareReopen === undefined || (driver.filter && driver.changeable === undefined)) {
    throw new BlockError(`Driver '${driver.name}' of node '${name}' does not support reopening files`, {
      code: 'ENOTSUP',
    });
  }
  return instance.prepareReopen(flags, options);
}

/** Switches one node. */
function switching(node: BlockNode, readOnly: boolean, whitelist: DriverWhitelist): TransactionStep {
  const flags = { ...node.flags, readOnly };
  let reopening: Reopening | undefined;
  return {
    async prepare() {
      await node.requests.flush();
      const { name, driver, instance, forceShare } = node;
      checkWhitelist(whitelist, driver.name, readOnly);
      if (!readOnly && flags.inactive) throw new BlockError(`Node '${name}' is inactive`, { code: 'EPERM' });
      if (!readOnly && instance?.forcesReadOnly)
        throw new BlockError(`Node '${name}' is read only`, { code: 'EACCES' });
      if (!readOnly && forceShare) throw invalid('force-share=on can only be used with read-only images');
      reopening = await prepareDriver(node, flags);
    },
    async commit() {
      node.flags = flags;
      await reopening?.commit();
    },
    async abort() {
      await reopening?.abort();
    },
  };
}
