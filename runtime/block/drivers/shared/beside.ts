import { BlockError } from '../../error.js';

/**
 * The name of a file that an image consists of besides its own: relative to where the image is.
 *
 * @param what the file, for the message
 * @throws BlockError (EINVAL) when the image's name tells no place
 */
export function beside(image: string, name: string, what: string): string {
  if (name.startsWith('/')) return name;
  if (image === '' || image.startsWith('json:')) {
    throw new BlockError(`Cannot use the relative ${what} name '${name}': '${image}' has no directory`, {
      code: 'EINVAL',
    });
  }
  const prefix = /^[^:/]*:/.exec(image)?.[0] ?? '';
  const folder = image.slice(0, Math.max(image.lastIndexOf('/') + 1, prefix.length));
  return `${folder === '' ? './' : folder}${name}`;
}
