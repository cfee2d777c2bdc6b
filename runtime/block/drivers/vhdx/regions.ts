import type { Child } from '../../driver.js';
import { BlockError } from '../../error.js';
import { isPowerOfTwo } from '../../limits.js';
import { viewOf } from '../shared/big-endian.js';
import { getUint64Le, setUint64Le } from '../shared/little-endian.js';
import { crc32c } from './crc32c.js';
import { guidBytes, guidLength, guidText, newGuid } from './guid.js';
import { type Header, invalidVhdx, kibi, mebi } from './headers.js';

/** Where the region table is, and its copy. */
export const regionTableOffsets = [192 * kibi, 256 * kibi] as const;
const regionTableLength = 64 * kibi;
const mostRegions = 2047;
const tableGuid = '2dc27766-f623-4200-9d64-115e9bfd4a08';
const metadataGuid = '8b7ca206-4790-4b9a-b8fe-575f050f886e';

/** Bytes of the table of metadata, before the metadata. */
const metadataTableLength = 64 * kibi;
const mostDisk = 64 * 2 ** 40;

/** The items that every image has, and how long they are. */
const items = {
  fileParameters: { guid: 'caa16737-fa36-4d43-b3b6-33f0aa44e76b', length: 8, flags: 4 },
  diskSize: { guid: '2fa54224-cd1b-4876-b211-5dbed83bf4b8', length: 8, flags: 6 },
  page83: { guid: 'beca12ab-b2e6-4523-93ef-c309e000c746', length: 16, flags: 6 },
  logicalSector: { guid: '8141bf1d-a96f-4709-ba47-f233a8faab5f', length: 4, flags: 6 },
  physicalSector: { guid: 'cda348c7-445d-4471-9cc9-e9885251c556', length: 4, flags: 6 },
} as const;
const parentLocator = 'a8d35f2d-b30b-454d-abf7-d3d84834ab0c';
const itemNames = Object.keys(items) as (keyof typeof items)[];

/** A part of the file. */
export interface Region {
  readonly offset: number;
  readonly length: number;
}

/** Where the tables of an image are. */
export interface Regions {
  readonly blockTable: Region;
  readonly metadata: Region;
}

/** @throws BlockError (EINVAL, ENOTSUP) when the table is not sound, or has what must be known */
export async function readRegions(file: Child, { logOffset, logLength }: Header): Promise<Regions> {
  const bytes = new Uint8Array(regionTableLength);
  await file.read(regionTableOffsets[0], bytes);
  const view = viewOf(bytes);
  const sound = view.getUint32(4, true) === crc32c(bytes, 4);
  if (Buffer.from(bytes.subarray(0, 4)).toString('latin1') !== 'regi' || !sound) {
    throw invalidVhdx('its region table is not sound');
  }
  const count = view.getUint32(8, true);
  if (count > mostRegions) throw invalidVhdx(`it has ${count} regions`);
  const found = new Map<string, Region>();
  const taken: Region[] = [{ offset: logOffset, length: logLength }];
  for (let at = 16; at < 16 + count * 32; at += 32) {
    const guid = guidText(bytes.subarray(at, at + guidLength));
    const region = { offset: getUint64Le(view, at + 16), length: view.getUint32(at + 24, true) };
    const known = guid === tableGuid || guid === metadataGuid;
    if (!known && view.getUint32(at + 28, true) & 1) {
      throw new BlockError(`The VHDX image has a region that is not known: ${guid}`, { code: 'ENOTSUP' });
    }
    if (region.offset % mebi !== 0 || region.offset < mebi || found.has(guid) || !isInside(file, region)) {
      throw invalidVhdx(`region ${guid} is impossible`);
    }
    if (taken.some((other) => overlap(other, region))) throw invalidVhdx(`region ${guid} is where another one is`);
    taken.push(region);
    found.set(guid, region);
  }
  const [blockTable, metadata] = [found.get(tableGuid), found.get(metadataGuid)];
  if (blockTable === undefined || metadata === undefined) throw invalidVhdx('it lacks a region');
  return { blockTable, metadata };
}

function isInside(file: Child, { offset, length }: Region): boolean {
  return Number.isSafeInteger(offset) && offset + length <= file.node.length;
}

/** Whether two parts of a file share anything. */
export function overlap(a: Region, b: Region): boolean {
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length;
}

/** What an image's metadata say. */
export interface Metadata {
  readonly blockSize: number;
  /** Bytes of the disk. */
  readonly size: number;
  readonly logicalSector: number;
}

/** @throws BlockError (EINVAL, ENOTSUP) */
export async function readMetadata(file: Child, region: Region): Promise<Metadata> {
  const table = new Uint8Array(metadataTableLength);
  if (region.length < metadataTableLength) throw invalidVhdx('its metadata are too short');
  await file.read(region.offset, table);
  const view = viewOf(table);
  if (Buffer.from(table.subarray(0, 8)).toString('latin1') !== 'metadata') throw invalidVhdx('it has no metadata');
  const count = view.getUint16(10, true);
  if (count > mostRegions) throw invalidVhdx(`it has ${count} items of metadata`);
  const known = new Map<string, keyof typeof items>(itemNames.map((name) => [items[name].guid, name]));
  const places = new Map<string, number>();
  for (let at = 32; at < 32 + count * 32; at += 32) {
    const guid = guidText(table.subarray(at, at + guidLength));
    const name = known.get(guid);
    if (guid === parentLocator) throw differencing();
    if (name === undefined) {
      if (view.getUint32(at + 24, true) & 4) {
        throw new BlockError(`The VHDX image has metadata that are not known: ${guid}`, { code: 'ENOTSUP' });
      }
      continue;
    }
    const offset = view.getUint32(at + 16, true);
    if (offset < metadataTableLength || offset + items[name].length > region.length || places.has(name)) {
      throw invalidVhdx(`metadata ${guid} are impossible`);
    }
    places.set(name, offset);
  }
  const read = async (name: keyof typeof items): Promise<DataView> => {
    const offset = places.get(name);
    if (offset === undefined) throw invalidVhdx('it lacks metadata');
    const bytes = new Uint8Array(items[name].length);
    await file.read(region.offset + offset, bytes);
    return viewOf(bytes);
  };
  const parameters = await read('fileParameters');
  const blockSize = parameters.getUint32(0, true);
  if (parameters.getUint32(4, true) & 2) throw differencing();
  const size = getUint64Le(await read('diskSize'), 0);
  const logicalSector = (await read('logicalSector')).getUint32(0, true);
  const physicalSector = (await read('physicalSector')).getUint32(0, true);
  await read('page83');
  if (!isPowerOfTwo(blockSize) || blockSize < mebi || blockSize > 256 * mebi) {
    throw invalidVhdx(`blocks of ${blockSize} bytes`);
  }
  for (const sector of [logicalSector, physicalSector]) {
    if (sector !== 512 && sector !== 4096) throw invalidVhdx(`sectors of ${sector} bytes`);
  }
  if (size > mostDisk || size % logicalSector !== 0) throw invalidVhdx(`a disk of ${size} bytes`);
  return { blockSize, size, logicalSector };
}

function differencing(): BlockError {
  return new BlockError('Differencing VHDX images are not supported', { code: 'ENOTSUP' });
}

/** The region table of a new image. */
export function newRegionTable({ blockTable, metadata }: Regions): Uint8Array {
  const bytes = new Uint8Array(regionTableLength);
  const view = viewOf(bytes);
  bytes.set(Buffer.from('regi', 'latin1'));
  view.setUint32(8, 2, true);
  for (const [index, [guid, region]] of (
    [
      [tableGuid, blockTable],
      [metadataGuid, metadata],
    ] as const
  ).entries()) {
    const at = 16 + index * 32;
    bytes.set(guidBytes(guid), at);
    setUint64Le(view, at + 16, region.offset);
    view.setUint32(at + 24, region.length, true);
    view.setUint32(at + 28, 1, true);
  }
  view.setUint32(4, crc32c(bytes, 4), true);
  return bytes;
}

/** The metadata of a new image, as they are in their region. */
export function newMetadata({ blockSize, size, logicalSector }: Metadata, fixed: boolean): Uint8Array {
  const bytes = new Uint8Array(metadataTableLength + 64);
  const view = viewOf(bytes);
  bytes.set(Buffer.from('metadata', 'latin1'));
  view.setUint16(10, itemNames.length, true);
  let offset = metadataTableLength;
  const places = {} as Record<keyof typeof items, number>;
  for (const [index, name] of itemNames.entries()) {
    const at = 32 + index * 32;
    const { guid, length, flags } = items[name];
    bytes.set(guidBytes(guid), at);
    view.setUint32(at + 16, offset, true);
    view.setUint32(at + 20, length, true);
    view.setUint32(at + 24, flags, true);
    places[name] = offset;
    offset += length;
  }
  view.setUint32(places.fileParameters, blockSize, true);
  view.setUint32(places.fileParameters + 4, fixed ? 1 : 0, true);
  setUint64Le(view, places.diskSize, size);
  bytes.set(newGuid(), places.page83);
  view.setUint32(places.logicalSector, logicalSector, true);
  view.setUint32(places.physicalSector, logicalSector, true);
  return bytes;
}
