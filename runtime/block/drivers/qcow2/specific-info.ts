import type { ImageInfoSpecific, Qcow2BitmapInfo } from '../../../../generated/index.js';
import { infoOf } from '../shared/luks/info.js';
import { BitmapFlag } from './format/bitmap-directory.js';
import { CompatibleFeature, CompressionType, IncompatibleFeature } from './format/header.js';
import type { Image } from './space/image.js';

/** What queries show of a qcow2 image only. */
export function specificInfo(image: Image): ImageInfoSpecific {
  const { header, refcounts } = image;
  const bitmaps = bitmapInfos(image);
  const dataFile = {
    ...(header.dataFile === undefined ? {} : { 'data-file': header.dataFile }),
    'data-file-raw': image.rawData,
  };
  const version3 = {
    'lazy-refcounts': (header.compatible & CompatibleFeature.lazyRefcounts) !== 0n,
    corrupt: (header.incompatible & IncompatibleFeature.corrupt) !== 0,
    'extended-l2': (header.incompatible & IncompatibleFeature.extendedL2) !== 0,
  };
  return {
    type: 'qcow2',
    data: {
      compat: header.version === 2 ? '0.10' : '1.1',
      ...(header.version === 2 ? {} : version3),
      ...(image.external ? dataFile : {}),
      'refcount-bits': refcounts.bits,
      ...(image.volume === undefined ? {} : { encrypt: { format: 'luks', ...infoOf(image.volume.header) } }),
      'compression-type': header.unknownFields[0] === CompressionType.zstd ? 'zstd' : 'zlib',
      ...(bitmaps.length === 0 ? {} : { bitmaps }),
    },
  };
}

/** While the image can be written, its bitmaps count as in use, whether a mark says so already or only before the first change. */
function bitmapInfos({ bitmaps, claimed }: Image): Qcow2BitmapInfo[] {
  if (bitmaps.problem !== undefined) return [];
  return bitmaps.records.map(({ text, granularityBits, flags }) => ({
    name: text,
    granularity: 2 ** granularityBits,
    flags: [
      ...(claimed || flags & BitmapFlag.inUse ? (['in-use'] as const) : []),
      ...(flags & BitmapFlag.auto ? (['auto'] as const) : []),
    ],
  }));
}
