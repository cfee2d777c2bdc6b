import { BlockError } from '../../error.js';
import { inflateBlock } from '../shared/deflate.js';
import { unpackAdc } from './adc.js';
import { unpackBzip2 } from './bzip2.js';
import { type Chunk, ChunkType } from './chunks.js';
import { unpackLzfse } from './lzfse.js';

/** The compressions that are built in, beside that of zlib. */
const unpackers: {
  readonly [type: number]: (
    stored: Uint8Array,
    length: number,
  ) => Uint8Array | undefined | Promise<Uint8Array | undefined>;
} = {
  [ChunkType.adc]: unpackAdc,
  [ChunkType.bzip2]: unpackBzip2,
  [ChunkType.lzfse]: unpackLzfse,
};

/**
 * The contents of a compressed chunk.
 *
 * @param alone as that of {@link inflateBlock}
 * @throws BlockError EIO when it is broken, ENOTSUP when it is compressed in another way
 */
export async function unpackChunk(
  { type, start, length }: Chunk,
  stored: Uint8Array,
  alone: boolean,
): Promise<Uint8Array> {
  if (type === ChunkType.zlib) return inflateBlock(stored, length, 'dmg', { alone });
  const unpack = unpackers[type];
  if (unpack === undefined) {
    const name = type === ChunkType.lzma ? 'LZMA' : `an unknown way (0x${type.toString(16)})`;
    throw new BlockError(`dmg: What is at offset ${start} is compressed in ${name}, which is not built in`, {
      code: 'ENOTSUP',
    });
  }
  const data = await unpack(stored, length);
  if (data === undefined) throw new BlockError(`dmg: The chunk for offset ${start} is broken`, { code: 'EIO' });
  return data;
}
