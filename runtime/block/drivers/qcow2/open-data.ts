import type { BackingFile, Child, OpenContext } from '../../driver.js';
import { BlockError } from '../../error.js';
import { beside } from '../shared/beside.js';
import { hasDataFile, type Qcow2Header } from './format/header.js';
import type { Image } from './space/image.js';

/**
 * Opens what the disk's data is in: the image's own file, or its data file, which is what the options say, or else what the header
 * names. It is not needed, nor opened, where no guest data is used.
 *
 * @throws BlockError when it cannot be opened, or options are given for one that the image does not have
 */
export async function openData(context: OpenContext, header: Qcow2Header): Promise<Child> {
  const { file, options, noIo } = context;
  const given = options.has('data-file') || options.hasUnder('data-file');
  if (!hasDataFile(header)) {
    if (given) throw wrong("'data-file' can only be set for images with an external data file");
    return file;
  }
  if (noIo) {
    options.take('data-file');
    options.takeUnder('data-file');
    return file;
  }
  if (given) return context.openChild('data-file', 'protocol');
  if (header.dataFile === undefined || header.dataFile === '') throw wrong("'data-file' is required for this image");
  return context.openChild('data-file', 'protocol', dataFileName(file.node.filename, header.dataFile));
}

/** Where a data file is: relative to the image, unless its name has a prefix. @throws BlockError (EINVAL) */
export function dataFileName(image: string, name: string): string {
  return /^[^:/]+:/.test(name) ? name : beside(image, name, 'data file');
}

/** What a raw data file has not written reads as zeroes, and not as what is behind. @throws BlockError (EINVAL) */
export function refuseBehindRaw({ rawData }: Image, backing: BackingFile | undefined): void {
  if (rawData && backing !== undefined) throw wrong('Backing file and data-file-raw cannot be used at the same time');
}

function wrong(message: string): BlockError {
  return new BlockError(message, { code: 'EINVAL' });
}
