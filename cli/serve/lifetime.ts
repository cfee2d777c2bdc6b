import { endProcess } from '../../runtime/block/drivers/file/native.js';
import { interrupts } from '../host.js';
import { exitCodes } from '../subcommand.js';

/**
 * Lets the process end at once, whatever is left undone, when it gets a signal after the first, which has been taken over.
 *
 * @param first aborted by the first signal
 * @returns takes that back
 */
export function endAtSecondSignal(first: AbortSignal): () => void {
  const end = (): void => endProcess(exitCodes.interrupted);
  const listen = (): void => {
    for (const signal of interrupts) process.on(signal, end);
  };
  first.addEventListener('abort', listen, { once: true });
  return () => {
    first.removeEventListener('abort', listen);
    for (const signal of interrupts) process.off(signal, end);
  };
}

/** Resolves when the signal is given. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
