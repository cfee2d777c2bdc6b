import type { BlockHost } from '../driver.js';
import type { BlockNode } from './node.js';

/** What closing needs of the graph. */
export interface CloseEnvironment {
  readonly host: Pick<BlockHost, 'warn'>;
  /** Lets go of a node that is not held any more. */
  release(node: BlockNode): Promise<void>;
}

/** Closes a node that is not held, and lets go of its children. Its name is not its own any more. */
export async function closeNode(environment: CloseEnvironment, node: BlockNode): Promise<void> {
  const { instance } = node;
  node.usable = false;
  instance?.drainBegin?.();
  await node.requests.tracker.idle();
  try {
    if (instance) await node.requests.flush();
  } catch (error) {
    environment.host.warn(`Flushing node '${node.name}' failed: ${wordsOf(error)}`);
  }
  node.instance = undefined;
  try {
    await instance?.close();
  } catch (error) {
    environment.host.warn(`Closing node '${node.name}' failed: ${wordsOf(error)}`);
  }
  node.below?.blockers.remove(node.backingBlocker);
  for (const edge of node.children.values()) {
    const child = edge.node;
    if (child.opener === node) child.opener = undefined;
    edge.cut();
    await environment.release(child);
  }
  node.children.clear();
}

/** Whatever has failed, what is below is let go of. */
function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
