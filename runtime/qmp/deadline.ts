import { QmpTimeoutError } from './failure.js';

/** How long something may take. */
export interface WaitOptions {
  /** Stops waiting: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** In milliseconds; more than a timer can count (24 days) is for ever. Default: for ever. */
  readonly timeout?: number | undefined;
}

/** The most milliseconds that a timer counts. Node.js takes more for one. */
export const LONGEST_DELAY = 2 ** 31 - 1;

/** Calls back after some milliseconds; never, when they are more than a timer can count. */
export function after(milliseconds: number, callBack: () => void): NodeJS.Timeout | undefined {
  return milliseconds > LONGEST_DELAY ? undefined : setTimeout(callBack, milliseconds);
}

/** Many waits may share a signal, which warns of more than ten listeners: it has one, as long as there are any. */
const waiting = new WeakMap<EventTarget, Set<() => void>>();

const fire = ({ target }: Event): void => {
  for (const callBack of waiting.get(target as AbortSignal) ?? []) callBack();
};

/**
 * Calls back when a signal is aborted, at once if it is already.
 *
 * @returns no longer waits for it
 */
export function onAbort(signal: AbortSignal | undefined, callBack: () => void): () => void {
  if (signal?.aborted) callBack();
  if (!signal || signal.aborted) return () => {};
  const callBacks = waiting.get(signal) ?? new Set();
  waiting.set(signal, callBacks.add(callBack));
  signal.addEventListener('abort', fire);
  return () => {
    callBacks.delete(callBack);
    if (callBacks.size === 0) signal.removeEventListener('abort', fire);
  };
}

/**
 * Calls `giveUp` when the signal is aborted, at once if it is already, or the time is over.
 *
 * @param what what did not happen in time, worded to stand before "within"
 * @returns ends the watch
 */
export function watch(
  { signal, timeout }: WaitOptions,
  what: () => string | Promise<string>,
  giveUp: (error: unknown) => void,
): () => void {
  const expire = async (): Promise<void> => giveUp(new QmpTimeoutError(`${await what()} within ${timeout} ms`));
  const timer = timeout === undefined ? undefined : after(timeout, expire);
  const ignore = onAbort(signal, () => {
    clearTimeout(timer);
    giveUp(signal?.reason);
  });
  return () => {
    clearTimeout(timer);
    ignore();
  };
}
