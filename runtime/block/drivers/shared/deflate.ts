/* Compressed blocks, as several formats have them. What comes out is bounded: a small block can promise any number of bytes. */

import { constants, deflate, deflateRaw, inflate, inflateRaw, type ZlibOptions } from 'node:zlib';
import { BlockError } from '../../error.js';

/** In QEMU's formats, compressed data refers back by 2^12 bytes at most. */
const windowBits = 12;

/**
 * Decompresses one block without a header. What follows the end of the stream is ignored: blocks are stored in sectors.
 *
 * @param format for messages
 * @throws BlockError (EIO) when it is not exactly one block
 */
export function inflateRawBlock(stored: Uint8Array, length: number, format: string): Promise<Uint8Array> {
  return inflated(inflateRaw, stored, length, format, { windowBits });
}

/** As {@link inflateRawBlock}, for a stream with the header of zlib. @param rule whether it may be less than a block */
export function inflateBlock(
  stored: Uint8Array,
  length: number,
  format: string,
  rule: 'exactly' | 'at most' = 'exactly',
): Promise<Uint8Array> {
  return inflated(inflate, stored, length, format, {}, rule);
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
  unpack: typeof inflate,
  stored: Uint8Array,
  length: number,
  format: string,
  more: ZlibOptions,
  rule: 'exactly' | 'at most' = 'exactly',
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const options = {
      ...more,
      chunkSize: Math.max(64, length),
      maxOutputLength: length,
      finishFlush: constants.Z_SYNC_FLUSH,
    };
    unpack(stored, options, (error, data) => {
      if (error === null && (data.length === length || rule === 'at most')) resolve(data);
      else
        reject(new BlockError(`${format}: A compressed cluster is broken`, { code: 'EIO', cause: error ?? undefined }));
    });
  });
}

/** Keeps the compressed block that was read last: its parts are mostly read one after the other. */
export class LastUnpacked {
  #last: { readonly key: number; readonly data: Promise<Uint8Array> } | undefined;

  /**
   * @param key where the block is in the file
   * @param load reads it
   * @returns its contents, which are shared: not to be changed
   */
  get(key: number, load: () => Promise<Uint8Array>): Promise<Uint8Array> {
    if (this.#last?.key === key) return this.#last.data;
    const data = load();
    const last = { key, data };
    this.#last = last;
    data.catch(() => {
      if (this.#last === last) this.#last = undefined;
    });
    return data;
  }
}
