import type { BitmapSyncMode, MirrorSyncMode } from '../../../generated/index.js';
import type { DirtyBitmap } from '../bitmaps/bitmap.js';
import type { Bitmaps } from '../bitmaps/bitmaps.js';
import { blockErrorOf, invalid } from '../error.js';
import type { BlockNode } from '../graph/node.js';
import type { BackupBitmap } from '../jobs/backup.js';
import { copiesBitmap } from '../jobs/target.js';

interface BitmapArguments {
  readonly sync: MirrorSyncMode;
  readonly bitmap?: string;
  readonly 'bitmap-mode'?: BitmapSyncMode;
}

/** The bitmap that a backup asks for. @throws BlockError when it is missing, or does not go with the rest */
export function backupBitmap(
  bitmaps: Bitmaps,
  source: BlockNode,
  { sync, bitmap: name, 'bitmap-mode': given }: BitmapArguments,
): BackupBitmap | undefined {
  if (name === undefined) {
    if (copiesBitmap(sync)) throw invalid(`must provide a valid bitmap name for '${sync}' sync mode`);
    if (given !== undefined) throw invalid('Cannot specify bitmap sync mode without a bitmap');
    return undefined;
  }
  const mode = sync === 'incremental' ? (given ?? 'on-success') : given;
  if (sync === 'incremental' && mode !== 'on-success') {
    throw invalid("Bitmap sync mode must be 'on-success' when using sync mode 'incremental'");
  }
  const bitmap = named(bitmaps, source, name);
  if (mode === undefined) throw invalid('Bitmap sync mode must be given when providing a bitmap');
  bitmap.checkUse('read');
  if (sync === 'none') throw invalid("sync mode 'none' does not produce meaningful bitmap outputs");
  if (mode === 'never' && !copiesBitmap(sync)) {
    throw invalid(`Bitmap sync mode 'never' has no meaningful effect when combined with sync mode '${sync}'`);
  }
  return { bitmap, mode };
}

function named(bitmaps: Bitmaps, source: BlockNode, name: string): DirtyBitmap {
  try {
    return bitmaps.named(source, name);
  } catch (error) {
    throw blockErrorOf(error, `Bitmap '${name}' could not be found`);
  }
}
