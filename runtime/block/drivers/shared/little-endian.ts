/*
 * Little-endian 64-bit fields. As with big-endian ones, a value of 2^53 or more comes out rounded, but never below 2^53, so that a
 * check of an upper limit holds.
 */

/** The unsigned 64-bit field at `at`; exact below 2^53. */
export function getUint64Le(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

/** Sets the 64-bit field at `at` to a safe integer. */
export function setUint64Le(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}
