import type { BlockDriver, DriverInstance, OpenContext } from '../../driver.js';
import { refuseWriting, remoteDisk } from '../shared/remote-disk.js';
import { takeHttpOptions } from './options.js';
import { RemoteFile } from './remote-file.js';

function httpDriver(name: string): BlockDriver {
  return {
    name,
    kind: 'protocol',
    async open(context: OpenContext): Promise<DriverInstance> {
      refuseWriting(name, context);
      const { options, host } = context;
      const taken = await takeHttpOptions(name, options, host);
      const file = await RemoteFile.open(taken, host);
      const fetch = file.fetch.bind(file);
      return remoteDisk(name, { length: file.length, fetch, close: () => file.close() }, taken);
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
