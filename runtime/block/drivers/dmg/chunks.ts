import { largestSize, sectorSize } from '../../limits.js';
import { getUint64, viewOf } from '../shared/big-endian.js';
import { wrong } from './trailer.js';

/** Bytes of what is unpacked as a whole, and of what it is unpacked from. */
const largestChunk = 64 * 1024 * 1024;
/** Bytes before the first chunk of a table, and of each chunk. */
const tableHeader = 204;
const chunkLength = 40;

/** The kinds of chunks. */
export const ChunkType = {
  zero: 0,
  raw: 1,
  /** Nothing was ever there. */
  ignored: 2,
  adc: 0x8000_0004,
  zlib: 0x8000_0005,
  bzip2: 0x8000_0006,
  lzfse: 0x8000_0007,
  lzma: 0x8000_0008,
  comment: 0x7fff_fffe,
  end: 0xffff_ffff,
} as const;

/** A stretch of the disk that is stored in one way. */
export interface Chunk {
  readonly type: number;
  /** Where it is on the disk, in bytes. */
  readonly start: number;
  readonly length: number;
  /** Where it is in the file. */
  readonly place: number;
  readonly stored: number;
}

/** Whether a chunk reads as zeroes. */
export function isZero({ type }: Chunk): boolean {
  return type === ChunkType.zero || type === ChunkType.ignored;
}

/**
 * The chunks of all tables, in the order of the disk.
 *
 * @param dataFork what places count from
 * @throws BlockError (EINVAL) when one is impossible, or two are for the same sectors
 */
export function chunksOf(tables: readonly Uint8Array[], dataFork: number, fileLength: number): Chunk[] {
  const chunks: Chunk[] = [];
  for (const table of tables) {
    if (table.length < tableHeader) throw wrong('a table of chunks is too short');
    const view = viewOf(table);
    const origin = { sector: getUint64(view, 8), place: dataFork + getUint64(view, 0x18) };
    for (let at = tableHeader; at + chunkLength <= table.length; at += chunkLength) {
      const chunk = chunkAt(view, at, origin);
      if (chunk !== undefined) chunks.push(checked(chunk, fileLength));
    }
  }
  chunks.sort((one, other) => one.start - other.start);
  for (const [index, { start, length }] of chunks.entries()) {
    const next = chunks[index + 1];
    if (next !== undefined && next.start < start + length) throw wrong(`two chunks are for offset ${next.start}`);
  }
  return chunks;
}

function chunkAt(
  view: DataView,
  at: number,
  origin: { readonly sector: number; readonly place: number },
): Chunk | undefined {
  const type = view.getUint32(at);
  const sectors = getUint64(view, at + 16);
  if (type === ChunkType.comment || type === ChunkType.end || sectors === 0) return undefined;
  return {
    type,
    start: (origin.sector + getUint64(view, at + 8)) * sectorSize,
    length: sectors * sectorSize,
    place: origin.place + getUint64(view, at + 24),
    stored: getUint64(view, at + 32),
  };
}

function checked(chunk: Chunk, fileLength: number): Chunk {
  const { type, start, length, place, stored } = chunk;
  if (start + length > largestSize) throw wrong(`a chunk is for offset ${start}`);
  if (isZero(chunk)) return chunk;
  if (type === ChunkType.raw ? stored < length : length > largestChunk || stored > largestChunk) {
    throw wrong(`a chunk of ${length} bytes is stored in ${stored}`);
  }
  if (place + stored > fileLength) throw wrong(`the chunk for offset ${start} is beyond the end of the file`);
  return chunk;
}
