import { QuorumReadPattern } from '../../../../generated/index.js';
import type { BlockHost } from '../../driver.js';
import { BlockError } from '../../error.js';
import type { BlockOptions } from '../../options.js';

/** How a quorum decides. */
export interface QuorumOptions {
  /** How many children there are to begin with. */
  readonly children: number;
  /** How many must agree, or succeed. */
  readonly threshold: number;
  readonly readPattern: QuorumReadPattern;
  /** Two children must agree, or the program ends. */
  readonly blkverify: boolean;
  /** Children that were outvoted are written to. */
  readonly rewriteCorrupted: boolean;
}

/** Takes what is not about single children. @throws BlockError when it makes no sense */
export function takeQuorumOptions(options: BlockOptions, host: BlockHost): QuorumOptions {
  let children = 0;
  while (options.has(`children.${children}`) || options.hasUnder(`children.${children}`)) children++;
  if (children === 0) {
    throw new BlockError("A quorum needs at least one child; the first is the option 'children.0'", { code: 'EINVAL' });
  }
  const threshold = options.takeInteger('vote-threshold');
  checkThreshold(threshold, children);
  const readPattern = options.takeEnum('read-pattern', QuorumReadPattern) ?? 'quorum';
  const verify = options.takeBoolean('blkverify') ?? false;
  const rewrite = options.takeBoolean('rewrite-corrupted') ?? false;
  // With the first answer taken, there is nothing to compare.
  if (readPattern === 'fifo') return { children, threshold, readPattern, blkverify: false, rewriteCorrupted: false };
  const blkverify = verify && children === 2 && threshold === 2;
  if (verify && !blkverify) {
    host.warn("quorum: 'blkverify' is ignored: it needs exactly two children and a 'vote-threshold' of 2");
  }
  if (blkverify && rewrite) {
    throw new BlockError("'rewrite-corrupted' cannot be used with 'blkverify': that stops at the first difference", {
      code: 'EINVAL',
    });
  }
  return { children, threshold, readPattern, blkverify, rewriteCorrupted: rewrite };
}

function checkThreshold(threshold: number | undefined, children: number): asserts threshold is number {
  if (threshold === undefined || threshold < 1) {
    throw new BlockError(
      `Option 'vote-threshold' must say how many children are to agree: between 1 and ${children}, their number`,
      { code: 'EINVAL' },
    );
  }
  if (threshold > children) {
    throw new BlockError(`Option 'vote-threshold' is ${threshold}, but there are only ${children} children`, {
      code: 'EINVAL',
    });
  }
}
