import type { Reopening } from '../driver.js';
import { BlockError } from '../error.js';
import { runTransaction, type TransactionStep } from '../transaction.js';
import type { BlockNode } from './node.js';

/**
 * Switches a node, and the children that were opened with it, between read-only and read-write: all of them or none. Nothing is in
 * flight on them meanwhile: the caller has drained them.
 *
 * @throws BlockError when one of them cannot be switched; EACCES when it was not opened to be written ever
 */
export function reopen(node: BlockNode, readOnly: boolean): Promise<void> {
  return runTransaction(reopenSteps(node, readOnly));
}

/**
 * The steps that switch a node and the children that were opened with it.
 *
 * A file must be writable before the format above it is, and must stay writable until that one has written what it held:
 * children first when opening for writing, last when not. Children that were referred to, or were given the option, keep their flags.
 */
function reopenSteps(node: BlockNode, readOnly: boolean): TransactionStep[] {
  if (node.flags.readOnly === readOnly) return [];
  const inner: TransactionStep[] = [];
  for (const { role, node: child } of node.children.values()) {
    if (role === 'backing' || child.opener !== node || child.given.has('read-only')) continue;
    inner.push(...reopenSteps(child, readOnly));
  }
  const own = switching(node, readOnly);
  return readOnly ? [own, ...inner] : [...inner, own];
}

/** Switches one node. */
function switching(node: BlockNode, readOnly: boolean): TransactionStep {
  const flags = { ...node.flags, readOnly };
  let reopening: Reopening | undefined;
  return {
    async prepare() {
      await node.requests.flush();
      const { instance, driver, name, mayWrite } = node;
      if (!readOnly && !mayWrite) throw new BlockError(`Node '${name}' is read only`, { code: 'EACCES' });
      if (instance?.prepareReopen === undefined) {
        throw new BlockError(`Driver '${driver.name}' of node '${name}' does not support reopening files`, {
          code: 'ENOTSUP',
        });
      }
      reopening = await instance.prepareReopen(flags);
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
