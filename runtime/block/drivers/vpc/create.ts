import { randomBytes } from 'node:crypto';
import type { Child, CreateRequest } from '../../driver.js';
import { BlockError, invalid } from '../../error.js';
import { roundUp, sectorSize } from '../../limits.js';
import {
  dynamicHeaderLength,
  footerLength,
  ImageType,
  mostSectors,
  type NewFooter,
  serialiseDynamicHeader,
  serialiseFooter,
} from './footer.js';
import { geometryFor, largestGeometry, sectorsOf } from './geometry.js';

/** Bytes of a block. */
const blockSize = 2 ** 21;
/** Bytes of the table that are written at a time. */
const pieceLength = 2 ** 20;

/**
 * Makes a new image. What says that it is one is written last.
 *
 * Options: `subformat` (`dynamic`, `fixed`); `force_size`: the disk has exactly the size asked for, where it would else be
 * rounded up to that of a geometry.
 *
 * @throws BlockError EFBIG when the disk is too large, EINVAL when it would have to be rounded up and must not be
 */
export async function createVpc(file: Child, { size, exactSize, options }: CreateRequest): Promise<void> {
  const subformat = options.takeEnum('subformat', ['dynamic', 'fixed']) ?? 'dynamic';
  const forceSize = options.takeBoolean('force_size') ?? false;
  const wanted = size / sectorSize;
  const geometry = forceSize ? largestGeometry : geometryFor(wanted);
  const product = sectorsOf(geometry);
  const sectors = product === sectorsOf(largestGeometry) ? wanted : product;
  if (sectors > mostSectors) throw new BlockError('The disk is too large for VHD', { code: 'EFBIG' });
  if (exactSize && sectors !== wanted) {
    throw invalid('The requested image size cannot be represented in CHS geometry; force-size makes it all the same');
  }
  const uuid = randomBytes(16);
  const footer: NewFooter = {
    type: subformat === 'fixed' ? ImageType.fixed : ImageType.dynamic,
    creator: forceSize ? 'qem2' : 'qemu',
    size: sectors * sectorSize,
    geometry,
    uuid,
    time: Date.now() / 1000,
  };
  if (subformat === 'fixed') {
    const end = sectors * sectorSize;
    if (file.node.length < end + footerLength) await file.truncate(end + footerLength);
    await file.write(end, serialiseFooter(footer));
    return;
  }
  await createDynamic(file, footer, sectors);
}

async function createDynamic(file: Child, footer: NewFooter, sectors: number): Promise<void> {
  const tableOffset = footerLength + dynamicHeaderLength;
  const entries = Math.floor(sectors / (blockSize / sectorSize)) + 1;
  const tableLength = roundUp(entries * 4, sectorSize);
  const bytes = serialiseFooter(footer);
  const free = new Uint8Array(Math.min(pieceLength, tableLength)).fill(0xff);
  for (let done = 0; done < tableLength; done += pieceLength) {
    await file.write(tableOffset + done, free.subarray(0, tableLength - done));
  }
  await file.write(tableOffset + tableLength, bytes);
  await file.write(footerLength, serialiseDynamicHeader({ tableOffset, entries, blockSize }));
  await file.write(0, bytes);
}
