import { invalid } from '../../error.js';
import { isPowerOfTwo } from '../../limits.js';
import type { BlockOptions } from '../../options.js';

/** What the requests to a blkdebug node are cut to, in bytes. */
export interface RequestLimits {
  /** A power of two; 1 where none was asked for. */
  readonly align: number;
  /** The most of a read or write. Absent: any. */
  readonly maxTransfer: number | undefined;
  /** Zero-writes that are not aligned to it are not supported. Absent: `align`. */
  readonly optWriteZero: number | undefined;
  readonly maxWriteZero: number | undefined;
  /** A discard's edges are handed on apart from what is aligned to it. Absent: `align`. */
  readonly optDiscard: number | undefined;
  readonly maxDiscard: number | undefined;
}

/**
 * Takes the options that say how large requests are, and where they begin. 0 stands for the default.
 *
 * @param below the alignment of the node below, in bytes
 * @throws BlockError when they contradict each other
 */
export function takeRequestLimits(options: BlockOptions, below: number): RequestLimits {
  const align = takeAlignment(options);
  const least = Math.max(align, below);
  const take = (key: string, unit: number): number | undefined => {
    const size = options.takeSize(key) ?? 0;
    if (size === 0) return undefined;
    if (size < 2 ** 31 && size % unit === 0) return size;
    throw invalid(`Cannot meet constraints with ${key} ${size}: it must be a multiple of ${unit} below 2^31`);
  };
  const maxTransfer = take('max-transfer', least);
  const optWriteZero = take('opt-write-zero', least);
  const maxWriteZero = take('max-write-zero', Math.max(least, optWriteZero ?? 0));
  const optDiscard = take('opt-discard', least);
  const maxDiscard = take('max-discard', Math.max(least, optDiscard ?? 0));
  return { align, maxTransfer, optWriteZero, maxWriteZero, optDiscard, maxDiscard };
}

function takeAlignment(options: BlockOptions): number {
  const align = options.takeSize('align') ?? 0;
  if (align === 0) return 1;
  if (align < 2 ** 31 && isPowerOfTwo(align)) return align;
  throw invalid(`Cannot meet constraints with align ${align}: it must be a power of two below 2^31`);
}

/**
 * Does a request in pieces of at most `most` bytes, one after the other.
 *
 * @param work gets where a piece begins, and where it ends
 */
export async function inPieces(
  offset: number,
  length: number,
  most: number | undefined,
  work: (from: number, to: number) => Promise<void>,
): Promise<void> {
  const end = offset + length;
  for (let from = offset; from < end; ) {
    const to = Math.min(end, from + (most ?? length));
    await work(from, to);
    from = to;
  }
}
