import type { Child } from '../../driver.js';

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
