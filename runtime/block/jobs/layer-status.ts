import type { Child, NodeView } from '../driver.js';
import { belowFilters, chainStatus } from '../io/status.js';

/** Where a stretch of a disk comes from, as a job that drops layers must know it. */
export interface LayerStatus {
  /** Bytes from the offset asked for that are in this state. */
  readonly length: number;
  /** The uppermost layer has it itself. */
  readonly own: boolean;
  /** A layer between the uppermost one and the base decides what is read. */
  readonly below: boolean;
}

/**
 * Tells whether what is read at an offset comes from the uppermost layer, from one between it and a base, or from the base and
 * below. A layer that ends before the offset decides, too: zeroes are read there, whatever the base has.
 *
 * @param top the edge to the uppermost layer
 * @param base absent: there is none, and what no layer has reads as zeroes
 */
export async function layerStatus(
  top: Child,
  offset: number,
  length: number,
  base: NodeView | undefined,
): Promise<LayerStatus> {
  const image = belowFilters(top);
  const own = await image.blockStatus(offset, length);
  if (own.allocated) return { length: own.length, own: true, below: false };
  const { backing } = image.node;
  if (backing === undefined || backing.node === base) return { length: own.length, own: false, below: false };
  const { status } = await chainStatus(backing, offset, own.length, base);
  const shadowed = !status.allocated && status.zero && base !== undefined && offset < base.length;
  return { length: status.length, own: false, below: status.allocated || shadowed };
}
