import { readEncrypted, writeEncrypted } from '../../shared/luks/encrypted-data.js';
import { cipherOf } from '../../shared/luks/volume.js';
import type { HostOffset } from '../format/units.js';
import type { Image } from '../space/image.js';
import { checkOverlap, mustAskFile, overlapError, overlaps } from '../space/overlap.js';

/** Reads host clusters that are the disk's. Where they are encrypted, sectors count from the beginning of the file. */
export function readData({ file, data, volume }: Image, host: HostOffset, buffer: Uint8Array): Promise<void> {
  file.debug('read_aio');
  return volume === undefined ? data.read(host, buffer) : decrypted(data, volume, host, buffer);
}

/** Writes to host clusters that are the disk's. */
export async function writeData(image: Image, host: HostOffset, data: Uint8Array): Promise<void> {
  if (!image.external) {
    const met = overlaps(image, 0, host, data.length);
    if (met !== 0) throw await overlapError(image, met, host, data.length);
    if (mustAskFile(image)) await checkOverlap(image, 0, host, data.length);
  }
  image.file.debug('write_aio');
  const { volume } = image;
  if (volume === undefined) await image.data.write(host, data);
  else await writeEncrypted(image.data, cipherOf(volume), 0, host, data);
}

async function decrypted(
  data: Image['data'],
  volume: NonNullable<Image['volume']>,
  host: HostOffset,
  buffer: Uint8Array,
): Promise<void> {
  await readEncrypted(data, cipherOf(volume), 0, host, buffer);
}
