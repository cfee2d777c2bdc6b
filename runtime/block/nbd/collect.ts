import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/**
 * Collects what is not used any more. Buffers are outside of the heap that V8 watches: without work to do it may leave hundreds of MiB of them.
 * Takes some tens of milliseconds.
 */
export function collectGarbage(): void {
  if (collect === undefined) {
    // A context that is made while the flag is set has the function, and no other.
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
    setFlagsFromString('--no-expose-gc');
  }
  collect();
}
