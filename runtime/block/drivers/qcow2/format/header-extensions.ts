/*
 * Header extensions stand between the header and the name of the backing file: type, length, data padded to 8 bytes. Those
 * that are not known are kept as they are.
 */

import { BlockError } from '../../../error.js';
import { decodeFileName, encodeFileName } from '../../../file-name.js';
import { roundUp } from '../../../limits.js';
import { getUint64, setUint64, viewOf } from '../../shared/big-endian.js';

/** An extension that is kept without being understood. */
export interface HeaderExtension {
  readonly type: number;
  readonly data: Uint8Array;
}

/** What the extensions say. */
export interface HeaderExtensions {
  readonly backingFormat?: string;
  /** The name of the data file. */
  readonly dataFile?: string;
  readonly luks?: LuksPlace;
  /** The names that the image gives to features, by {@link featureKey}. */
  readonly featureNames: ReadonlyMap<string, string>;
  /** The others, in their order. */
  readonly unknown: readonly HeaderExtension[];
}

/** Where the header of a LUKS volume is in the file. */
export interface LuksPlace {
  readonly offset: number;
  readonly length: number;
}

/** Extensions of all versions, as the format numbers them. */
const extensionType = {
  end: 0,
  backingFormat: 0xe279_2aca,
  dataFile: 0x4441_5441,
  featureNames: 0x6803_f857,
  luks: 0x0537_be77,
} as const;

/** A format's name is shorter than this many bytes. */
const formatNameLimit = 16;

const featureRecordLength = 48;

/** The features that a writer names: class (0 incompatible, 1 compatible), bit, name. */
const namedFeatures = [
  [0, 0, 'dirty bit'],
  [0, 1, 'corrupt bit'],
  [0, 2, 'external data file'],
  [0, 3, 'compression type'],
  [0, 4, 'extended L2 entries'],
  [1, 0, 'lazy refcounts'],
  [2, 0, 'bitmaps'],
  [2, 1, 'raw external data'],
] as const;

/** The key of a feature in {@link HeaderExtensions.featureNames}. `kind`: 0 incompatible, 1 compatible, 2 autoclear. */
export function featureKey(kind: number, bit: number): string {
  return `${kind}.${bit}`;
}

/**
 * Reads the extensions.
 *
 * @param cluster the image's first cluster
 * @param start where they begin
 * @param end where they end at the latest
 * @throws BlockError when one is longer than the place that there is
 */
export function parseExtensions(cluster: Uint8Array, start: number, end: number): HeaderExtensions {
  const view = viewOf(cluster);
  const unknown: HeaderExtension[] = [];
  let backingFormat: string | undefined;
  let dataFile: string | undefined;
  let luks: LuksPlace | undefined;
  let featureNames: ReadonlyMap<string, string> = new Map();
  for (let at = start; at + 8 <= end; ) {
    const type = view.getUint32(at);
    const length = view.getUint32(at + 4);
    if (type === extensionType.end) break;
    at += 8;
    if (length > end - at) {
      throw invalid(`Header extension 0x${type.toString(16)} is ${length} bytes long, where ${end - at} are left`);
    }
    const data = cluster.slice(at, at + length);
    if (type === extensionType.backingFormat) backingFormat = formatName(data);
    else if (type === extensionType.dataFile) dataFile = decodeFileName(untilNul(data));
    else if (type === extensionType.featureNames) featureNames = parseFeatureNames(data);
    else if (type === extensionType.luks) luks = parseLuksPlace(data);
    else unknown.push({ type, data });
    at += roundUp(length, 8);
  }
  return {
    featureNames,
    unknown,
    ...(backingFormat === undefined ? {} : { backingFormat }),
    ...(dataFile === undefined ? {} : { dataFile }),
    ...(luks === undefined ? {} : { luks }),
  };
}

/** The names of the features take too much of a smaller cluster, in which the name of a backing file is to fit. */
const leastClusterForNames = 4096;

/** The bytes of the extensions of a header, with the end mark. The names of the features come with version 3 only. */
export function serialiseExtensions(
  version: 2 | 3,
  clusterSize: number,
  said: {
    readonly backingFormat: string | undefined;
    readonly dataFile: string | undefined;
    readonly luks: LuksPlace | undefined;
    readonly unknown: readonly HeaderExtension[];
  },
): Uint8Array {
  const { backingFormat, dataFile, luks, unknown } = said;
  const extensions: HeaderExtension[] = [];
  if (backingFormat !== undefined) {
    extensions.push({ type: extensionType.backingFormat, data: encodeFormatName(backingFormat) });
  }
  if (dataFile !== undefined) extensions.push({ type: extensionType.dataFile, data: encodeFileName(dataFile) });
  if (luks !== undefined) extensions.push({ type: extensionType.luks, data: encodeLuksPlace(luks) });
  if (version === 3 && clusterSize >= leastClusterForNames)
    extensions.push({ type: extensionType.featureNames, data: encodeFeatureNames() });
  extensions.push(...unknown, { type: extensionType.end, data: new Uint8Array(0) });
  const length = extensions.reduce((sum, { data }) => sum + 8 + roundUp(data.length, 8), 0);
  const bytes = new Uint8Array(length);
  const view = viewOf(bytes);
  let at = 0;
  for (const { type, data } of extensions) {
    view.setUint32(at, type);
    view.setUint32(at + 4, data.length);
    bytes.set(data, at + 8);
    at += 8 + roundUp(data.length, 8);
  }
  return bytes;
}

/** Two numbers of 64 bits: offset and length. */
const luksPlaceLength = 16;

function parseLuksPlace(data: Uint8Array): LuksPlace {
  if (data.length !== luksPlaceLength) {
    throw invalid(`The header extension for LUKS is ${data.length} bytes long, but must be ${luksPlaceLength}`);
  }
  const view = viewOf(data);
  return { offset: getUint64(view, 0), length: getUint64(view, 8) };
}

function encodeLuksPlace({ offset, length }: LuksPlace): Uint8Array {
  const data = new Uint8Array(luksPlaceLength);
  setUint64(viewOf(data), 0, offset);
  setUint64(viewOf(data), 8, length);
  return data;
}

function formatName(data: Uint8Array): string {
  if (data.length < formatNameLimit) return textOf(data);
  throw invalid(`The name of the backing format is ${data.length} bytes long, but must be under ${formatNameLimit}`);
}

function encodeFormatName(name: string): Uint8Array {
  const data = Buffer.from(name);
  if (data.length < formatNameLimit) return data;
  throw invalid(
    `The backing format '${name}' has a name of ${data.length} bytes, but it must be under ${formatNameLimit}`,
  );
}

function parseFeatureNames(data: Uint8Array): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (let at = 0; at + featureRecordLength <= data.length; at += featureRecordLength) {
    names.set(featureKey(data[at] ?? 0, data[at + 1] ?? 0), textOf(data.subarray(at + 2, at + featureRecordLength)));
  }
  return names;
}

function encodeFeatureNames(): Uint8Array {
  const data = new Uint8Array(namedFeatures.length * featureRecordLength);
  for (const [index, [kind, bit, name]] of namedFeatures.entries()) {
    data.set([kind, bit], index * featureRecordLength);
    data.set(Buffer.from(name), index * featureRecordLength + 2);
  }
  return data;
}

/** A text as C sees it: up to the first zero. */
export function textOf(data: Uint8Array): string {
  return Buffer.from(untilNul(data)).toString();
}

/** The bytes before the first zero; all when there is none. */
export function untilNul(data: Uint8Array): Uint8Array {
  const end = data.indexOf(0);
  return end < 0 ? data : data.subarray(0, end);
}

function invalid(message: string): BlockError {
  return new BlockError(message, { code: 'EINVAL' });
}
