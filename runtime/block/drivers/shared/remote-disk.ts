import type { DriverInstance, OpenContext, Reopening } from '../../driver.js';
import { BlockError } from '../../error.js';
import { roundUp } from '../../limits.js';
import { BlockCache, type Load } from './block-cache.js';
import { nothingToSwitch } from './reopening.js';

/** Blocks of the cache are at least as large: keeping track of smaller ones would cost more than they do. */
const smallestBlock = 4096;

/** A file elsewhere, of which parts are fetched. */
export interface RemoteParts {
  /** Bytes. */
  readonly length: number;
  /** As that of `BlockCache`. */
  readonly fetch: Load;
  readonly close: () => Promise<void>;
}

/** How such a file is shown, and how much of it is fetched at a time. */
export interface RemoteOptions {
  readonly readahead: number;
  /** The options that decide what is fetched, as queries show them. */
  readonly shown: { readonly [key: string]: string | boolean };
  /** The URL, as it was given. */
  readonly given: string;
}

/** @throws BlockError (EROFS) where a node is to be written, and nothing says that it need not be */
export function refuseWriting(name: string, { node }: OpenContext): void {
  if (!node.flags.readOnly && !node.flags.autoReadOnly) {
    throw new BlockError(`Driver '${name}' cannot write: open the node with 'read-only' on`, { code: 'EROFS' });
  }
}

/** A file elsewhere as the block layer sees it. @param name of the driver */
export function remoteDisk(
  name: string,
  { length, fetch, close }: RemoteParts,
  { readahead, shown, given }: RemoteOptions,
): DriverInstance {
  const cache = new BlockCache(length, Math.max(smallestBlock, roundUp(readahead, smallestBlock)), fetch);
  return {
    length,
    forcesReadOnly: true,
    read: (offset, buffer) => cache.read(offset, buffer),
    async prepareReopen(flags): Promise<Reopening> {
      if (flags.readOnly) return nothingToSwitch;
      throw new BlockError(`Driver '${name}' cannot write`, { code: 'EROFS' });
    },
    effectiveOptions: () => shown,
    exactFilename: () => (Object.keys(shown).every((key) => key === 'url') ? given : undefined),
    close,
  };
}
