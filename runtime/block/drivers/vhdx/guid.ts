import { randomBytes } from 'node:crypto';

/** Bytes of an id. */
export const guidLength = 16;

/** An id as it is in a file, from its usual text: the first three groups are little-endian. */
export function guidBytes(text: string): Uint8Array {
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

/** The text of an id in a file. */
export function guidText(bytes: Uint8Array): string {
  const hex = guidOrder.map((at) => (bytes[at] ?? 0).toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

const guidOrder = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/** What stands for no id. */
export const noGuid = new Uint8Array(guidLength);

/** A new id. */
export function newGuid(): Uint8Array {
  return randomBytes(guidLength);
}
