import { open } from 'node:fs/promises';
import { BlockError } from './error.js';

/**
 * Reads a file that people write, such as a secret or a list of rules: whole, but no more than it may have. A device that
 * never ends, such as `/dev/zero`, is refused like a file that is too large.
 *
 * @param most bytes that it may have
 * @returns bytes of which no copy is left behind
 * @throws BlockError (EFBIG) when it has more
 * @throws Error of the system when it cannot be read
 */
export async function readSmallFile(path: string, most: number): Promise<Buffer> {
  const handle = await open(path);
  // One byte more, to see that there is more. A pipe gives its data piece by piece.
  const buffer = Buffer.alloc(most + 1);
  try {
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
      length += bytesRead;
      if (length > most) throw new BlockError(`it has more than ${most} bytes`, { code: 'EFBIG' });
      if (bytesRead === 0) return Buffer.from(buffer.subarray(0, length));
    }
  } finally {
    buffer.fill(0);
    await handle.close();
  }
}
