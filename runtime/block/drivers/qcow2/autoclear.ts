/*
 * Autoclear features are what others keep in an image that only holds as long as every writer keeps it up to date, persistent
 * bitmaps above all. They stay until the image is changed, and are not lost without a word.
 */

import { bitmapDirectoryOf, bitmapRecords } from './format/bitmap-directory.js';
import { AutoclearFeature, autoclearField } from './format/header.js';
import type { Image } from './space/image.js';

/** More names than this are counted only. */
const mostNames = 10;

/** Reports what the first change to an image that is being opened for writing makes invalid. */
export async function warnOfAutoclear(image: Image): Promise<void> {
  image.atStake = await describe(image);
  if (image.atStake === undefined) return;
  image.host.warn(
    `qcow2: Image '${nameOf(image)}' has ${image.atStake}, which this server does not keep up to date: ` +
      'they stay valid until the image is written for the first time; read-only=on keeps them',
  );
}

/**
 * To be called before an image is changed: features that are not kept up to date do not hold any more.
 *
 * @returns nothing when there is nothing to wait for
 */
export function beforeChange(image: Image): Promise<void> | undefined {
  if (image.header.autoclear === 0n) return undefined;
  image.clearing ??= clear(image).finally(() => {
    image.clearing = undefined;
  });
  return image.clearing;
}

function clear(image: Image): Promise<void> {
  return image.lock.run(async () => {
    image.alive();
    // On the disk before anything else is.
    await image.changeHeader({ ...image.header, autoclear: 0n }, autoclearField(0n));
    image.host.warn(
      `qcow2: Image '${nameOf(image)}' is being written: its ${image.atStake ?? 'autoclear features'} are not valid any more`,
    );
  });
}

/** What others keep in the image. */
async function describe({ header, file }: Image): Promise<string | undefined> {
  const parts: string[] = [];
  const directory = bitmapDirectoryOf(header);
  if (directory === 'malformed') parts.push('persistent bitmaps that cannot be read');
  else if (directory !== undefined) {
    const length = Math.max(0, Math.min(directory.length, file.node.length - directory.offset));
    const bytes = new Uint8Array(length);
    if (length > 0) await file.read(directory.offset, bytes);
    const names = Array.from(bitmapRecords(bytes), ({ name }) => `'${name}'`);
    const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : '';
    parts.push(`persistent bitmaps (${names.slice(0, mostNames).join(', ')}${more})`);
  }
  const others = header.autoclear & ~AutoclearFeature.bitmaps;
  const bits = Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (others >> BigInt(bit)) & 1n);
  if (bits.length > 0)
    parts.push(`autoclear features that are not known here (${bits.map((bit) => `bit ${bit}`).join(', ')})`);
  return parts.length === 0 ? undefined : parts.join(' and ');
}

/** The node itself has no file name while it is being opened. */
function nameOf({ file, node }: Image): string {
  return file.node.filename === '' ? node.name : file.node.filename;
}
