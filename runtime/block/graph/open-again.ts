import type { Child, NodeFlags, OpenContext } from '../driver.js';
import { BlockError } from '../error.js';
import { BlockOptions } from '../options.js';
import type { BlockGraph } from './graph.js';
import type { BlockNode } from './node.js';
import { commonOptions } from './reopen-plan.js';

/**
 * Has the driver of a node open its image anew, over the same children, and puts that in the place of what it had.
 *
 * @throws BlockError when it cannot be opened; what it had stays then
 */
export async function openAgain(graph: BlockGraph, node: BlockNode, flags: NodeFlags): Promise<void> {
  const { instance: old, flags: before } = node;
  node.flags = flags;
  try {
    node.instance = await node.driver.open(contextOf(graph, node));
  } catch (error) {
    node.flags = before;
    throw error;
  }
  // It has had nothing to write since it was read-only.
  await old?.close();
  node.describe();
}

function contextOf({ host, drivers }: BlockGraph, node: BlockNode): OpenContext {
  const own = [...node.given.entries()].filter(([key]) => !commonOptions.has(key) && !isOf(key, 'file', 'backing'));
  const options = new BlockOptions(own);
  const existing = (name: string): Child => {
    const child = node.children.get(name);
    if (child === undefined) {
      throw new BlockError(`The image of node '${node.name}' has another '${name}' than before`, { code: 'EINVAL' });
    }
    return child;
  };
  return {
    node,
    options,
    probed: false,
    noIo: !node.readsData,
    host,
    get file() {
      return existing('file');
    },
    probe: (head, filename) => drivers.probe(head, filename).name,
    async openChild(name) {
      options.take(name);
      options.takeUnder(name);
      return existing(name);
    },
    attachChild: (name) => existing(name),
    async detachChild() {},
  };
}

function isOf(key: string, ...children: readonly string[]): boolean {
  return children.some((name) => key === name || key.startsWith(`${name}.`));
}
