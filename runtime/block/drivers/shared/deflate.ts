/* Compressed blocks, as several formats have them. What comes out is bounded: a small block can promise any number of bytes. */

import {
  constants,
  deflate,
  deflateRaw,
  inflate,
  inflateRaw,
  inflateRawSync,
  inflateSync,
  type ZlibOptions,
} from 'node:zlib';
import { BlockError } from '../../error.js';

/** In QEMU's formats, compressed data refers back by 2^12 bytes at most. */
const windowBits = 12;

/** Larger blocks are always decompressed in another thread: other requests do not wait for half a millisecond. */
const mostInline = 256 * 1024;

/** How a block is decompressed. */
export interface InflateRules {
  /** It may be less than a block. */
  readonly short?: boolean;
  /** Nothing else is waiting: if it is small, that is done at once, without another thread. */
  readonly alone?: boolean;
}

/**
 * Decompresses one block without a header. What follows the end of the stream is ignored: blocks are stored in sectors.
 *
 * @param format for messages
 * @throws BlockError (EIO) when it is not exactly one block
 */
export function inflateRawBlock(
  stored: Uint8Array,
  length: number,
  format: string,
  rules: InflateRules = {},
): Promise<Uint8Array> {
  return inflated([inflateRaw, inflateRawSync], stored, length, format, { windowBits }, rules);
}

/** As {@link inflateRawBlock}, for a stream with the header of zlib. */
export function inflateBlock(
  stored: Uint8Array,
  length: number,
  format: string,
  rules: InflateRules = {},
): Promise<Uint8Array> {
  return inflated([inflate, inflateSync], stored, length, format, {}, rules);
}

/** Compresses a block, with the header of zlib. */
export function deflateBlock(data: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    deflate(data, (error, packed) => (error === null ? resolve(packed) : reject(error)));
  });
}

/** Compresses a block without a header. */
export function deflateRawBlock(data: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const options = { windowBits, level: constants.Z_DEFAULT_COMPRESSION, memLevel: 9 };
    deflateRaw(data, options, (error, packed) => (error === null ? resolve(packed) : reject(error)));
  });
}

function inflated(
  [unpack, unpackNow]: readonly [typeof inflate, typeof inflateSync],
  stored: Uint8Array,
  length: number,
  format: string,
  more: ZlibOptions,
  { short, alone }: InflateRules,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const options = {
      ...more,
      chunkSize: Math.max(64, length),
      maxOutputLength: length,
      finishFlush: constants.Z_SYNC_FLUSH,
    };
    const broken = (cause?: unknown): void =>
      reject(new BlockError(`${format}: A compressed cluster is broken`, { code: 'EIO', cause }));
    const done = (error: unknown, data: Uint8Array): void => {
      if (error === null && (data.length === length || short)) resolve(data);
      else broken(error ?? undefined);
    };
    if (!alone || length > mostInline) {
      unpack(stored, options, done);
      return;
    }
    try {
      done(null, unpackNow(stored, options));
    } catch (error) {
      broken(error);
    }
  });
}
