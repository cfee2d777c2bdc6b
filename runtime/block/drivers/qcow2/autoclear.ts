/*
 * Autoclear features are what an image holds only as long as every writer keeps it up to date. Persistent bitmaps are: they are
 * marked as in use before the first change; and a data file that is a raw image of the disk stays one. Whatever is not known here stays until the image is changed, and is not lost without a
 * word.
 */

import { markInUse } from './bitmaps/directory.js';
import { AutoclearFeature, autoclearField } from './format/header.js';
import type { Image } from './space/image.js';

/** Reports what the first change to an image that is being opened for writing makes invalid. */
export function warnOfAutoclear(image: Image): void {
  const atStake = describe(image);
  if (atStake === undefined) return;
  image.host.warn(
    `qcow2: Image '${nameOf(image)}' has ${atStake}, which this server does not keep up to date: ` +
      'they stay valid until the image is written for the first time; read-only=on keeps them',
  );
}

/**
 * To be called before an image is changed: bitmaps are in use from now on, and features that are not kept up to date do not hold
 * any more.
 *
 * @returns nothing when there is nothing to wait for
 */
export function beforeChange(image: Image): Promise<void> | undefined {
  if (image.header.autoclear === 0n || image.announced) return undefined;
  image.announcing ??= image.lock
    .run(() => announce(image))
    .finally(() => {
      image.announcing = undefined;
    });
  return image.announcing;
}

async function announce(image: Image): Promise<void> {
  image.alive();
  const { bitmaps, header } = image;
  // On the disk before anything else is.
  if (header.autoclear & ~keptFeatures(image)) await clear(image);
  await markInUse(image);
  image.announced = true;
  if (bitmaps.contents === undefined && bitmaps.inUse) {
    image.host.warn(
      `qcow2: Image '${nameOf(image)}' is being written: nothing keeps its persistent bitmaps up to date`,
    );
  }
}

async function clear(image: Image): Promise<void> {
  const { header, bitmaps, host } = image;
  const autoclear = header.autoclear & keptFeatures(image);
  const lost = describe(image) ?? 'autoclear features';
  await image.changeHeader({ ...header, autoclear }, autoclearField(autoclear));
  if (!(autoclear & AutoclearFeature.bitmaps)) {
    Object.assign(bitmaps, { directory: undefined, records: [], problem: undefined, inUse: false });
  }
  host.warn(`qcow2: Image '${nameOf(image)}' is being written: its ${lost} are not valid any more`);
}

/** The autoclear features of the image that are kept up to date. */
function keptFeatures({ external, bitmaps: { directory, problem } }: Image): bigint {
  const bitmaps = directory !== undefined && problem === undefined ? AutoclearFeature.bitmaps : 0n;
  return bitmaps | (external ? AutoclearFeature.rawData : 0n);
}

/** What is not kept up to date. */
function describe(image: Image): string | undefined {
  const { header, bitmaps, external } = image;
  const parts: string[] = [];
  if (bitmaps.problem !== undefined) parts.push(`persistent bitmaps that cannot be used (${bitmaps.problem})`);
  const others = header.autoclear & ~(AutoclearFeature.bitmaps | (external ? AutoclearFeature.rawData : 0n));
  const bits = Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (others >> BigInt(bit)) & 1n);
  if (bits.length > 0) {
    parts.push(`autoclear features that are not known here (${bits.map((bit) => `bit ${bit}`).join(', ')})`);
  }
  return parts.length === 0 ? undefined : parts.join(' and ');
}

/** The node itself has no file name while it is being opened. */
function nameOf({ file, node }: Image): string {
  return file.node.filename === '' ? node.name : file.node.filename;
}
