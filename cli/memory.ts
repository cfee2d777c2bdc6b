import { setFlagsFromString } from 'node:v8';
import type { FileHost } from '../generator/syntax/host.js';

/** So many bytes of schema are large: four times what a release of QEMU has. */
const large = 8 * 2 ** 20;

/**
 * A host that makes this process prefer memory to time when it has read a large schema. On a machine with much memory, V8 lets garbage
 * grow to three times what is in use; then it is half as much, which costs a fifth of the time.
 */
export function sparing({ read, resolve }: FileHost): FileHost {
  let total = 0;
  return {
    async read(path) {
      const bytes = await read(path);
      total += bytes.length;
      if (total > large) setFlagsFromString('--heap-growing-percent=50');
      return bytes;
    },
    resolve,
  };
}
