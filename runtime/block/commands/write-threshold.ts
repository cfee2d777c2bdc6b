import { emitBlockWriteThreshold } from '../../../generated/index.js';
import type { Int64 } from '../../json/value.js';
import type { EventSink } from '../../qmp/event-sink.js';
import type { BlockNode } from '../graph/node.js';
import type { WriteNotice } from '../io/requests.js';

const watchers = new WeakMap<BlockNode, (notice: WriteNotice) => void>();

/**
 * Has the first write beyond an offset of a node reported, once.
 *
 * @param threshold bytes; 0 for none. It replaces what was set before.
 */
export function setWriteThreshold(node: BlockNode, threshold: Int64, events: EventSink): void {
  node.writeThreshold = threshold;
  const { beforeWrite } = node.requests;
  const present = watchers.get(node);
  if (present) beforeWrite.delete(present);
  watchers.delete(node);
  const limit = Number(threshold);
  if (limit === 0) return;
  const watch = ({ offset, length }: WriteNotice): void => {
    const exceeded = amountExceeded(offset, length, limit);
    if (exceeded === 0) return;
    setWriteThreshold(node, 0, events);
    emitBlockWriteThreshold(events, {
      'node-name': node.name,
      'amount-exceeded': exceeded,
      'write-threshold': threshold,
    });
  };
  watchers.set(node, watch);
  beforeWrite.add(watch);
}

/** How far a write reaches beyond a threshold, in bytes. One that begins beyond it counts its whole length on top of its distance. */
function amountExceeded(offset: number, length: number, threshold: number): number {
  if (offset > threshold) return offset - threshold + length;
  return Math.max(0, offset + length - threshold);
}
