import type { NodeFlags, Reopening } from '../driver.js';
import { BlockError } from '../error.js';
import type { BlockNode } from './node.js';

/** One node of a reopening, with the flags that it is to have. */
interface Step {
  readonly node: BlockNode;
  readonly flags: NodeFlags;
}

/**
 * Switches a node, and the children that were opened with it, between read-only and read-write: all of them or none. Nothing is in
 * flight on them meanwhile: the caller has drained them.
 *
 * @throws BlockError when one of them cannot be switched; EACCES when it was not opened to be written ever
 */
export async function reopen(node: BlockNode, readOnly: boolean): Promise<void> {
  if (node.flags.readOnly === readOnly) return;
  const prepared: { readonly step: Step; readonly reopening: Reopening }[] = [];
  try {
    for (const step of steps(node, readOnly)) {
      await step.node.requests.flush();
      const { instance, driver, name, mayWrite } = step.node;
      if (!readOnly && !mayWrite) throw new BlockError(`Node '${name}' is read only`, { code: 'EACCES' });
      if (instance?.prepareReopen === undefined) {
        throw new BlockError(`Driver '${driver.name}' of node '${name}' does not support reopening files`, {
          code: 'ENOTSUP',
        });
      }
      prepared.push({ step, reopening: await instance.prepareReopen(step.flags) });
    }
  } catch (error) {
    for (const { reopening } of prepared.reverse()) await reopening.abort();
    throw error;
  }
  for (const { step, reopening } of prepared) {
    step.node.flags = step.flags;
    await reopening.commit();
  }
}

/**
 * A file must be writable before the format above it is, and must stay writable until that one has written what it held:
 * children first when opening for writing, last when not. Children that were referred to, or were given the option, keep their flags.
 */
function steps(node: BlockNode, readOnly: boolean): Step[] {
  const own: Step = { node, flags: { ...node.flags, readOnly } };
  const inner: Step[] = [];
  for (const edge of node.children.values()) {
    const child = edge.node as BlockNode;
    if (edge.role === 'backing' || child.opener !== node || child.given.has('read-only')) continue;
    if (child.flags.readOnly === readOnly) continue;
    inner.push(...steps(child, readOnly));
  }
  return readOnly ? [own, ...inner] : [...inner, own];
}
