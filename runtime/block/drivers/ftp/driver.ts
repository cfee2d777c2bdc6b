import type { BlockDriver, DriverInstance, OpenContext } from '../../driver.js';
import { refuseWriting, remoteDisk } from '../shared/remote-disk.js';
import { decodePart, takeLogin, takeSslverify, takeUrlOptions } from '../shared/url-options.js';
import { FtpFile } from './ftp-file.js';

function ftpDriver(name: 'ftp' | 'ftps'): BlockDriver {
  return {
    name,
    kind: 'protocol',
    async open(context: OpenContext): Promise<DriverInstance> {
      refuseWriting(name, context);
      const { options, host } = context;
      const common = takeUrlOptions(name, options);
      const { url, server, given, timeout } = common;
      const login = await takeLogin(options, host, common);
      const sslverify = name === 'ftp' || takeSslverify(options, common);
      await host.authorize(given);
      const file = await FtpFile.open(
        {
          name: given,
          host: server,
          port: url.port === '' ? undefined : Number(url.port),
          // What is behind the first slash counts from where the server puts the user.
          path: decodePart(url.pathname.slice(1)),
          ...(login.user === '' ? { user: 'anonymous', password: 'guest' } : login),
          encrypted: name === 'ftps',
          sslverify,
          timeout,
        },
        host.clock,
      );
      const fetch = file.fetch.bind(file);
      const parts = { length: file.length, fetch, close: () => file.close() };
      return remoteDisk(name, parts, common);
    },
  };
}

/**
 * `ftp`: a file on an FTP server, which must be able to begin anywhere in it (`REST`). Read-only.
 *
 * Options: `filename` (the URL), `readahead` (bytes fetched at a time, default: 256 KiB), `timeout` (seconds, default: 5; 0: for
 * ever), `username`, `password-secret`.
 */
export const ftp: BlockDriver = ftpDriver('ftp');

/** `ftps`: the same as {@link ftp}, encrypted from the beginning; `sslverify` off takes any certificate. */
export const ftps: BlockDriver = ftpDriver('ftps');
