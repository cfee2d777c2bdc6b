import type { BlockDriver, DriverInstance, OpenContext } from '../../driver.js';
import { BlockError } from '../../error.js';
import { roundUp, sectorSize } from '../../limits.js';
import { MappedImage } from '../shared/mapped/mapped-image.js';
import { MappedInstance } from '../shared/mapped/mapped-instance.js';
import { BlockTable } from './block-table.js';
import { createVpc } from './create.js';
import { FixedVpc } from './fixed.js';
import {
  diskSize,
  dynamicHeaderLength,
  type Footer,
  footerLength,
  ImageType,
  isFooter,
  mostSectors,
  readDynamicHeader,
  readFooter,
} from './footer.js';

/** Entries that a table may have. */
const mostEntries = 2 ** 29;

/**
 * `vpc`: VHD, the format of Virtual PC and Hyper-V; dynamic and fixed images. A fixed image begins with its disk, and is not recognised by
 * looking at it. Option: `force_size_calc`, where the size of the disk comes from: `chs` or `current_size`.
 */
export const vpc: BlockDriver = {
  name: 'vpc',
  kind: 'format',
  changeable: [],
  probe: (head) => (isFooter(head) ? 100 : 0),
  open: openVpc,
  create: createVpc,
};

async function openVpc(context: OpenContext): Promise<DriverInstance> {
  const { file, options } = context;
  const rule = options.takeEnum('force_size_calc', ['chs', 'current_size']);
  const bytes = new Uint8Array(footerLength);
  await file.read(0, bytes);
  const atStart = isFooter(bytes);
  // Old releases of Virtual PC left out the last byte, which is zero.
  const end = roundUp(file.node.length, sectorSize) - footerLength;
  if (!atStart && end >= 0) await file.read(end, bytes);
  if (!isFooter(bytes)) throw invalidVhd('it has no footer');
  const footer = readFooter(bytes);
  if (footer.type === ImageType.differencing) {
    throw new BlockError('Differencing VHD images are not supported', { code: 'ENOTSUP' });
  }
  const size = diskSize(footer, rule);
  if (size > mostSectors * sectorSize) throw new BlockError('The VHD image is too large', { code: 'EFBIG' });
  if (footer.type === ImageType.dynamic && atStart) return openDynamic(context, footer, bytes, size);
  if (footer.type !== ImageType.fixed) throw invalidVhd(`type ${footer.type}`);
  if (size > end) throw invalidVhd('it has been truncated');
  refuseUnsound(footer);
  return new FixedVpc(file, size);
}

async function openDynamic(
  { file, host, node, noIo }: OpenContext,
  footer: Footer,
  bytes: Uint8Array,
  size: number,
): Promise<DriverInstance> {
  const { headerOffset } = footer;
  if (headerOffset + dynamicHeaderLength > file.node.length) throw invalidVhd('it has been truncated');
  const headerBytes = new Uint8Array(dynamicHeaderLength);
  await file.read(headerOffset, headerBytes);
  const header = readDynamicHeader(headerBytes);
  if (!header.sound) host.warn(`vpc: The header of image '${file.node.filename}' has a wrong checksum`);
  if (header.entries > mostEntries) throw invalidVhd('its table is too large');
  if (header.entries * header.blockSize < size) throw invalidVhd('its table is too small for its disk');
  if (header.tableOffset + header.entries * 4 > file.node.length) throw invalidVhd('it has been truncated');
  refuseUnsound(footer);
  const table = new BlockTable(file, { header, headerOffset, footer: bytes, size });
  const claimed = !node.flags.readOnly && !noIo;
  if (claimed) await table.claim();
  else await table.survey();
  return new MappedInstance(new MappedImage(file, table, { beforeTables: () => table.beforeTables() }), claimed);
}

/** Last, as what else is wrong says more. */
function refuseUnsound({ sound }: Footer): void {
  if (!sound) throw invalidVhd('its footer has a wrong checksum');
}

function invalidVhd(what: string): BlockError {
  return new BlockError(`Invalid VHD image: ${what}`, { code: 'EINVAL' });
}
