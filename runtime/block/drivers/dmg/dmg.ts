import type { BlockDriver, Child, OpenContext } from '../../driver.js';
import { BlockError } from '../../error.js';
import { Place } from '../shared/mapped/map-format.js';
import { ReadOnlyInstance } from '../shared/mapped/read-only-instance.js';
import type { ReadableImage, Run } from '../shared/mapped/readable-image.js';
import { firstIndex } from '../shared/search.js';
import { UnpackedBlocks } from '../shared/unpacked-blocks.js';
import { type Chunk, ChunkType, chunksOf, isZero } from './chunks.js';
import { readTables } from './tables.js';
import { readTrailer } from './trailer.js';
import { unpackChunk } from './unpack.js';

/** `dmg`: the disk images of macOS (UDIF). Read-only. */
export const dmg: BlockDriver = {
  name: 'dmg',
  kind: 'format',
  changeable: [],
  // The mark is at the end of the file, where no probe looks.
  probe: (_head, filename) => (/.\.dmg$/s.test(filename) ? 2 : 0),
  async open({ file }: OpenContext) {
    const trailer = await readTrailer(file);
    const chunks = chunksOf(await readTables(file, trailer), trailer.dataFork, file.node.length);
    return new ReadOnlyInstance('dmg', new DmgImage(file, trailer.size, chunks));
  },
};

interface ChunkRun extends Run {
  readonly chunk: Chunk | undefined;
}

class DmgImage implements ReadableImage<ChunkRun> {
  readonly file: Child;
  readonly length: number;
  readonly #chunks: readonly Chunk[];
  readonly #unpacked = new UnpackedBlocks();

  constructor(file: Child, length: number, chunks: readonly Chunk[]) {
    this.file = file;
    this.length = length;
    this.#chunks = chunks;
  }

  find(offset: number, wanted: number): ChunkRun {
    const index = this.#lastUpTo(offset);
    const chunk = this.#chunks[index];
    if (chunk === undefined || offset >= chunk.start + chunk.length) {
      const next = this.#chunks[index + 1]?.start ?? Number.POSITIVE_INFINITY;
      return { place: Place.invalid, length: Math.min(wanted, next - offset), chunk: undefined };
    }
    const length = Math.min(wanted, chunk.start + chunk.length - offset);
    if (isZero(chunk)) return { place: Place.zero, length, chunk };
    if (chunk.type === ChunkType.raw) return { place: chunk.place + offset - chunk.start, length, chunk };
    return { place: Place.packed, length, chunk };
  }

  /** The index of the last chunk that begins at `offset` or before; −1: there is none. */
  #lastUpTo(offset: number): number {
    return firstIndex(this.#chunks.length, (index) => (this.#chunks[index]?.start ?? 0) > offset) - 1;
  }

  beneath(): undefined {}

  async unpack({ chunk }: ChunkRun, offset: number, buffer: Uint8Array): Promise<void> {
    if (chunk === undefined) throw this.invalid(offset);
    const data = await this.#unpacked.get(chunk.start, chunk.length, async (alone) => {
      const stored = Buffer.allocUnsafe(chunk.stored);
      await this.file.read(chunk.place, stored);
      return unpackChunk(chunk, stored, alone());
    });
    const inside = offset - chunk.start;
    buffer.set(data.subarray(inside, inside + buffer.length));
  }

  invalid(offset: number): BlockError {
    return new BlockError(`dmg: The image has nothing for offset ${offset}`, { code: 'EIO' });
  }
}
