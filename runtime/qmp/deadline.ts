import { QmpTimeoutError } from './failure.js';

/** How long something may take. */
export interface WaitOptions {
  /** Stops waiting: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** In milliseconds. Default: for ever. */
  readonly timeout?: number | undefined;
}

/**
 * Calls `giveUp` when the signal is aborted, at once if it is already, or the time is over.
 *
 * @param what what did not happen in time, worded to stand before "within"
 * @returns ends the watch
 */
export function watch({ signal, timeout }: WaitOptions, what: string, giveUp: (error: unknown) => void): () => void {
  const expire = (): void => giveUp(new QmpTimeoutError(`${what} within ${timeout} ms`));
  const timer = timeout === undefined ? undefined : setTimeout(expire, timeout);
  const abort = (): void => {
    clearTimeout(timer);
    giveUp(signal?.reason);
  };
  if (signal?.aborted) abort();
  else signal?.addEventListener('abort', abort);
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  };
}
