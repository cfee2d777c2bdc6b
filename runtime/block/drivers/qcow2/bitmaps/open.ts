import { roundUp } from '../../../limits.js';
import {
  type BitmapRecord,
  bitmapDirectoryOf,
  bitmapRecords,
  problemOf,
  serialiseRecords,
} from '../format/bitmap-directory.js';
import type { Image } from '../space/image.js';
import type { NamedRecord } from './state.js';

/** A bitmap with all bits set takes memory, though no space in the file. */
const memory = 256 * 2 ** 20;

/** Reads the directory of bitmaps. What is wrong with it is noted: it keeps no image from being opened. */
export async function readBitmaps(image: Image): Promise<void> {
  const { header, file, bitmaps } = image;
  const directory = bitmapDirectoryOf(header);
  if (directory === undefined) return;
  if (directory === 'malformed' || directory.offset % image.clusterSize !== 0) {
    bitmaps.problem = 'the directory is in an impossible place';
    return;
  }
  bitmaps.directory = directory;
  const fileLength = file.node.length;
  bitmaps.budget = fileLength + memory;
  if (directory.offset + directory.length > roundUp(fileLength, 512)) {
    bitmaps.problem = 'the directory is beyond the end of the file';
    return;
  }
  const bytes = new Uint8Array(directory.length);
  await file.read(directory.offset, bytes);
  const records = Array.from(bitmapRecords(bytes), named);
  bitmaps.records = records;
  bitmaps.problem = problemOfAll(image, records);
}

function named(record: BitmapRecord): NamedRecord {
  return { ...record, text: Buffer.from(record.name).toString() };
}

function problemOfAll({ header, file, bitmaps }: Image, records: readonly NamedRecord[]): string | undefined {
  const { directory } = bitmaps;
  const names = new Set<string>();
  let tables = 0;
  for (const record of records) {
    const problem = problemOf(record, header);
    if (problem !== undefined) return `'${record.text}' ${problem}`;
    if (names.has(record.text)) return `'${record.text}' is there twice`;
    if (Buffer.compare(Buffer.from(record.text), record.name) !== 0) return `'${record.text}' is no UTF-8`;
    names.add(record.text);
    tables += record.tableEntries * 8;
  }
  if (serialiseRecords(records).length !== directory?.length || records.length !== directory.count) {
    return 'the directory is not as long as it says';
  }
  // Tables do not overlap in a sound image; reading them would take for ever otherwise.
  return tables > file.node.length ? 'the tables overlap each other' : undefined;
}
