/*
 * The directory of persistent bitmaps: a header extension points at it, and it is valid only while the header's autoclear bit says
 * that all who wrote the image since have kept the bitmaps up to date.
 */

import { largestSize, roundUp } from '../../../limits.js';
import { getUint64, viewOf } from '../../shared/big-endian.js';
import { AutoclearFeature, type Qcow2Header } from './header.js';

const extensionType = 0x2385_2875;
const extensionLength = 24;
const recordLength = 24;
const directoryLimit = 64 * 2 ** 20;

/** Where the directory is: offset and bytes. */
export interface BitmapDirectory {
  readonly offset: number;
  readonly length: number;
}

/** A bitmap of the directory. */
export interface BitmapRecord {
  readonly name: string;
  readonly tableOffset: number;
  readonly tableEntries: number;
}

/** The directory of an image. Nothing when it has no bitmaps, or none that are valid; `malformed` when that cannot be. */
export function bitmapDirectoryOf(header: Qcow2Header): BitmapDirectory | 'malformed' | undefined {
  const extension = header.extensions.find(({ type }) => type === extensionType);
  if (extension === undefined || (header.autoclear & AutoclearFeature.bitmaps) === 0n) return undefined;
  const view = viewOf(extension.data);
  if (extension.data.length !== extensionLength) return 'malformed';
  const [length, offset] = [getUint64(view, 8), getUint64(view, 16)];
  if (length > directoryLimit || offset > largestSize) return 'malformed';
  return view.getUint32(0) === 0 ? undefined : { offset, length };
}

/** The bitmaps of a directory, as far as the bytes that there are reach. */
export function* bitmapRecords(directory: Uint8Array): Generator<BitmapRecord> {
  const view = viewOf(directory);
  for (let at = 0; at + recordLength <= directory.length; ) {
    const nameLength = view.getUint16(at + 18);
    const nameAt = at + recordLength + view.getUint32(at + 20);
    const name = Buffer.from(directory.subarray(nameAt, nameAt + nameLength)).toString();
    yield { name, tableOffset: getUint64(view, at), tableEntries: view.getUint32(at + 8) };
    at = roundUp(nameAt + nameLength, 8);
  }
}
