import type { Stats } from 'node:fs';
import { BlockdevAioOptions, OnOffAuto } from '../../../../generated/index.js';
import type { OpenContext } from '../../driver.js';
import { BlockError, blockErrorOf } from '../../error.js';
import type { BlockOptions } from '../../options.js';
import { statPath } from './system-io.js';

/** What `blockdev-reopen` can change of the options of files and devices. */
export const reopenedFileOptions = { changeable: ['x-check-cache-dropped'], keptOnceGiven: ['drop-cache'] } as const;

/** What the options of a file or device say. */
export interface FileOptions {
  readonly path: string;
  /** A plain file name that stands for all of them, if there is one. */
  readonly filename: string | undefined;
  /** Whether it is locked: always, never, or where the system can. */
  readonly locking: OnOffAuto;
  /** Asks the operator for what was opened. */
  authorize(fd: number): Promise<void>;
}

/**
 * Takes the options of the drivers for files and devices, `filename`, `aio`, `locking` and some hints, and asks the operator for the file.
 *
 * Both ways of `aio` come to the same here: Node.js does its requests in threads. For the same reason nothing is handed
 * over in batches. What the host has cached is not dropped: no other host takes over.
 *
 * @throws BlockError when an option is wrong, or the file is not allowed
 */
export async function takeFileOptions(context: OpenContext): Promise<FileOptions> {
  const { options, node, host } = context;
  const path = options.takeString('filename');
  if (path === undefined || path === '') throw new BlockError("The option 'filename' is missing", { code: 'EINVAL' });
  const aio = options.takeEnum('aio', BlockdevAioOptions);
  if (aio === 'native' && !node.flags.direct) {
    throw new BlockError('aio=native was specified, but it requires cache.direct=on, which was not specified', {
      code: 'EINVAL',
    });
  }
  options.takeInteger('aio-max-batch');
  for (const name of reopenedFileOptions.keptOnceGiven) options.takeBoolean(name);
  for (const name of reopenedFileOptions.changeable) options.takeBoolean(name);
  const locking = options.takeEnum('locking', OnOffAuto) ?? 'auto';
  await host.authorize(path);
  return {
    path,
    filename: aio === undefined ? plainName(path) : undefined,
    locking,
    authorize: (fd) => host.authorize(path, fd),
  };
}

/** Makes a file name an option: without the driver's prefix. */
export function parsePrefixed(prefix: string, filename: string, options: BlockOptions): void {
  options.set('filename', withoutPrefix(prefix, filename));
}

/** A file name without the driver's prefix, if it has it. */
export function withoutPrefix(prefix: string, filename: string): string {
  return filename.startsWith(`${prefix}:`) ? filename.slice(prefix.length + 1) : filename;
}

/** A path as a file name that opens it: what is before a colon would be taken for a prefix. */
function plainName(path: string): string {
  return /^[^/]*:/.test(path) ? `./${path}` : path;
}

/** What is at a path, before it is opened: to open a device may already do something. @throws BlockError */
export async function lookAt(path: string): Promise<Stats> {
  try {
    return await statPath(path);
  } catch (error) {
    throw blockErrorOf(error, `Could not open '${path}'`);
  }
}
