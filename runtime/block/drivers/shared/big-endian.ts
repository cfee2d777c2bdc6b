/*
 * Big-endian fields, which most image formats have. 64-bit ones are read as two halves: a value of 2^53 or more comes out
 * rounded, but never below 2^53, so that a check of an upper limit, which every reader must make, holds all the same.
 */

/** A view of a buffer, for its multi-byte fields. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The unsigned 64-bit field at `at`; exact below 2^53. */
export function getUint64(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}

/** Sets the 64-bit field at `at` to a safe integer. */
export function setUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 4, value % 2 ** 32);
}
