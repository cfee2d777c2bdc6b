import { BlockdevQcow2EncryptionFormat } from '../../../../generated/index.js';
import type { OpenContext } from '../../driver.js';
import { BlockError, invalid } from '../../error.js';
import { placeAt } from '../shared/luks/place.js';
import { type LuksVolume, openVolume } from '../shared/luks/volume.js';
import { Encryption, type Qcow2Header } from './format/header.js';

/** The option with the id of the secret that has the passphrase. */
export const secretOption = 'encrypt.key-secret';

/** As messages and options have it. */
const formatNames = { [Encryption.aes]: 'aes', [Encryption.luks]: 'luks' } as const;

/**
 * Opens what an image's data is encrypted with. Options: `encrypt.format`, which must be what the header says, and
 * `encrypt.key-secret`, the id of a secret with a passphrase.
 *
 * @returns nothing for an image that is not encrypted
 * @throws BlockError when the options do not suit the image, the passphrase is wrong, or the image has the old encryption
 */
export async function openEncryption(context: OpenContext, header: Qcow2Header): Promise<LuksVolume | undefined> {
  const { file, options, host, noIo } = context;
  const wanted = options.takeEnum('encrypt.format', BlockdevQcow2EncryptionFormat);
  const keySecret = options.takeString(secretOption);
  if (header.encryption === Encryption.none) {
    if (wanted !== undefined) throw invalid(`No encryption in image header, but options specified format '${wanted}'`);
    if (keySecret !== undefined)
      throw invalid(`'${secretOption}' is for images that are encrypted, and this one is not`);
    return undefined;
  }
  const format = formatNames[header.encryption];
  if (wanted !== undefined && wanted !== format) {
    throw invalid(`Header reported '${format}' encryption format but options specify '${wanted}'`);
  }
  if (header.encryption === Encryption.aes) {
    if (noIo) return undefined;
    throw new BlockError(
      "Images with AES encryption are not opened any more; convert the image with 'qemu-img convert', to encrypt.format=luks for instance",
      { code: 'ENOTSUP' },
    );
  }
  if (header.luks === undefined)
    throw invalid('The image is encrypted, but its header does not say where the LUKS header is');
  const { offset, length } = header.luks;
  return openVolume(placeAt(file, offset), length, { keySecret, option: secretOption, host, locked: noIo });
}
