import { randomBytes } from 'node:crypto';
import { PreallocMode } from '../../../../generated/index.js';
import type { Child, CreateRequest } from '../../driver.js';
import { BlockError } from '../../error.js';
import { roundUp, sectorSize } from '../../limits.js';
import type { BlockOptions } from '../../options.js';
import { viewOf } from '../shared/big-endian.js';
import { freeBlock } from './block-map.js';
import { blockSize, headerLength, ImageType, mostBlocks, serialiseHeader } from './header.js';

/** Bytes of the map that are written at a time. */
const pieceLength = 2 ** 20;

/**
 * Makes a new image. The header is written last: until then the file is no VDI image.
 *
 * Option: `static`, or `preallocation=metadata`: all blocks have their places, and the file its full length.
 *
 * @throws BlockError EFBIG when the disk is too large
 */
export async function createVdi(file: Child, { size, options }: CreateRequest): Promise<void> {
  const isStatic = takeStatic(options);
  const blocks = Math.ceil(size / blockSize);
  if (blocks > mostBlocks) throw new BlockError('The disk is too large for VDI', { code: 'EFBIG' });
  const mapLength = roundUp(blocks * 4, sectorSize);
  const dataOffset = headerLength + mapLength;
  for (let done = 0; done < mapLength; done += pieceLength) {
    const piece = new Uint8Array(Math.min(pieceLength, mapLength - done));
    const view = viewOf(piece);
    for (let at = 0; at < piece.length; at += 4) {
      const block = (done + at) / 4;
      if (block < blocks) view.setUint32(at, isStatic ? block : freeBlock, true);
    }
    await file.write(headerLength + done, piece);
  }
  const end = dataOffset + blocks * blockSize;
  if (isStatic && file.node.length < end) await file.truncate(end);
  const header = {
    type: isStatic ? ImageType.static : ImageType.dynamic,
    mapOffset: headerLength,
    dataOffset,
    size,
    blocks,
    allocated: isStatic ? blocks : 0,
  };
  await file.write(0, serialiseHeader(header, [randomBytes(16), randomBytes(16)]));
}

function takeStatic(options: BlockOptions): boolean {
  const preallocation = options.takeEnum('preallocation', PreallocMode) ?? 'off';
  if (preallocation === 'falloc' || preallocation === 'full') {
    throw new BlockError('Preallocation mode not supported for vdi', { code: 'ENOTSUP' });
  }
  return options.takeBoolean('static') ?? preallocation === 'metadata';
}
