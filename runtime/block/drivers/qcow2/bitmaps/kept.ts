import type { BitmapContents, KeptBitmap, PersistentBitmaps } from '../../../abilities.js';
import { BlockError, invalid } from '../../../error.js';
import { beforeChange } from '../autoclear.js';
import { BitmapFlag, bitmapBytes, bitmapLimits, recordBytes } from '../format/bitmap-directory.js';
import type { Image } from '../space/image.js';
import { readBitmap } from './read.js';
import type { NamedRecord } from './state.js';
import { removeBitmap } from './store.js';

/** The bitmaps of an image, as the layer deals with them. */
export function persistentBitmaps(image: Image): PersistentBitmaps {
  const { bitmaps } = image;
  return {
    get kept(): readonly KeptBitmap[] {
      return bitmaps.problem === undefined ? bitmaps.records.map(keptBitmap) : [];
    },
    load: (name, dirty) => load(image, name, dirty),
    keepFrom(contents: () => Iterable<BitmapContents>): void {
      bitmaps.contents = contents;
    },
    async beforeChange(): Promise<void> {
      if (image.claimed) await beforeChange(image);
    },
    checkRoom: (name, granularity) => checkRoom(image, name, granularity),
    remove: (name) => removeBitmap(image, name),
  };
}

function keptBitmap({ text, granularityBits, flags }: NamedRecord): KeptBitmap {
  const inconsistent = (flags & BitmapFlag.inUse) !== 0;
  return {
    name: text,
    granularity: 2 ** granularityBits,
    recording: !inconsistent && (flags & BitmapFlag.auto) !== 0,
    inconsistent,
  };
}

async function load(image: Image, name: string, dirty: (offset: number, length: number) => void): Promise<boolean> {
  const { bitmaps, host, file } = image;
  const record = bitmaps.records.find(({ text }) => text === name);
  if (record === undefined) return false;
  try {
    await readBitmap(image, record, dirty);
    return true;
  } catch (error) {
    if (!(error instanceof BlockError)) throw error;
    host.warn(`qcow2: Image '${file.node.filename}': ${error.message}; it can only be removed`);
    return false;
  }
}

function checkRoom({ header, bitmaps }: Image, name: string, granularity: number): void {
  const { nameBytes, leastGranularityBits, mostGranularityBits, bytes, directoryBytes } = bitmapLimits;
  if (header.version < 3) throw invalid('Cannot store dirty bitmaps in qcow2 v2 files');
  const nameLength = Buffer.byteLength(name);
  if (nameLength > nameBytes) throw invalid(`Bitmap name too long: it may have ${nameBytes} bytes`);
  const granularityBits = Math.log2(granularity);
  if (granularityBits > mostGranularityBits) {
    throw invalid(`Granularity exceeds maximum (${2 ** mostGranularityBits} bytes)`);
  }
  if (granularityBits < leastGranularityBits) {
    throw invalid(`Granularity is under minimum (${2 ** leastGranularityBits} bytes)`);
  }
  if (bitmapBytes(header.size, granularityBits) > bytes) {
    throw invalid('Too much space will be occupied by the bitmap. Use larger granularity');
  }
  const others = Array.from(bitmaps.contents?.() ?? []);
  if (others.length >= bitmapLimits.bitmaps) throw invalid('Maximum number of persistent bitmaps is already reached');
  const directory = others.reduce((sum, other) => sum + recordBytes(Buffer.byteLength(other.name)), 0);
  if (directory + recordBytes(nameLength) > directoryBytes) throw invalid('Not enough space in the bitmap directory');
}
