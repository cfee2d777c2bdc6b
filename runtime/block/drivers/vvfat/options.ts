import { BlockError } from '../../error.js';
import type { BlockOptions } from '../../options.js';

/** Bits of an entry of the file allocation table. */
export type FatBits = 12 | 16 | 32;

/** What is made of a folder. */
export interface VolumeOptions {
  readonly folder: string;
  readonly bits: FatBits;
  readonly floppy: boolean;
  /** FAT12 was asked for: a floppy disk is then one of 1.44 MB. */
  readonly small: boolean;
  /** In 11 characters. */
  readonly label: Buffer;
}

const defaultLabel = 'QEMU VVFAT';
const labelLength = 11;

/** Makes a name such as `fat:32:floppy:DIR` options. */
export function parseFatName(filename: string, options: BlockOptions): void {
  const [, words = '', folder = ''] = /^fat:((?:(?:12|16|32|floppy|rw):)*)(.*)$/s.exec(filename) ?? [];
  if (folder === '') throw new BlockError(`'${filename}' names no folder: it is fat:[12:|16:|32:][floppy:]DIR`);
  for (const word of words.split(':').filter(Boolean)) {
    if (word === 'floppy' || word === 'rw') options.set(word, true);
    else options.set('fat-type', Number(word));
  }
  options.set('dir', folder);
}

/** @throws BlockError when an option makes no sense, or asks for what is not built in */
export function takeVolumeOptions(options: BlockOptions): VolumeOptions {
  const folder = options.takeString('dir');
  if (folder === undefined || folder === '') throw new BlockError("The option 'dir' is missing", { code: 'EINVAL' });
  const floppy = options.takeBoolean('floppy') ?? false;
  const asked = options.takeInteger('fat-type');
  const bits = asked ?? (floppy ? 12 : 16);
  if (bits !== 12 && bits !== 16 && bits !== 32) {
    throw new BlockError(`Option 'fat-type' is ${bits}, but must be 12, 16 or 32`, { code: 'EINVAL' });
  }
  if (floppy && bits !== 12) {
    throw new BlockError(`A floppy disk has too few clusters for FAT${bits}: guests would take it for FAT12`, {
      code: 'EINVAL',
    });
  }
  if (options.takeBoolean('rw') ?? false) {
    throw new BlockError(
      "Option 'rw' is not built in: a guest that stops halfway would leave the folder damaged. " +
        'Put a qcow2 image over it, and copy what it has from there',
      { code: 'ENOTSUP' },
    );
  }
  return { folder, bits, floppy, small: floppy && asked !== undefined, label: labelOf(options.takeString('label')) };
}

function labelOf(text = defaultLabel): Buffer {
  const label = Buffer.from(text, 'latin1');
  if (label.length > labelLength || !/^[\x20-\x7e]*$/.test(text)) {
    throw new BlockError(`Option 'label' is '${text}', but must be at most ${labelLength} characters of ASCII`, {
      code: 'EINVAL',
    });
  }
  return Buffer.concat([label, Buffer.alloc(labelLength - label.length, ' ')]);
}
