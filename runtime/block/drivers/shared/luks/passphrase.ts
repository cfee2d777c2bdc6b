import { isUtf8 } from 'node:buffer';
import type { BlockHost } from '../../../driver.js';
import { BlockError } from '../../../error.js';

/**
 * The passphrase that is in a secret.
 *
 * @param id the value of the option
 * @param option its name
 * @throws BlockError (EINVAL) when there is no such option or secret, or it is no text
 */
export async function passphraseOf(
  host: BlockHost,
  id: string | undefined,
  option = 'key-secret',
): Promise<Uint8Array> {
  if (id === undefined) {
    throw new BlockError(`Parameter '${option}' is required for cipher: the id of a secret that has the passphrase`, {
      code: 'EINVAL',
    });
  }
  const data = await host.secret(id);
  // QEMU takes a passphrase with a NUL for no text, too.
  if (!isUtf8(data) || data.includes(0)) {
    throw new BlockError(`Data from secret ${id} is not valid UTF-8`, { code: 'EINVAL' });
  }
  return data;
}
