import { BlockError } from '../../error.js';
import { sectorSize } from '../../limits.js';

/** Bytes of a descriptor's text that are read. */
export const longestDescriptor = 2 ** 20;
/** Files that an image may consist of. */
const mostExtents = 4096;
/** What stands for no parent. */
export const noParent = 0xffff_ffff;

/** A part of the disk, as the descriptor has it. */
export interface ExtentLine {
  /** Bytes of the disk. */
  readonly length: number;
  readonly type: 'FLAT' | 'SPARSE' | 'VMFS' | 'VMFSSPARSE';
  /** The file's name, seen from the descriptor. */
  readonly name: string;
  /** Where the data begins in a file without a header, in bytes. */
  readonly offset: number;
}

/** What the text that describes an image says. */
export interface Descriptor {
  readonly createType: string;
  /** Changes with the contents. */
  readonly cid: number;
  readonly parentCid: number;
  readonly parentName: string | undefined;
}

/**
 * Whether a text is, or begins, a descriptor: comments, blank lines, and then the version.
 *
 * @param head the first bytes of a file, a character for each
 */
export function isDescriptor(head: string): boolean {
  return /^(?:#[^\n]*\n| +\r?\n)*version=[123]\r?\n/.test(head);
}

/** The text up to the first zero; names are kept byte by byte. */
export function descriptorText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(bytes.buffer, bytes.byteOffset, end < 0 ? bytes.length : end).toString('latin1');
}

/** Reads all but the extents. */
export function parseDescriptor(text: string): Descriptor {
  const hint = textOf(text, 'parentFileNameHint');
  const parentCid = idOf(text, 'parentCID') ?? noParent;
  return {
    createType: textOf(text, 'createType') ?? '',
    cid: idOf(text, 'CID') ?? noParent,
    parentCid,
    parentName: hint === undefined || hint === '' ? undefined : Buffer.from(hint, 'latin1').toString(),
  };
}

/**
 * The extents. Lines of extents that cannot be written, or of a kind that is not known, are left out.
 *
 * @throws BlockError (EINVAL) for a line that is malformed, (EFBIG) when there are too many
 */
export function parseExtents(text: string): ExtentLine[] {
  const extents: ExtentLine[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (!/^\s*RW\s/.test(line)) continue;
    const [, sectors = '', type = '', name = '', offset] =
      /^\s*RW\s+(\d{1,15})\s+(\S+)\s+"([^"]{1,511})"(?:\s+(\d{1,13}))?/.exec(line) ?? [];
    const known = extentType(type);
    if (name === '' || (type === 'FLAT' && offset === undefined)) {
      throw new BlockError(`Invalid extent line: ${line.slice(0, 200)}`, { code: 'EINVAL' });
    }
    if (known === undefined || Number(sectors) === 0) continue;
    if (extents.length === mostExtents) {
      throw new BlockError(`The VMDK image has more than ${mostExtents} extents`, { code: 'EFBIG' });
    }
    extents.push({
      length: Number(sectors) * sectorSize,
      type: known,
      name: Buffer.from(name, 'latin1').toString(),
      offset: Number(offset ?? 0) * sectorSize,
    });
  }
  return extents;
}

/** The text with another content id. Nothing when it has none. */
export function withCid(text: string, cid: number): string | undefined {
  const found = /^CID=[0-9a-fA-F]{1,8}/m.exec(text);
  if (found === null) return undefined;
  return `${text.slice(0, found.index)}CID=${hex(cid)}${text.slice(found.index + found[0].length)}`;
}

/** What a new descriptor says. */
export interface NewDescriptor {
  readonly createType: string;
  readonly cid: number;
  readonly parentCid: number;
  readonly parentName?: string;
  readonly extents: readonly ExtentLine[];
  readonly adapterType: string;
  readonly hwVersion: string;
  readonly toolsVersion: string;
}

/** A descriptor as it is in the file. No extent line follows an empty line: QEMU would count it twice. */
export function printDescriptor(image: NewDescriptor): string {
  const heads = image.adapterType === 'ide' ? 16 : 255;
  const length = image.extents.reduce((sum, extent) => sum + extent.length, 0);
  const lines = [
    '# Disk DescriptorFile',
    'version=1',
    `CID=${hex(image.cid)}`,
    `parentCID=${hex(image.parentCid)}`,
    `createType="${image.createType}"`,
    ...(image.parentName === undefined ? [] : [`parentFileNameHint="${image.parentName}"`]),
    '',
    '# Extent description',
    ...image.extents.map(
      ({ length: bytes, type, name, offset }) =>
        `RW ${bytes / sectorSize} ${type} "${name}"${type === 'FLAT' ? ` ${offset / sectorSize}` : ''}`,
    ),
    '',
    '# The Disk Data Base',
    '#DDB',
    '',
    `ddb.virtualHWVersion = "${image.hwVersion}"`,
    `ddb.geometry.cylinders = "${Math.floor(length / (63 * heads * sectorSize))}"`,
    `ddb.geometry.heads = "${heads}"`,
    'ddb.geometry.sectors = "63"',
    `ddb.adapterType = "${image.adapterType}"`,
    `ddb.toolsVersion = "${image.toolsVersion}"`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Whether a file name can stand in a descriptor. */
export function isPrintable(name: string): boolean {
  return !Array.from(name).some((character) => character < ' ' || character === '"');
}

function extentType(type: string): ExtentLine['type'] | undefined {
  return (['FLAT', 'SPARSE', 'VMFS', 'VMFSSPARSE'] as const).find((known) => known === type);
}

function textOf(text: string, key: string): string | undefined {
  return new RegExp(`^${key}\\s*=\\s*"([^"\\r\\n]{0,1023})"`, 'm').exec(text)?.[1];
}

function idOf(text: string, key: string): number | undefined {
  const digits = new RegExp(`^${key}=([0-9a-fA-F]{1,8})`, 'm').exec(text)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
