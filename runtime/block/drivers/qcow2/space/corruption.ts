import { emitBlockImageCorrupted } from '../../../../../generated/block-core/events.js';
import { BlockError } from '../../../error.js';
import { IncompatibleFeature, incompatibleField } from '../format/header.js';
import type { Image } from './image.js';

/** Where impossible metadata were met. */
export interface CorruptPlace {
  readonly offset: number;
  readonly length: number;
}

/** Images of which a corruption that does no harm has been reported. */
const reported = new WeakSet<Image>();

/**
 * Impossible metadata were found. Emits the event and, when the image can be written, marks it and refuses all further
 * requests, lest more is destroyed.
 *
 * @returns what the request fails with
 */
export async function corrupted(image: Image, message: string, place?: CorruptPlace): Promise<BlockError> {
  const error = new BlockError(`qcow2: ${message}`, { code: 'EIO' });
  const fatal = !image.readOnly;
  if (image.dead || (!fatal && reported.has(image))) return error;
  reported.add(image);
  image.dead = fatal;
  const { node, host } = image;
  host.warn(`qcow2: Image '${node.name}' is corrupt: ${message}${fatal ? '; it is not used any more' : ''}`);
  emitBlockImageCorrupted(host.events, {
    device: node.deviceName,
    'node-name': node.name,
    msg: message,
    ...(place === undefined ? {} : { offset: place.offset, size: place.length }),
    fatal,
  });
  if (fatal) await mark(image);
  return error;
}

/** Sets the corrupt bit, if the image has one. The image is given up also when that fails. */
async function mark(image: Image): Promise<void> {
  const { header } = image;
  if (header.version < 3) return;
  const incompatible = header.incompatible | IncompatibleFeature.corrupt;
  try {
    await image.changeHeader({ ...header, incompatible }, incompatibleField(incompatible));
  } catch (error) {
    if (!(error instanceof BlockError)) throw error;
    image.host.warn(`qcow2: Image '${image.node.name}' could not be marked as corrupt: ${error.message}`);
  }
}
