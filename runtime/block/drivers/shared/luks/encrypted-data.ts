import type { Child } from '../../../driver.js';
import { sectorSize } from '../../../limits.js';
import type { SectorCipher } from './sector-transform.js';

/** Bytes that are encrypted or decrypted before other requests get their turn. */
const pieceLength = 1 << 20;

/**
 * Reads whole sectors.
 *
 * @param start where in the file the sector with the number 0 is
 * @param offset from there, in bytes
 */
export async function readEncrypted(
  file: Child,
  { decrypt }: SectorCipher,
  start: number,
  offset: number,
  buffer: Uint8Array,
): Promise<void> {
  for (let at = 0; at < buffer.length; at += pieceLength) {
    const piece = buffer.subarray(at, at + pieceLength);
    await file.read(start + offset + at, piece);
    decrypt((offset + at) / sectorSize, piece, piece);
  }
}

/** Writes whole sectors, as {@link readEncrypted} reads them. The data itself stays as it is. */
export async function writeEncrypted(
  file: Child,
  { encrypt }: SectorCipher,
  start: number,
  offset: number,
  data: Uint8Array,
  flags = 0,
): Promise<void> {
  const encrypted = Buffer.allocUnsafe(Math.min(data.length, pieceLength));
  for (let at = 0; at < data.length; at += pieceLength) {
    const piece = data.subarray(at, at + pieceLength);
    const target = encrypted.subarray(0, piece.length);
    encrypt((offset + at) / sectorSize, piece, target);
    await file.write(start + offset + at, target, flags);
  }
}
