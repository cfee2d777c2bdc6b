import type { BlockStatus, Child, DriverInstance, NodeView } from '../driver.js';
import { BlockError, ioError } from '../error.js';
import { roundDown, roundUp } from '../limits.js';

/** What the allocation of a node is asked of. */
export interface StatusTarget {
  readonly instance: DriverInstance | undefined;
  readonly backing: Child | undefined;
}

/**
 * The state of the first stretch of a node from `offset` on, as its own layer knows it. Where the driver can tell where data is,
 * the file below is asked whether there is a hole.
 *
 * @param offset bytes, inside the node
 * @param length bytes, at least 1
 */
export async function statusOf(target: StatusTarget, offset: number, length: number): Promise<BlockStatus> {
  const { instance } = target;
  if (instance === undefined) throw ioError('ENOMEDIUM');
  const wanted = Math.min(length, instance.length - offset);
  if (wanted <= 0) return { length, allocated: false, data: false, zero: true };
  if (instance.blockStatus === undefined) return { length: wanted, allocated: true, data: true, zero: false };
  const status = await askAligned(instance, offset, wanted);
  // What a filter hands on is as it is there.
  if (!status.allocated) return status.file === undefined ? unallocated(target, instance, offset, status) : status;
  if (!status.data || status.zero || status.offset === undefined || status.file === undefined) return status;
  const below = await statusBelow(status.file, status.offset, status.length);
  return below === undefined ? status : { ...status, length: Math.min(status.length, below.length), zero: below.zero };
}

/** A hole is worth knowing of; a driver that cannot tell is no failure. */
async function statusBelow(file: Child, offset: number, length: number): Promise<BlockStatus | undefined> {
  try {
    return await file.blockStatus(offset, length);
  } catch (error) {
    if (error instanceof BlockError) return undefined;
    throw error;
  }
}

/** Asks for whole blocks, and shows of the answer what was wanted. */
async function askAligned(instance: DriverInstance, offset: number, length: number): Promise<BlockStatus> {
  const alignment = instance.requestAlignment ?? 1;
  const end = roundUp(offset + length, alignment);
  for (let start = roundDown(offset, alignment); ; ) {
    const status = (await instance.blockStatus?.(start, end - start)) as BlockStatus;
    const skipped = offset - start;
    if (status.length <= skipped) {
      // The block changes its state in the middle, before what is wanted: a file that ends there.
      start += status.length;
      continue;
    }
    const shown = Math.min(status.length - skipped, length);
    if (skipped === 0 && shown === status.length) return status;
    return { ...status, length: shown, ...(status.offset === undefined ? {} : { offset: status.offset + skipped }) };
  }
}

/** What is not here is zero where nothing shows through: without a backing file, or beyond the end of a shorter one. */
function unallocated(
  { backing }: StatusTarget,
  instance: DriverInstance,
  offset: number,
  status: BlockStatus,
): BlockStatus {
  if (backing === undefined) return { ...status, zero: status.zero || instance.info?.unallocatedIsZero === true };
  const shown = backing.node.length - offset;
  if (shown <= 0) return { ...status, zero: true };
  return { ...status, length: Math.min(status.length, shown) };
}

/** The edge from a filter to what it filters. */
function filtered({ node }: Child): Child | undefined {
  return node.driver.filter ? node.under : undefined;
}

/** The first edge that leads to no filter, or the last one above a base. */
export function belowFilters(top: Child, base?: NodeView): Child {
  let edge = top;
  for (let next = filtered(edge); next !== undefined && next.node !== base; next = filtered(edge)) edge = next;
  return edge;
}

/** Whether the image below ends before an offset, and is not the base: its zeroes there hide what is further down. */
function endsBefore(backing: Child, offset: number, base: NodeView | undefined): boolean {
  if (backing.node === base) return false;
  const layer = belowFilters(backing, base);
  return filtered(layer) === undefined && offset >= layer.node.length;
}

/** Where in a chain of backing files a stretch comes from. */
export interface ChainStatus {
  readonly status: BlockStatus;
  /** How many backing links lead to the layer that has it. Where no layer has it: the depth of the last one asked. */
  readonly depth: number;
}

/**
 * The state of the first stretch from `offset` on, in the first layer that has something for it. Filters are no layers.
 *
 * @param top the edge to the uppermost layer
 * @param base the node to stop above; absent: all layers are asked
 */
export async function chainStatus(top: Child, offset: number, length: number, base?: NodeView): Promise<ChainStatus> {
  let wanted = length;
  let depth = 0;
  for (let edge = top; ; depth++) {
    edge = belowFilters(edge, base);
    // A filter that is right above the base has nothing of its own.
    if (filtered(edge) !== undefined) {
      return { status: { length: wanted, allocated: false, data: false, zero: false }, depth };
    }
    const status = await edge.blockStatus(offset, wanted);
    wanted = status.length;
    const { backing } = edge.node;
    if (!status.allocated && backing !== undefined && endsBefore(backing, offset, base)) {
      return { status: { ...status, allocated: true }, depth: depth + 1 };
    }
    if (status.allocated || status.zero || backing === undefined || backing.node === base) return { status, depth };
    edge = backing;
  }
}
