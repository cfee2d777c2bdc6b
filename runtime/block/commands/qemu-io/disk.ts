import type { DebugBreakpoints } from '../../abilities.js';
import type { Backend } from '../../backend/backend.js';
import { BlockError } from '../../error.js';
import type { BlockNode } from '../../graph/node.js';

/** What the lines of `qemu-io` work on. */
export interface IoDisk {
  readonly backend: Backend;
  readonly node: BlockNode;
  /** What was begun and is not waited for: each resolves with what is to be printed. */
  readonly begun: Set<Promise<readonly string[]>>;
}

/** Where breakpoints can be set: in the first `blkdebug` on the way down. @throws BlockError when there is none */
export function breakpointsOf(node: BlockNode, action: string): DebugBreakpoints {
  for (let each: BlockNode | undefined = node; each !== undefined; each = each.file?.node) {
    const found = each.instance?.breakpoints;
    if (found !== undefined) return found;
  }
  throw new BlockError(`Could not ${action}: Operation not supported`, { code: 'ENOTSUP' });
}
