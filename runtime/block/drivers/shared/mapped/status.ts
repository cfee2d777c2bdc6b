import type { BlockStatus } from '../../../driver.js';
import { Place } from './map-format.js';
import type { ReadableImage } from './readable-image.js';

/** The state of the first stretch from `offset` on, as the tables tell. */
export async function statusMapped(image: ReadableImage, offset: number, wanted: number): Promise<BlockStatus> {
  const { place, length } = await image.find(offset, wanted);
  if (place >= 0) return { length, allocated: true, data: true, zero: false, offset: place, file: image.file };
  switch (place) {
    case Place.none:
      return { length, allocated: false, data: false, zero: false };
    case Place.zero:
      return { length, allocated: true, data: false, zero: true };
    case Place.packed:
      return { length, allocated: true, data: true, zero: false };
    default:
      throw image.invalid(offset);
  }
}
