import type { NodeFlags, Reopening } from '../../driver.js';
import { BlockError } from '../../error.js';
import { nothingToSwitch } from '../shared/reopening.js';
import { storeBitmaps } from './bitmaps/store.js';
import { IncompatibleFeature } from './format/header.js';
import { claim, refuseCorrupt } from './open.js';
import { finish } from './space/flush.js';
import type { Image } from './space/image.js';

/** Prepares a switch between read-only and read-write. @throws BlockError when the image cannot be written */
export async function prepareReopen(image: Image, { readOnly }: NodeFlags): Promise<Reopening> {
  if (readOnly) return releasing(image);
  if (image.claimed) return nothingToSwitch;
  const { header, node, host } = image;
  refuseCorrupt(header);
  if (header.incompatible & IncompatibleFeature.dirty) {
    throw new BlockError('The image was not closed; it must be opened read-write to be repaired', { code: 'EACCES' });
  }
  return {
    async commit() {
      try {
        claim(image);
      } catch (error) {
        if (!(error instanceof BlockError)) throw error;
        image.dead = true;
        host.warn(`qcow2: Image '${node.name}' could not be prepared for writing: ${error.message}`);
      }
    },
    async abort() {},
  };
}

/** Puts the image in order while it can be written. If it stays so after all, that was for nothing. */
async function releasing(image: Image): Promise<Reopening> {
  if (image.claimed && !image.dead) {
    await storeBitmaps(image);
    await finish(image);
  }
  return {
    async commit() {
      image.claimed = false;
    },
    async abort() {},
  };
}
