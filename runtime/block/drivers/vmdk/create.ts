import { randomBytes } from 'node:crypto';
import type { Child, CreateRequest } from '../../driver.js';
import { BlockError, invalid } from '../../error.js';
import { sectorSize } from '../../limits.js';
import type { BlockOptions } from '../../options.js';
import { viewOf } from '../shared/big-endian.js';
import { zeroed } from '../shared/zeroed.js';
import { type ExtentLine, isPrintable, noParent, printDescriptor } from './descriptor.js';
import { cidOf } from './image.js';
import {
  descriptorSectors,
  type ExtentLayout,
  layoutOf,
  type NewExtent,
  serialiseHeader,
  tableSectors,
} from './sparse-header.js';

const subformats = [
  'monolithicSparse',
  'monolithicFlat',
  'twoGbMaxExtentSparse',
  'twoGbMaxExtentFlat',
  'streamOptimized',
] as const;
const adapterTypes = ['ide', 'buslogic', 'lsilogic', 'legacyESX'] as const;

/** Bytes of the disk in each file of a split image. */
const splitLength = 2 ** 31;
/** Bytes that the tables of an extent may point at. */
const mostBytes = 2 ** 32 * sectorSize;

interface Choices {
  readonly subformat: (typeof subformats)[number];
  readonly adapterType: string;
  readonly hwVersion: string;
  readonly toolsVersion: string;
  readonly zeroGrains: boolean;
}

/**
 * Makes a new image. The descriptor is written last: until then the file is no VMDK image.
 *
 * Options: `subformat`, `adapter_type`, `hwversion`, `toolsversion`, `compat6`, `zeroed_grain`.
 *
 * @throws BlockError EINVAL for options that are wrong or exclude each other, EFBIG when the disk is too large
 */
export async function createVmdk(file: Child, request: CreateRequest): Promise<void> {
  const choices = takeChoices(request.options);
  const { subformat } = choices;
  const flat = subformat.endsWith('Flat');
  if (flat && request.backing !== undefined) throw invalid('Flat VMDK images cannot have a backing file');
  if (flat && choices.zeroGrains) throw invalid('Flat VMDK images have no zeroed grains');
  const parentCid = request.backing === undefined ? noParent : await parentOf(request);
  const embedded = subformat === 'monolithicSparse' || subformat === 'streamOptimized';
  const extent = { zeroGrains: choices.zeroGrains, compressed: subformat === 'streamOptimized' };
  const lines: ExtentLine[] = [];
  const place = placeOf(request.filename);
  if (embedded) {
    lines.push({ length: request.size, type: 'SPARSE', name: place.base, offset: 0 });
  } else {
    const most = subformat === 'monolithicFlat' ? Number.POSITIVE_INFINITY : splitLength;
    for (let done = 0; done < request.size || lines.length === 0; done += most) {
      const length = Math.min(most, request.size - done);
      const name = `${place.stem}${suffixOf(subformat, lines.length + 1)}${place.extension}`;
      lines.push({ length, type: flat ? 'FLAT' : 'SPARSE', name, offset: 0 });
      const other = await request.createFile(place.folder + name, flat ? length : 0);
      if (!flat) await writeSparse(other, { ...extent, capacity: length });
    }
  }
  const text = printDescriptor({
    createType: subformat,
    cid: randomBytes(4).readUInt32LE(),
    parentCid,
    ...(request.backing === undefined ? {} : { parentName: request.backing.name }),
    extents: lines,
    adapterType: choices.adapterType,
    hwVersion: choices.hwVersion,
    toolsVersion: choices.toolsVersion,
  });
  const bytes = Buffer.from(text);
  if (!embedded) {
    await file.write(0, bytes);
    return;
  }
  if (bytes.length > descriptorSectors * sectorSize) {
    throw new BlockError('The VMDK descriptor does not fit into the image', { code: 'ENOSPC' });
  }
  await writeSparse(file, { ...extent, capacity: request.size }, bytes);
}

/** What stands for tools of any version. */
const unknownTools = '2147483647';

function takeChoices(options: BlockOptions): Choices {
  const subformat = options.takeEnum('subformat', subformats) ?? 'monolithicSparse';
  const adapterType = options.takeEnum('adapter_type', adapterTypes) ?? 'ide';
  const compat6 = options.takeBoolean('compat6') ?? false;
  const given = options.takeString('hwversion');
  if (compat6 && given !== undefined) throw invalid('compat6 cannot be enabled with hwversion set');
  const hwVersion = given ?? (compat6 ? '6' : '4');
  if (!/^\d{1,4}$/.test(hwVersion) && hwVersion !== 'undefined') throw invalid(`'${hwVersion}' is no hardware version`);
  const toolsVersion = options.takeString('toolsversion') ?? unknownTools;
  if (!/^\d{1,10}$/.test(toolsVersion)) throw invalid(`'${toolsVersion}' is no version of VMware Tools`);
  const zeroGrains = options.takeBoolean('zeroed_grain') ?? false;
  return { subformat, adapterType, hwVersion, toolsVersion, zeroGrains };
}

/** The content id of the backing file. */
async function parentOf(request: CreateRequest): Promise<number> {
  if (!isPrintable(request.backing?.name ?? '')) {
    throw invalid('A VMDK descriptor cannot have the name of the backing file');
  }
  const backing = await request.openBacking();
  const cid = await cidOf(backing);
  if (cid === undefined) throw invalid(`Invalid backing file format: ${backing.driver.name}. Must be vmdk`);
  return cid;
}

/** Header and empty tables of an extent. The header is written last. */
async function writeSparse(file: Child, extent: NewExtent, descriptor?: Uint8Array): Promise<void> {
  if (extent.capacity > mostBytes) throw new BlockError('The disk is too large for VMDK', { code: 'EFBIG' });
  const layout = layoutOf(extent);
  await zeroed(file, sectorSize, (layout.overhead - 1) * sectorSize);
  await writeDirectory(file, layout, layout.redundant);
  await writeDirectory(file, layout, layout.directory);
  if (descriptor !== undefined) await file.write(sectorSize, descriptor);
  await file.write(0, serialiseHeader(extent, layout));
}

/** A directory has its tables behind it. */
async function writeDirectory(file: Child, layout: ExtentLayout, sector: number): Promise<void> {
  const bytes = new Uint8Array(layout.tables * 4);
  const view = viewOf(bytes);
  for (let table = 0; table < layout.tables; table++) {
    view.setUint32(table * 4, sector + layout.directorySectors + table * tableSectors, true);
  }
  if (bytes.length > 0) await file.write(sector * sectorSize, bytes);
}

function suffixOf(subformat: Choices['subformat'], number: number): string {
  if (subformat === 'monolithicFlat') return '-flat';
  return `-${subformat === 'twoGbMaxExtentFlat' ? 'f' : 's'}${String(number).padStart(3, '0')}`;
}

/** A file name in parts. */
function placeOf(filename: string): { folder: string; base: string; stem: string; extension: string } {
  const prefix = /^[^:/]*:/.exec(filename)?.[0] ?? '';
  const folder = filename.slice(0, Math.max(filename.lastIndexOf('/') + 1, prefix.length));
  const base = filename.slice(folder.length);
  if (!isPrintable(base)) throw invalid('A VMDK descriptor cannot have this file name');
  const dot = base.lastIndexOf('.');
  return dot < 0
    ? { folder, base, stem: base, extension: '' }
    : { folder, base, stem: base.slice(0, dot), extension: base.slice(dot) };
}
