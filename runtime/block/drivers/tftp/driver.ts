import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlockDriver, DriverInstance, OpenContext } from '../../driver.js';
import { BlockError } from '../../error.js';
import { refuseWriting, remoteDisk } from '../shared/remote-disk.js';
import { decodePart, takeUrlOptions } from '../shared/url-options.js';
import { download } from './download.js';

const defaultPort = 69;
/** Bytes of the largest file, which is kept on the disk while it is open. */
const largestFile = 2 ** 30;

/**
 * `tftp`: a file on a TFTP server. The protocol knows no parts of files: it is downloaded when it is opened, into a temporary file
 * without a name. Read-only, at most 1 GiB.
 *
 * Options: `filename` (the URL), `timeout` (seconds, default: 5; 0: for ever).
 */
export const tftp: BlockDriver = {
  name: 'tftp',
  kind: 'protocol',
  async open(context: OpenContext): Promise<DriverInstance> {
    refuseWriting('tftp', context);
    const { options, host } = context;
    const common = takeUrlOptions('tftp', options);
    const { url, server, given, timeout } = common;
    const path = decodePart(url.pathname.slice(1));
    if (path === '' || path.includes('\0')) throw new BlockError(`'${given}' names no file`, { code: 'EINVAL' });
    await host.authorize(given);
    const file = await temporaryFile();
    try {
      const length = await download({
        host: server,
        port: url.port === '' ? defaultPort : Number(url.port),
        path,
        timeout,
        most: largestFile,
        clock: host.clock,
        write: (data) => file.appendFile(data),
      }).catch((error: unknown) => {
        if (!(error instanceof BlockError)) throw error;
        throw new BlockError(`'${given}': ${error.message}`, { code: error.code, cause: error });
      });
      const fetch = (offset: number, buffers: readonly Uint8Array[]): Promise<void> => fill(file, offset, buffers);
      return remoteDisk('tftp', { length, fetch, close: () => file.close() }, common);
    } catch (error) {
      await file.close();
      throw error;
    }
  },
};

/** A file that is gone when it is closed. */
async function temporaryFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `qapi-ts-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}

async function fill(file: FileHandle, offset: number, buffers: readonly Uint8Array[]): Promise<void> {
  let at = offset;
  for (const buffer of buffers) {
    for (let done = 0; done < buffer.length; ) {
      const { bytesRead } = await file.read(buffer, done, buffer.length - done, at + done);
      if (bytesRead === 0) throw new BlockError('The temporary file has become shorter', { code: 'EIO' });
      done += bytesRead;
    }
    at += buffer.length;
  }
}
