/** Time. Tests have one that they move themselves. */
export interface Clock {
  /** Nanoseconds since some moment; never goes back. */
  now(): number;
  /** Calls `callback` once, `ns` nanoseconds from now, unless cancelled before. */
  after(ns: number, callback: () => void): { cancel(): void };
}
