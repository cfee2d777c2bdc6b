/*
 * Blocks that are compressed with Zstandard (RFC 8878): one frame each. Node.js has it from 22.15 on; before, a decompressor in
 * JavaScript takes its place, and nothing is compressed.
 */

import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { BlockError } from '../../error.js';

type Callback = (error: Error | null, data: Uint8Array) => void;

/** What Node.js has from 22.15 on. */
interface Zstandard {
  zstdCompress(data: Uint8Array, callback: Callback): void;
  zstdDecompress(data: Uint8Array, options: { readonly maxOutputLength: number }, callback: Callback): void;
}

const native: Partial<Zstandard> = zlib as unknown as Partial<Zstandard>;

/** Whether blocks can be compressed, too. */
export const compressesZstd = native.zstdCompress !== undefined;

const magic = 0xfd2f_b528;

/** Bytes of the largest window that every decompressor is to have, as the RFC recommends; it is allocated at once. */
const mostWindow = 8 * 2 ** 20;

/**
 * Decompresses a frame. What follows it is ignored: blocks are stored in sectors.
 *
 * @param format for messages
 * @param decompressor for tests: Node.js's, or the one in JavaScript
 * @throws BlockError (EIO) when it is not exactly one block
 */
export async function unzstdBlock(
  stored: Uint8Array,
  length: number,
  format: string,
  decompressor = native.zstdDecompress === undefined ? unpackHere : unpackNatively,
): Promise<Uint8Array> {
  try {
    const data = await decompressor(stored.subarray(0, frameLength(stored)), length);
    if (data.length === length) return data;
  } catch (error) {
    throw broken(format, error);
  }
  throw broken(format);
}

/** Compresses a block. @returns nothing when this Node.js cannot */
export async function zstdBlock(data: Uint8Array): Promise<Uint8Array | undefined> {
  const { zstdCompress } = native;
  if (zstdCompress === undefined) return undefined;
  return new Promise((resolve, reject) => {
    zstdCompress(data, (error, packed) => (error === null ? resolve(packed) : reject(error)));
  });
}

function unpackNatively(frame: Uint8Array, length: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    native.zstdDecompress?.(frame, { maxOutputLength: length }, (error, data) =>
      error === null ? resolve(data) : reject(error),
    );
  });
}

/** Decompresses in JavaScript. @throws what the decompressor does, or RangeError when it is more than `length` bytes */
export async function unpackHere(frame: Uint8Array, length: number): Promise<Uint8Array> {
  if (windowSize(frame) > mostWindow) throw new RangeError('the window is too large');
  const data = new Uint8Array(length);
  let done = 0;
  const unpacking = new Decompress((chunk) => {
    data.set(chunk, done);
    done += chunk.length;
  });
  unpacking.push(frame, true);
  return data.subarray(0, done);
}

/** Bytes of what a frame refers back to. */
function windowSize(frame: Uint8Array): number {
  const descriptor = frame[4] ?? 0;
  if ((descriptor >> 5) & 1) return 0;
  const byte = frame[5] ?? 0;
  return 2 ** (10 + (byte >> 3)) * (1 + (byte & 7) / 8);
}

/** Bytes of the frame at the beginning, from its header and those of its blocks. @throws RangeError when there is no whole one */
export function frameLength(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== magic) throw new RangeError('no frame');
  const descriptor = view.getUint8(4);
  const single = (descriptor >> 5) & 1;
  const sizeField = [single, 2, 4, 8][descriptor >> 6] ?? 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
  let at = 5 + (1 - single) + dictionary + sizeField;
  for (let last = false; !last; ) {
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    last = (header & 1) === 1;
    // A block of one byte that is repeated holds that byte only.
    at += 3 + (((header >> 1) & 3) === 1 ? 1 : header >>> 3);
  }
  at += (descriptor >> 2) & 1 ? 4 : 0;
  if (at > bytes.length) throw new RangeError('no whole frame');
  return at;
}

function broken(format: string, cause?: unknown): BlockError {
  return new BlockError(`${format}: A compressed cluster is broken`, { code: 'EIO', cause });
}
