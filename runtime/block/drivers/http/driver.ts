import type { BlockDriver, DriverInstance, OpenContext, Reopening } from '../../driver.js';
import { BlockError } from '../../error.js';
import { roundUp } from '../../limits.js';
import { nothingToSwitch } from '../shared/reopening.js';
import { BlockCache } from './block-cache.js';
import { takeHttpOptions } from './options.js';
import { RemoteFile } from './remote-file.js';

/** Blocks of the cache are at least as large: keeping track of smaller ones would cost more than they do. */
const smallestBlock = 4096;

function httpDriver(name: string): BlockDriver {
  return {
    name,
    kind: 'protocol',
    async open({ options, node, host }: OpenContext): Promise<DriverInstance> {
      if (!node.flags.readOnly) {
        throw new BlockError(`Driver '${name}' cannot write: open the node with 'read-only' on`, { code: 'EROFS' });
      }
      const taken = await takeHttpOptions(name, options, host);
      const file = await RemoteFile.open(taken, host);
      const cache = new BlockCache(
        file.length,
        Math.max(smallestBlock, roundUp(taken.readahead, smallestBlock)),
        (offset, buffers) => file.fetch(offset, buffers),
      );
      return {
        length: file.length,
        read: (offset, buffer) => cache.read(offset, buffer),
        async prepareReopen(flags): Promise<Reopening> {
          if (flags.readOnly) return nothingToSwitch;
          throw new BlockError(`Driver '${name}' cannot write`, { code: 'EROFS' });
        },
        effectiveOptions: () => taken.shown,
        exactFilename: () => taken.exactFilename,
        close: () => file.close(),
      };
    },
  };
}

/**
 * `http`: a file on a web server, which must be able to send parts of it. Read-only.
 *
 * Options: `filename` (the URL), `readahead` (bytes fetched at a time, default: 256 KiB), `timeout` (seconds that a request may
 * take, default: 5; 0: for ever), `cookie` or `cookie-secret`, `username`, `password-secret`.
 */
export const http: BlockDriver = httpDriver('http');

/** `https`: the same as {@link http}, encrypted; `sslverify` off takes any certificate. */
export const https: BlockDriver = httpDriver('https');
