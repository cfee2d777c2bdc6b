import type { Child, CreateRequest } from '../../driver.js';
import { BlockError } from '../../error.js';
import { zeroed } from '../shared/zeroed.js';
import { l1EntriesOf, serialiseHeader } from './header.js';

/** Entries of an L1 table that others open. */
const mostTables = Math.floor((2 ** 31 - 1) / 8);

/**
 * Makes a new image. The header is written last: until then the file is no qcow image.
 *
 * @throws BlockError ENOTSUP for `encryption`, EINVAL when the disk has no sector or the backing file's name is too long, EFBIG
 */
export async function createQcow(file: Child, { size, backing, options }: CreateRequest): Promise<void> {
  if (options.takeBoolean('encryption') ?? false) {
    throw new BlockError("Images with AES encryption are not created any more; use a 'luks' image below", {
      code: 'ENOTSUP',
    });
  }
  if (size === 0) throw new BlockError('A qcow image cannot be empty', { code: 'EINVAL' });
  // Small clusters copy less of the backing file.
  const shape = backing === undefined ? { clusterBits: 12, l2Bits: 9 } : { clusterBits: 9, l2Bits: 12 };
  const header = serialiseHeader({ size, ...shape, ...(backing === undefined ? {} : { backing }) });
  const entries = l1EntriesOf({ size, ...shape });
  if (entries > mostTables) throw new BlockError('The disk is too large for qcow', { code: 'EFBIG' });
  await zeroed(file, header.length, entries * 8);
  await file.write(0, header);
}
