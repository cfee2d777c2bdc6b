import type { BlockDriver, BlockHost, OpenContext } from '../../driver.js';
import { BlockError, invalid } from '../../error.js';
import { sectorSize } from '../../limits.js';
import { BlockOptions } from '../../options.js';
import { NbdDisk } from './disk.js';
import { checkWritable, NbdInstance } from './instance.js';
import { takeNbdOptions } from './options.js';

/**
 * `nbd`: an export of an NBD server, by TCP or a unix socket.
 *
 * Options: `server` (as the schema has it) or `filename` (`nbd://HOST:PORT/EXPORT`, `nbd+unix:///EXPORT?socket=PATH`,
 * `nbd:HOST:PORT:exportname=EXPORT`, `nbd:unix:PATH:exportname=EXPORT`), `export`, `reconnect-delay` and `open-timeout` (seconds).
 */
export const nbd: BlockDriver = {
  name: 'nbd',
  kind: 'protocol',
  changeable: [],
  prefixes: ['nbd', 'nbd+tcp', 'nbd+unix'],
  open,
  createFile,
};

async function open({ options, node, host }: OpenContext): Promise<NbdInstance> {
  const taken = takeNbdOptions(options, host);
  const disk = await NbdDisk.open(taken, host);
  try {
    const { readOnly, autoReadOnly = false } = node.flags;
    if (!autoReadOnly) checkWritable(disk, readOnly, taken);
    return new NbdInstance(disk, taken);
  } catch (error) {
    disk.close();
    throw error;
  }
}

/** Makes an image of an export that is there: what others would take for a header is wiped. */
async function createFile(filename: string, size: number, options: BlockOptions, host: BlockHost): Promise<void> {
  const [unknown] = options.keys();
  if (unknown !== undefined) throw invalid(`Invalid parameter '${unknown}': an NBD export has no such option`);
  const taken = takeNbdOptions(new BlockOptions([['filename', filename]]), host);
  const disk = await NbdDisk.open(taken, host);
  try {
    checkWritable(disk, false, taken);
    const image = new NbdInstance(disk, taken);
    if (size > image.length) {
      throw new BlockError(`The export has ${image.length} bytes, and the image needs ${size}`, { code: 'ENOSPC' });
    }
    const head = Math.max(sectorSize, image.requestAlignment);
    await image.write(0, Buffer.alloc(Math.min(head, image.length)), 0);
    await image.flushToDisk();
  } finally {
    disk.close();
  }
}
