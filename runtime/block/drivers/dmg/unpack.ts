import { BlockError } from '../../error.js';
import { inflateBlock } from '../shared/deflate.js';
import { unpackAdc } from './adc.js';
import { unpackBzip2 } from './bzip2.js';
import { type Chunk, ChunkType } from './chunks.js';

/** How compressions are called. */
const names: { readonly [type: number]: string } = {
  [ChunkType.lzfse]: 'LZFSE',
  [ChunkType.lzma]: 'LZMA',
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
  if (type !== ChunkType.adc && type !== ChunkType.bzip2) {
    const name = names[type] ?? `an unknown way (0x${type.toString(16)})`;
    throw new BlockError(`dmg: What is at offset ${start} is compressed in ${name}, which is not built in`, {
      code: 'ENOTSUP',
    });
  }
  const data = await (type === ChunkType.adc ? unpackAdc : unpackBzip2)(stored, length);
  if (data === undefined) throw new BlockError(`dmg: The chunk for offset ${start} is broken`, { code: 'EIO' });
  return data;
}
