import { endProcess } from '../../runtime/block/drivers/file/native.js';
import { LONGEST_DELAY } from '../../runtime/qmp/deadline.js';
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

/**
 * Keeps the process from ending for want of something to wait for: of a server without sockets, a signal is all that ends it.
 *
 * @returns takes that back
 */
export function stayUntilEnded(): () => void {
  const timer = setInterval(() => {}, LONGEST_DELAY);
  return () => clearInterval(timer);
}

/** Milliseconds that a process whose work is done may take to end by itself. */
const timeToEnd = 2000;

/**
 * Ends a process whose work is done, also when a thread hangs in a file system that does not answer: for that one Node.js would wait.
 *
 * @param code its exit code; a signal gives it another one
 */
export function endSoon(code: number): void {
  for (const signal of interrupts) process.on(signal, () => endProcess(exitCodes.interrupted));
  setTimeout(() => endProcess(code), timeToEnd).unref();
}

/** Resolves when the signal is given. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
