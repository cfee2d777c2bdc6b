import { BlockError } from '../../error.js';
import { roundUp, sectorSize } from '../../limits.js';
import { viewOf } from '../shared/big-endian.js';
import { getUint64Le, setUint64Le } from '../shared/little-endian.js';

/** Bytes of the header. */
export const headerLength = 512;
/** Bytes of a block: the format knows others, but no program writes them. */
export const blockSize = 2 ** 20;
/** Blocks that an image may have. */
export const mostBlocks = 0x1fff_ff80;

const signature = 0xbeda_107f;
const version = 0x0001_0001;
const text = '<<< QEMU VM Virtual Disk Image >>>\n';
/** Bytes of the header from the version on. */
const ownLength = 0x180;

/** Whether blocks get places as they are written, or have them from the beginning. */
export const ImageType = { dynamic: 1, static: 2 } as const;

/** The header of an image. Offsets and sizes are in bytes. */
export interface VdiHeader {
  readonly type: number;
  readonly mapOffset: number;
  readonly dataOffset: number;
  readonly size: number;
  readonly blocks: number;
  readonly allocated: number;
}

/** Where the number of allocated blocks is. */
export const allocatedField = 388;

/** Whether the first bytes of a file are those of an image. */
export function isVdi(head: Uint8Array): boolean {
  return head.length >= 68 && viewOf(head).getUint32(64, true) === signature;
}

/**
 * @param bytes the first 512 of the file
 * @throws BlockError EINVAL when it is no header, ENOTSUP for what no program writes
 */
export function readHeader(bytes: Uint8Array): VdiHeader {
  if (!isVdi(bytes)) throw new BlockError('The image is not in VDI format: its signature is wrong', { code: 'EINVAL' });
  const view = viewOf(bytes);
  const field = (at: number): number => view.getUint32(at, true);
  const header = {
    type: field(76),
    mapOffset: field(340),
    dataOffset: field(344),
    size: roundUp(getUint64Le(view, 368), sectorSize),
    blocks: field(384),
    allocated: field(allocatedField),
  };
  const wrong = (what: string): BlockError => new BlockError(`Unsupported VDI image: ${what}`, { code: 'ENOTSUP' });
  if (field(68) !== version) throw wrong(`version ${field(68) >>> 16}.${field(68) & 0xffff}, not 1.1`);
  if (header.mapOffset % sectorSize !== 0 || header.mapOffset < headerLength) {
    throw wrong(`its block map begins at ${header.mapOffset}`);
  }
  if (header.dataOffset % sectorSize !== 0) throw wrong(`its data begins at ${header.dataOffset}`);
  if (field(360) !== sectorSize) throw wrong(`sectors of ${field(360)} bytes`);
  if (field(376) !== blockSize) throw wrong(`blocks of ${field(376)} bytes`);
  if (header.size > mostBlocks * blockSize) throw wrong('its disk is too large');
  if (header.blocks > mostBlocks) throw wrong(`${header.blocks} blocks are too many`);
  if (header.size > header.blocks * blockSize) throw wrong(`${header.blocks} blocks are too few for its disk`);
  if (header.mapOffset + header.blocks * 4 > header.dataOffset) throw wrong('its data begins inside of its block map');
  const [link, parent] = [bytes.subarray(424, 440), bytes.subarray(440, 456)];
  if (link.some(Boolean)) throw wrong('it is linked to another image');
  if (parent.some(Boolean)) throw wrong('it is a difference to another image');
  return header;
}

/** A header as it is in the file. @param ids two random ids: of the image, and of its last snapshot */
export function serialiseHeader(header: VdiHeader, ids: readonly [Uint8Array, Uint8Array]): Uint8Array {
  const bytes = new Uint8Array(headerLength);
  const view = viewOf(bytes);
  const set = (at: number, value: number): void => view.setUint32(at, value, true);
  bytes.set(Buffer.from(text, 'latin1'));
  set(64, signature);
  set(68, version);
  set(72, ownLength);
  set(76, header.type);
  set(340, header.mapOffset);
  set(344, header.dataOffset);
  set(360, sectorSize);
  setUint64Le(view, 368, header.size);
  set(376, blockSize);
  set(384, header.blocks);
  set(allocatedField, header.allocated);
  bytes.set(ids[0], 392);
  bytes.set(ids[1], 408);
  return bytes;
}
