import type { BlockDriver, Child, OpenContext } from '../driver.js';
import { BlockError } from '../error.js';
import { isPowerOfTwo, largestSize, roundDown, sectorSize } from '../limits.js';
import { viewOf } from './shared/big-endian.js';
import { getUint64Le } from './shared/little-endian.js';
import { Place } from './shared/mapped/map-format.js';
import { ReadOnlyInstance } from './shared/mapped/read-only-instance.js';
import type { ReadableImage, Run } from './shared/mapped/readable-image.js';
import { TableCache } from './shared/table-cache.js';

/** The versions of the format, and where the size of the disk is in the header. */
const sizeFields: { readonly [version: number]: number } = { 65536: 84, 131072: 88 };
const mostExtents = 2 ** 20;
const largestExtent = 8 * 1024 * 1024;
/** The entry of an extent that was never written. */
const noExtent = 0xffff_ffff;
/** Bitmaps that are kept: at most 2 KiB each. */
const keptBitmaps = 1024;

/** `bochs`: the growing disks of the Bochs emulator. Read-only. */
export const bochs: BlockDriver = {
  name: 'bochs',
  kind: 'format',
  changeable: [],
  probe: (head) => (isBochs(head) ? 100 : 0),
  async open({ file }: OpenContext) {
    const image = await openBochs(file);
    return new ReadOnlyInstance('bochs', image, { clusterSize: image.extentSize });
  },
};

function isBochs(head: Uint8Array): boolean {
  return (
    head.length >= 68 &&
    stringAt(head, 0, 32) === 'Bochs Virtual HD Image' &&
    stringAt(head, 32, 16) === 'Redolog' &&
    stringAt(head, 48, 16) === 'Growing' &&
    viewOf(head).getUint32(64, true) in sizeFields
  );
}

/** Text that a zero ends. */
function stringAt(head: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...head.subarray(offset, offset + length)).split('\0', 1)[0] ?? '';
}

async function openBochs(file: Child): Promise<BochsImage> {
  const header = new Uint8Array(sectorSize);
  await file.read(0, header);
  if (!isBochs(header)) throw wrong('it is not in format bochs');
  const view = viewOf(header);
  const headerLength = view.getUint32(68, true);
  const extents = view.getUint32(72, true);
  const bitmapSize = view.getUint32(76, true);
  const extentSize = view.getUint32(80, true);
  const size = getUint64Le(view, sizeFields[view.getUint32(64, true)] ?? 0);
  if (size > largestSize) throw new BlockError('bochs: The disk is too large', { code: 'EFBIG' });
  if (extentSize < sectorSize || extentSize > largestExtent || !isPowerOfTwo(extentSize)) {
    throw wrong(`extents of ${extentSize} bytes`);
  }
  if (extents > mostExtents) throw new BlockError('bochs: The catalog is too large', { code: 'EFBIG' });
  const length = roundDown(size, sectorSize);
  if (extents < Math.ceil(length / extentSize)) throw wrong('its catalog is too small for its disk');
  if (bitmapSize * 8 * sectorSize < extentSize) throw wrong(`bitmaps of ${bitmapSize} bytes are too small`);
  if (headerLength + extents * 4 > file.node.length) throw wrong('it has been truncated');
  const catalog = new Uint8Array(extents * 4);
  await file.read(headerLength, catalog);
  return new BochsImage(file, length, {
    extentSize,
    catalog: viewOf(catalog),
    dataFrom: headerLength + catalog.length,
    bitmapSectors: Math.ceil(bitmapSize / sectorSize),
  });
}

function wrong(what: string): BlockError {
  return new BlockError(`Invalid bochs image: ${what}`, { code: 'EINVAL' });
}

interface Layout {
  readonly extentSize: number;
  readonly catalog: DataView;
  /** Where the first extent is. */
  readonly dataFrom: number;
  /** What each extent has before its data: a bit for each sector that was written. */
  readonly bitmapSectors: number;
}

class BochsImage implements ReadableImage {
  readonly file: Child;
  readonly length: number;
  readonly extentSize: number;
  readonly #layout: Layout;
  readonly #bitmaps: TableCache;

  constructor(file: Child, length: number, layout: Layout) {
    this.file = file;
    this.length = length;
    this.extentSize = layout.extentSize;
    this.#layout = layout;
    const clusterSize = Math.ceil(layout.extentSize / sectorSize / 8);
    this.#bitmaps = new TableCache({ file, clusterSize, settled: () => undefined }, keptBitmaps);
  }

  find(offset: number, wanted: number): Run | Promise<Run> {
    const { extentSize, catalog, dataFrom, bitmapSectors } = this.#layout;
    const inside = offset % extentSize;
    const length = Math.min(wanted, extentSize - inside);
    const number = catalog.getUint32(Math.floor(offset / extentSize) * 4, true);
    if (number === noExtent) return { place: Place.none, length };
    const place = dataFrom + number * (bitmapSectors * sectorSize + extentSize);
    const data = place + bitmapSectors * sectorSize;
    if (data > this.file.node.length) return { place: Place.invalid, length };
    const known = this.#bitmaps.peek(place);
    if (known !== undefined) return runIn(known.bytes, data, inside, length);
    return this.#bitmaps.load(place).then(({ bytes }) => runIn(bytes, data, inside, length));
  }

  beneath(): undefined {}

  unpack(_run: Run, offset: number): Promise<void> {
    return Promise.reject(this.invalid(offset));
  }

  invalid(offset: number): BlockError {
    return new BlockError(`bochs: The image is damaged: the extent of offset ${offset} is beyond the end of the file`, {
      code: 'EIO',
    });
  }
}

/** The sectors from `inside` on that have the same bit. @param data where the extent's data begins */
function runIn(bitmap: Uint8Array, data: number, inside: number, wanted: number): Run {
  const first = inside / sectorSize;
  const written = isSet(bitmap, first);
  let next = first + 1;
  while ((next - first) * sectorSize < wanted && isSet(bitmap, next) === written) next++;
  const length = Math.min(wanted, (next - first) * sectorSize);
  return { place: written ? data + inside : Place.none, length };
}

/** The lowest bit comes first. */
function isSet(bitmap: Uint8Array, sector: number): boolean {
  return (((bitmap[sector >> 3] ?? 0) >> (sector & 7)) & 1) === 1;
}
