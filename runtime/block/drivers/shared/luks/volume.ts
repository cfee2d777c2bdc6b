import type { BlockHost } from '../../../driver.js';
import { BlockError } from '../../../error.js';
import { headerLength, type LuksHeader, readHeader } from './header.js';
import { unlock } from './key-slots.js';
import { passphraseOf } from './passphrase.js';
import type { HeaderPlace } from './place.js';
import { sectorCipher } from './sector-cipher.js';
import type { SectorCipher } from './sector-transform.js';

/** An open volume. */
export interface LuksVolume {
  readonly place: HeaderPlace;
  /** As it stands in its place by now. */
  header: LuksHeader;
  /** The id of the secret that the volume was opened with. */
  readonly keySecret: string | undefined;
  /** Absent: it was opened for its header only. */
  readonly cipher: SectorCipher | undefined;
}

/** How a volume is to be opened. */
export interface Opening {
  readonly host: BlockHost;
  /** The id of the secret with a passphrase. */
  readonly keySecret: string | undefined;
  /** The name of the option that it comes from. */
  readonly option: string;
  /** For its header only: no key is needed. */
  readonly locked: boolean;
}

/**
 * Opens a volume.
 *
 * @param length bytes of the place
 * @throws BlockError when the header is damaged, or the secret has not the passphrase
 */
export async function openVolume(
  place: HeaderPlace,
  length: number,
  { host, keySecret, option, locked }: Opening,
): Promise<LuksVolume> {
  const bytes = new Uint8Array(headerLength);
  await place.read(0, bytes);
  const header = readHeader(bytes, length);
  if (locked) return { place, header, keySecret, cipher: undefined };
  const key = await unlock(place, header, await passphraseOf(host, keySecret, option));
  try {
    return { place, header, keySecret, cipher: sectorCipher(header.cipher, key) };
  } finally {
    key.fill(0);
  }
}

/** @throws BlockError (EPERM) when the volume was opened for its header only */
export function cipherOf({ cipher }: LuksVolume): SectorCipher {
  if (cipher !== undefined) return cipher;
  throw new BlockError('The LUKS volume was opened without its key, for its header only', { code: 'EPERM' });
}
