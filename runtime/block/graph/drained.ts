import type { BlockNode, RootOwner } from './node.js';
import { backendsAbove, isBusy, nodesAbove } from './walk.js';

/** Runs work while the backends above some nodes hold new requests back, and nothing is in flight on the nodes. */
export async function drained<T>(nodes: ReadonlySet<BlockNode>, work: () => Promise<T>): Promise<T> {
  const begun: RootOwner[] = [];
  const held = [...nodesAbove(nodes)].flatMap(({ instance }) => (instance?.drainBegin ? [instance] : []));
  try {
    for (const instance of held) instance.drainBegin?.();
    await Promise.all(
      backendsAbove(nodes).map((owner) => {
        begun.push(owner);
        return owner.drainBegin();
      }),
    );
    // What one node still does may begin something on another.
    while (isBusy(nodes)) for (const { requests } of nodes) await requests.tracker.idle();
    return await work();
  } finally {
    for (const instance of held) instance.drainEnd?.();
    for (const owner of begun) owner.drainEnd();
  }
}
