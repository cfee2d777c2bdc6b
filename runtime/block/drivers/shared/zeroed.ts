import type { Child } from '../../driver.js';

/** Bytes that are written at once where many zeroes are. */
const zeroChunk = 2 ** 20;

/**
 * Makes a stretch of a new image's file read as zeroes, which costs nothing where the file ends before it.
 *
 * @throws BlockError
 */
export async function zeroed(file: Child, offset: number, length: number): Promise<void> {
  if (length === 0) return;
  if (file.node.length <= offset) await file.truncate(offset + length);
  else await file.writeZeroes(offset, length);
}

/** Writes zeroes that take up space. @throws BlockError */
export async function writeOutZeroes(file: Child, offset: number, length: number): Promise<void> {
  const zeroes = new Uint8Array(Math.min(zeroChunk, length));
  for (let done = 0; done < length; done += zeroes.length) {
    await file.write(offset + done, zeroes.subarray(0, length - done));
  }
}
