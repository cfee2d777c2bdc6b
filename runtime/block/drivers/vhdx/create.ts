import type { Child, CreateRequest } from '../../driver.js';
import { BlockError, invalid } from '../../error.js';
import { isPowerOfTwo, roundUp } from '../../limits.js';
import { viewOf } from '../shared/big-endian.js';
import { setUint64Le } from '../shared/little-endian.js';
import { zeroed } from '../shared/zeroed.js';
import { BlockState, chunkOf, entriesOf } from './block-table.js';
import { fileMark, headerOffsets, mebi, newHeader } from './headers.js';
import { type Metadata, newMetadata, newRegionTable, regionTableOffsets } from './regions.js';

const gibi = 2 ** 30;
const tebi = 2 ** 40;
const mostDisk = 64 * tebi;
/** Bytes from the end of the table on that metadata and others may have, before data begins. */
const reserve = 5 * mebi;
const pieceLength = 2 ** 20;

/**
 * Makes a new image. What says that it is one is written last.
 *
 * Options: `subformat` (`dynamic`, `fixed`), `block_size` (0: as the size of the disk suggests), `log_size`, `block_state_zero`:
 * whether new blocks are marked as zero, or as absent.
 *
 * @throws BlockError EINVAL for options that are wrong, EFBIG when the disk is too large
 */
export async function createVhdx(file: Child, { size, options }: CreateRequest): Promise<void> {
  const fixed = (options.takeEnum('subformat', ['dynamic', 'fixed']) ?? 'dynamic') === 'fixed';
  const blockSize = options.takeSize('block_size') || usualBlockSize(size);
  const logLength = options.takeSize('log_size') || mebi;
  const marksZero = options.takeBoolean('block_state_zero') ?? true;
  if (!isPowerOfTwo(blockSize) || blockSize < mebi || blockSize > 256 * mebi) {
    throw invalid('Block size must be a power of two between 1M and 256M');
  }
  if (logLength % mebi !== 0 || logLength > 64 * mebi) throw invalid('Log size must be a multiple of 1M, up to 64M');
  if (size > mostDisk) throw new BlockError('The disk is too large for VHDX', { code: 'EFBIG' });
  const metadata = { blockSize, size, logicalSector: 512 };
  const blocks = Math.ceil(size / blockSize);
  const table = { offset: mebi + logLength, length: roundUp(Math.max(1, entriesOf(metadata) * 8), mebi) };
  const tableEnd = table.offset + table.length;
  const dataStart = tableEnd + reserve;
  const end = dataStart + (fixed ? blocks * blockSize : 0);
  await zeroed(file, 0, tableEnd + mebi);
  if (file.node.length < end) await file.truncate(end);
  if (fixed || marksZero) await writeTable(file, table.offset, metadata, fixed ? dataStart : undefined);
  const regions = { blockTable: table, metadata: { offset: tableEnd, length: mebi } };
  await file.write(tableEnd, newMetadata(metadata, fixed));
  for (const offset of regionTableOffsets) await file.write(offset, newRegionTable(regions));
  for (const [index, offset] of headerOffsets.entries()) {
    await file.write(offset, newHeader(index + 1, mebi, logLength));
  }
  const identifier = Buffer.alloc(512 + 8);
  identifier.write(fileMark, 'latin1');
  identifier.write('qapi-ts', 8, 'utf16le');
  await file.write(0, identifier);
}

function usualBlockSize(size: number): number {
  if (size > 32 * tebi) return 64 * mebi;
  if (size > 100 * gibi) return 32 * mebi;
  return size > gibi ? 16 * mebi : 8 * mebi;
}

/** @param dataStart where all blocks are, side by side. Absent: they have no places, and are zero. */
async function writeTable(
  file: Child,
  offset: number,
  metadata: Metadata,
  dataStart: number | undefined,
): Promise<void> {
  const entries = entriesOf(metadata);
  const chunk = chunkOf(metadata);
  for (let done = 0; done < entries * 8; done += pieceLength) {
    const piece = new Uint8Array(Math.min(pieceLength, entries * 8 - done));
    const view = viewOf(piece);
    for (let at = 0; at < piece.length; at += 8) {
      const index = (done + at) / 8;
      if ((index + 1) % (chunk + 1) === 0) continue;
      const block = index - Math.floor(index / (chunk + 1));
      if (dataStart === undefined) setUint64Le(view, at, BlockState.zero);
      else setUint64Le(view, at, dataStart + block * metadata.blockSize + BlockState.present);
    }
    await file.write(offset + done, piece);
  }
}
