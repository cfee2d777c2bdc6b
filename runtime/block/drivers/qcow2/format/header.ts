import type { BackingFile, Child } from '../../../driver.js';
import type { Errno } from '../../../errno.js';
import { BlockError } from '../../../error.js';
import { decodeFileName, encodeFileName } from '../../../file-name.js';
import { largestSize, roundUp } from '../../../limits.js';
import { getUint64, setUint64, viewOf } from '../../shared/big-endian.js';
import {
  featureKey,
  type HeaderExtension,
  type LuksPlace,
  parseExtensions,
  serialiseExtensions,
  untilNul,
} from './header-extensions.js';

/** Bits of {@link Qcow2Header.incompatible}. */
export const IncompatibleFeature = {
  /** The image was not closed: refcounts may be out of date. */
  dirty: 1,
  /** Metadata were found to be impossible: nothing may be written. */
  corrupt: 2,
  /** What is on the disk is in another file. */
  dataFile: 4,
  /** Clusters are compressed in another way than deflate. */
  compressionType: 8,
  /** L2 entries have 16 bytes, and tell of each 32nd part of a cluster whether it is there. */
  extendedL2: 16,
} as const;

/** How clusters are compressed: the byte after the fixed header. */
export const CompressionType = { deflate: 0, zstd: 1 } as const;

/** How the data is encrypted. */
export const Encryption = {
  none: 0,
  /** By AES with the passphrase as its key. */
  aes: 1,
  luks: 2,
} as const;

type EncryptionMethod = (typeof Encryption)[keyof typeof Encryption];

/** Features that say what state an image is in, and not how it is made. */
export const stateFeatures = IncompatibleFeature.dirty | IncompatibleFeature.corrupt;

const knownFeatures = BigInt(
  stateFeatures | IncompatibleFeature.dataFile | IncompatibleFeature.compressionType | IncompatibleFeature.extendedL2,
);

/** Bits of {@link Qcow2Header.compatible}. */
export const CompatibleFeature = { lazyRefcounts: 1n } as const;

/** Bits of {@link Qcow2Header.autoclear}. */
export const AutoclearFeature = {
  bitmaps: 1n,
  /** The data file alone is what is on the disk: a raw image of it. */
  rawData: 2n,
} as const;

/** What the first cluster of an image says. An immutable value: a change is a new one, `{ ...header, size }`. */
export interface Qcow2Header {
  readonly version: 2 | 3;
  readonly backing?: BackingFile;
  /** The name of the data file. */
  readonly dataFile?: string;
  /** 9 to 21. */
  readonly clusterBits: number;
  /** 2^clusterBits bytes. */
  readonly clusterSize: number;
  /** Bytes of the disk, as the field stands there: not necessarily a multiple of the sector. */
  readonly size: number;
  readonly encryption: EncryptionMethod;
  /** Where the LUKS header is, with {@link Encryption.luks}. */
  readonly luks?: LuksPlace;
  /** Entries of the active L1 table. */
  readonly l1Entries: number;
  readonly l1Offset: number;
  readonly refcountTableOffset: number;
  readonly refcountTableClusters: number;
  readonly snapshotCount: number;
  readonly snapshotTableOffset: number;
  /** {@link IncompatibleFeature}. Nothing else: unknown bits are refused. */
  readonly incompatible: number;
  /** {@link CompatibleFeature}, and bits that are not known. */
  readonly compatible: bigint;
  /** {@link AutoclearFeature}, and bits that are not known. A writer clears each bit that it does not know. */
  readonly autoclear: bigint;
  /** Refcounts are 2^refcountOrder bits wide: 0 to 6. */
  readonly refcountOrder: number;
  /** Header bytes beyond the fixed ones. The first is a {@link CompressionType}. */
  readonly unknownFields: Uint8Array;
  /** Extensions that are not known, bitmaps among them. */
  readonly extensions: readonly HeaderExtension[];
}

/** A few bytes of the header, to be written at once: what changes together becomes valid together. */
export interface HeaderPatch {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** `QFI` and 0xfb, the first four bytes. */
export const magic = 0x5146_49fb;

const headerLengths = { 2: 72, 3: 104 } as const;

/** Limits that the format does not have, but every reader must: they bound the memory that a malicious image can ask for. */
export const limits = {
  l1Bytes: 32 * 2 ** 20,
  refcountTableBytes: 8 * 2 ** 20,
  snapshots: 65536,
  backingNameBytes: 1023,
} as const;

/** The least bytes of an entry of the snapshot table. */
const snapshotRecordLength = 40;

/** The parts of a cluster that extended L2 entries tell of. */
export const subclusters = 32;

/** Parts are at least as large as a sector. */
export const leastExtendedCluster = subclusters * 512;

/** Bytes of an L2 entry. */
export function l2EntrySize({ incompatible }: Pick<Qcow2Header, 'incompatible'>): 8 | 16 {
  return incompatible & IncompatibleFeature.extendedL2 ? 16 : 8;
}

/** Whether what is on the disk is in another file. */
export function hasDataFile({ incompatible }: Pick<Qcow2Header, 'incompatible'>): boolean {
  return (incompatible & IncompatibleFeature.dataFile) !== 0;
}

/** L1 entries that a disk of this size needs: each maps as many clusters as an L2 table has entries. */
export function l1EntriesFor(size: number, header: Pick<Qcow2Header, 'clusterSize' | 'incompatible'>): number {
  const { clusterSize } = header;
  return Math.ceil(size / (clusterSize * (clusterSize / l2EntrySize(header))));
}

/**
 * Reads and checks the header. Nothing beyond the first cluster is read.
 *
 * @param purpose an image without refcounts cannot be used, but can be repaired
 * @throws BlockError ENOTSUP for versions and features that are not known, EFBIG for sizes above the limits, else EINVAL
 */
export async function readHeader(file: Child, purpose: 'use' | 'check' = 'use'): Promise<Qcow2Header> {
  const fixed = new Uint8Array(headerLengths[3]);
  await file.read(0, fixed);
  const view = viewOf(fixed);
  if (view.getUint32(0) !== magic) throw refused('Image is not in qcow2 format');
  const version = view.getUint32(4);
  if (version !== 2 && version !== 3) throw refused(`Unsupported qcow2 version ${version}`, 'ENOTSUP');
  const clusterBits = view.getUint32(20);
  if (clusterBits < 9 || clusterBits > 21) throw refused(`Unsupported cluster size: 2^${clusterBits}`);
  const cluster = new Uint8Array(2 ** clusterBits);
  await file.read(0, cluster);
  const header = parseHeader(cluster, version);
  checkTables(header, purpose);
  return header;
}

/**
 * The contents of the first cluster. Features are named as version 3 has it; names that the image had are not kept.
 *
 * @throws BlockError (ENOSPC) when it does not fit
 */
export function serialiseHeader(header: Qcow2Header): Uint8Array {
  const { version, backing, clusterSize } = header;
  const known = headerLengths[version];
  const length = version === 2 ? known : roundUp(known + header.unknownFields.length, 8);
  const extensions = serialiseExtensions(version, clusterSize, {
    backingFormat: backing?.format,
    dataFile: header.dataFile,
    luks: header.luks,
    unknown: header.extensions,
  });
  const name = encodeFileName(backing?.name ?? '');
  if (name.length > limits.backingNameBytes) {
    throw refused(
      `The backing file's name is ${name.length} bytes long, but must be at most ${limits.backingNameBytes}`,
    );
  }
  if (length + extensions.length + name.length > clusterSize) {
    throw refused(
      `The header does not fit in a cluster of ${clusterSize} bytes; a larger cluster_size has room`,
      'ENOSPC',
    );
  }
  const cluster = new Uint8Array(clusterSize);
  const view = viewOf(cluster);
  view.setUint32(0, magic);
  view.setUint32(4, version);
  setUint64(view, 8, name.length === 0 ? 0 : length + extensions.length);
  view.setUint32(16, name.length);
  view.setUint32(20, header.clusterBits);
  view.setUint32(32, header.encryption);
  for (const patch of [sizeField(header.size), l1Fields(header), refcountTableFields(header), snapshotFields(header)]) {
    cluster.set(patch.bytes, patch.offset);
  }
  if (version === 3) {
    cluster.set(incompatibleField(header.incompatible).bytes, 72);
    view.setBigUint64(80, header.compatible);
    view.setBigUint64(88, header.autoclear);
    view.setUint32(96, header.refcountOrder);
    view.setUint32(100, length);
    cluster.set(header.unknownFields, known);
  }
  cluster.set(extensions, length);
  cluster.set(name, length + extensions.length);
  return cluster;
}

/** The size of the disk. */
export function sizeField(size: number): HeaderPatch {
  const { patch, view } = newPatch(24, 8);
  setUint64(view, 0, size);
  return patch;
}

/** Where the active L1 table is. */
export function l1Fields({ l1Entries, l1Offset }: Pick<Qcow2Header, 'l1Entries' | 'l1Offset'>): HeaderPatch {
  const { patch, view } = newPatch(36, 12);
  view.setUint32(0, l1Entries);
  setUint64(view, 4, l1Offset);
  return patch;
}

/** Where the refcount table is. */
export function refcountTableFields({
  refcountTableOffset,
  refcountTableClusters,
}: Pick<Qcow2Header, 'refcountTableOffset' | 'refcountTableClusters'>): HeaderPatch {
  const { patch, view } = newPatch(48, 12);
  setUint64(view, 0, refcountTableOffset);
  view.setUint32(8, refcountTableClusters);
  return patch;
}

/** Where the snapshot table is. */
export function snapshotFields({
  snapshotCount,
  snapshotTableOffset,
}: Pick<Qcow2Header, 'snapshotCount' | 'snapshotTableOffset'>): HeaderPatch {
  const { patch, view } = newPatch(60, 12);
  view.setUint32(0, snapshotCount);
  setUint64(view, 4, snapshotTableOffset);
  return patch;
}

/** The incompatible features. Version 3 only. */
export function incompatibleField(incompatible: number): HeaderPatch {
  const { patch, view } = newPatch(72, 8);
  setUint64(view, 0, incompatible);
  return patch;
}

/** The autoclear features. Version 3 only. */
export function autoclearField(autoclear: bigint): HeaderPatch {
  const { patch, view } = newPatch(88, 8);
  view.setBigUint64(0, autoclear);
  return patch;
}

function newPatch(offset: number, length: number): { patch: HeaderPatch; view: DataView } {
  const bytes = new Uint8Array(length);
  return { patch: { offset, bytes }, view: viewOf(bytes) };
}

function parseHeader(cluster: Uint8Array, version: 2 | 3): Qcow2Header {
  const view = viewOf(cluster);
  const clusterSize = cluster.length;
  const known = headerLengths[version];
  const headerLength = version === 2 ? known : view.getUint32(100);
  if (headerLength < known)
    throw refused(`The qcow2 header is ${headerLength} bytes long, but must be at least ${known}`);
  if (headerLength > clusterSize) {
    throw refused(`The qcow2 header is ${headerLength} bytes long, but must fit in a cluster of ${clusterSize}`);
  }
  const nameOffset = getUint64(view, 8);
  if (nameOffset > clusterSize) throw refused(`Invalid offset of the backing file's name: ${shown(view, 8)}`);
  const { backingFormat, dataFile, luks, featureNames, unknown } = parseExtensions(
    cluster,
    headerLength,
    nameOffset === 0 ? clusterSize : nameOffset,
  );
  const incompatible = version === 2 ? 0n : view.getBigUint64(72);
  refuseUnknownFeatures(incompatible, featureNames);
  checkCompressionType(cluster.subarray(known, headerLength), Number(incompatible));
  if (Number(incompatible) & IncompatibleFeature.extendedL2 && clusterSize < leastExtendedCluster) {
    throw refused(`Extended L2 entries need clusters of at least ${leastExtendedCluster} bytes`);
  }
  const refcountOrder = version === 2 ? 4 : view.getUint32(96);
  if (refcountOrder > 6) throw refused(`Refcounts are 2^${refcountOrder} bits wide, but must be at most 64`);
  const method = view.getUint32(32);
  const encryption = Object.values(Encryption).find((known) => known === method);
  if (encryption === undefined) throw refused(`Unsupported encryption method ${method}`);
  if (luks !== undefined) checkLuks(luks, encryption, clusterSize);
  const nameLength = view.getUint32(16);
  const nameLimit = Math.min(limits.backingNameBytes, clusterSize - nameOffset);
  if (nameOffset !== 0 && nameLength > nameLimit) {
    throw refused(`The backing file's name is ${nameLength} bytes long, but must be at most ${nameLimit}`);
  }
  const name = nameOffset === 0 ? '' : decodeFileName(untilNul(cluster.subarray(nameOffset, nameOffset + nameLength)));
  return {
    version,
    ...(name === '' ? {} : { backing: { name, ...(backingFormat === undefined ? {} : { format: backingFormat }) } }),
    ...(dataFile === undefined ? {} : { dataFile }),
    ...(luks === undefined ? {} : { luks }),
    clusterBits: view.getUint32(20),
    clusterSize,
    size: field(view, 24, 'virtual size', 'EFBIG'),
    encryption,
    l1Entries: view.getUint32(36),
    l1Offset: field(view, 40, 'L1 table offset'),
    refcountTableOffset: field(view, 48, 'refcount table offset'),
    refcountTableClusters: view.getUint32(56),
    snapshotCount: view.getUint32(60),
    snapshotTableOffset: field(view, 64, 'snapshot table offset'),
    incompatible: Number(incompatible),
    compatible: version === 2 ? 0n : view.getBigUint64(80),
    autoclear: version === 2 ? 0n : view.getBigUint64(88),
    refcountOrder,
    unknownFields: cluster.slice(known, headerLength),
    extensions: unknown,
  };
}

function checkLuks({ offset, length }: LuksPlace, encryption: EncryptionMethod, clusterSize: number): void {
  if (encryption !== Encryption.luks) {
    throw refused('The header says where a LUKS header is, but not that the image is encrypted with LUKS');
  }
  checkPlace('LUKS header', offset, length, clusterSize);
}

/** Another type than deflate goes with an incompatible feature, and only with it. */
function checkCompressionType([type = 0]: Uint8Array, incompatible: number): void {
  const { deflate, zstd } = CompressionType;
  if ((type !== deflate) !== ((incompatible & IncompatibleFeature.compressionType) !== 0)) {
    throw refused(
      `The compression type is ${type}, but the incompatible feature bit that goes with it does not fit: the header is damaged`,
    );
  }
  if (type !== deflate && type !== zstd) throw refused(`Unsupported compression type ${type}`, 'ENOTSUP');
}

function refuseUnknownFeatures(incompatible: bigint, names: ReadonlyMap<string, string>): void {
  const unknown: string[] = [];
  for (let bit = 0; bit < 64; bit++) {
    if ((((incompatible & ~knownFeatures) >> BigInt(bit)) & 1n) === 0n) continue;
    unknown.push(names.get(featureKey(0, bit)) ?? `unknown incompatible feature: bit ${bit}`);
  }
  if (unknown.length > 0) throw refused(`Unsupported qcow2 feature(s): ${unknown.join(', ')}`, 'ENOTSUP');
}

/** Everything that is allocated by what the header says is within its limits, and everything that is computed is exact. */
function checkTables(header: Qcow2Header, purpose: 'use' | 'check'): void {
  const { clusterSize, refcountTableClusters, snapshotCount, l1Entries } = header;
  if (refcountTableClusters * clusterSize > limits.refcountTableBytes) {
    throw refused(`The refcount table has ${refcountTableClusters} clusters, which is too large`);
  }
  if (refcountTableClusters === 0 && purpose === 'use') throw refused('Image does not contain a refcount table');
  checkPlace('refcount table', header.refcountTableOffset, refcountTableClusters * clusterSize, clusterSize);
  if (snapshotCount > limits.snapshots) {
    throw refused(`Too many snapshots: ${snapshotCount}, but there may be at most ${limits.snapshots}`);
  }
  checkPlace('snapshot table', header.snapshotTableOffset, snapshotCount * snapshotRecordLength, clusterSize);
  if (l1Entries * 8 > limits.l1Bytes)
    throw refused(`The L1 table has ${l1Entries} entries, which is too large`, 'EFBIG');
  const needed = l1EntriesFor(header.size, header);
  if (l1Entries < needed) {
    throw refused(`The L1 table has ${l1Entries} entries, but a disk of ${header.size} bytes needs ${needed}`);
  }
  checkPlace('L1 table', header.l1Offset, l1Entries * 8, clusterSize);
}

function checkPlace(what: string, offset: number, length: number, clusterSize: number): void {
  if (offset % clusterSize === 0 && offset + length <= largestSize) return;
  throw refused(`Invalid ${what} offset: ${offset} is not the beginning of a cluster, or too large`);
}

function field(view: DataView, at: number, what: string, code: Errno = 'EINVAL'): number {
  const value = getUint64(view, at);
  if (value <= largestSize) return value;
  throw refused(`The ${what} is ${shown(view, at)}, which is too large`, code);
}

function shown(view: DataView, at: number): string {
  return view.getBigUint64(at).toString();
}

function refused(message: string, code: Errno = 'EINVAL'): BlockError {
  return new BlockError(message, { code });
}
