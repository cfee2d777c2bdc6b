import { exitCodes } from './subcommand.js';

const signals = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs work that is to end because of a signal; at another signal the process ends at once, whatever is left undone.
 */
export async function unlessForced<T>(work: () => Promise<T>): Promise<T> {
  const force = (): void => process.exit(exitCodes.interrupted);
  for (const signal of signals) process.on(signal, force);
  try {
    return await work();
  } finally {
    for (const signal of signals) process.off(signal, force);
  }
}

/** Resolves when the signal is given. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
