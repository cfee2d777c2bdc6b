/**
 * Calls a listener of the user. What it throws is the user's to see, as an uncaught exception, and must not stop the library in the
 * middle of its work.
 */
export function tell<A extends unknown[]>(listener: ((...args: A) => void) | undefined, ...args: A): void {
  try {
    listener?.(...args);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
