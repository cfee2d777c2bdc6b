import type { BlockDriver, Child, OpenContext } from '../driver.js';
import { BlockError } from '../error.js';
import { sectorSize } from '../limits.js';
import { getUint64, viewOf } from './shared/big-endian.js';
import { inflateBlock } from './shared/deflate.js';
import { Place } from './shared/mapped/map-format.js';
import { ReadOnlyInstance } from './shared/mapped/read-only-instance.js';
import type { ReadableImage, Run } from './shared/mapped/readable-image.js';
import { UnpackedBlocks } from './shared/unpacked-blocks.js';

/** An image begins with a shell script that mounts it. */
const script = Buffer.from(
  '#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n',
  'latin1',
);
/** Where the size of blocks and their number are, and then where each block is. */
const fieldsAt = 128;
const tableAt = 136;
const largestBlock = 64 * 1024 * 1024;
/** Half a terabyte of disk, with the usual blocks of 64 KiB. */
const largestTable = 64 * 1024 * 1024;
/** Entries of the table that are read at a time. */
const pieceEntries = 2 ** 17;

/** `cloop`: compressed images of CDs, as Knoppix has them. Read-only. */
export const cloop: BlockDriver = {
  name: 'cloop',
  kind: 'format',
  changeable: [],
  // A text is less certain than a mark of bytes.
  probe: (head) => (isCloop(head) ? 2 : 0),
  async open({ file }: OpenContext) {
    const image = await openCloop(file);
    return new ReadOnlyInstance('cloop', image, { clusterSize: image.blockSize });
  },
};

function isCloop(head: Uint8Array): boolean {
  return script.equals(head.subarray(0, script.length));
}

async function openCloop(file: Child): Promise<CloopImage> {
  const fields = new Uint8Array(tableAt - fieldsAt);
  await file.read(fieldsAt, fields);
  const view = viewOf(fields);
  const [blockSize, blocks] = [view.getUint32(0), view.getUint32(4)];
  if (blockSize === 0 || blockSize % sectorSize !== 0 || blockSize > largestBlock) {
    throw wrong(`blocks of ${blockSize} bytes`);
  }
  const tableLength = (blocks + 1) * 8;
  if (tableLength > largestTable) throw wrong('it has too many blocks');
  if (tableAt + tableLength > file.node.length) throw wrong('it has been truncated');
  return new CloopImage(file, blockSize, await readTable(file, blocks));
}

/** Where blocks begin, and where the last one ends. */
async function readTable(file: Child, blocks: number): Promise<Float64Array> {
  const offsets = new Float64Array(blocks + 1);
  for (let done = 0; done <= blocks; done += pieceEntries) {
    const piece = new Uint8Array(Math.min(pieceEntries, blocks + 1 - done) * 8);
    await file.read(tableAt + done * 8, piece);
    const view = viewOf(piece);
    for (let at = 0; at < piece.length; at += 8) {
      const index = done + at / 8;
      const offset = getUint64(view, at);
      const before = offsets[index - 1] ?? tableAt;
      if (offset < before || offset > file.node.length) throw wrong(`block ${index} cannot be at ${offset}`);
      if (index > 0 && offset - before > 2 * largestBlock) throw wrong(`block ${index - 1} is too long`);
      offsets[index] = offset;
    }
  }
  return offsets;
}

function wrong(what: string): BlockError {
  return new BlockError(`Invalid cloop image: ${what}`, { code: 'EINVAL' });
}

class CloopImage implements ReadableImage {
  readonly file: Child;
  readonly length: number;
  readonly blockSize: number;
  readonly #offsets: Float64Array;
  readonly #unpacked = new UnpackedBlocks();

  constructor(file: Child, blockSize: number, offsets: Float64Array) {
    this.file = file;
    this.blockSize = blockSize;
    this.length = (offsets.length - 1) * blockSize;
    this.#offsets = offsets;
  }

  find(offset: number, wanted: number): Run {
    return { place: Place.packed, length: Math.min(wanted, this.blockSize - (offset % this.blockSize)) };
  }

  beneath(): undefined {}

  async unpack(_run: Run, offset: number, buffer: Uint8Array): Promise<void> {
    const { blockSize } = this;
    const index = Math.floor(offset / blockSize);
    const data = await this.#unpacked.get(index, blockSize, async (alone) => {
      const [start = 0, end = 0] = this.#offsets.subarray(index, index + 2);
      const stored = Buffer.allocUnsafe(end - start);
      await this.file.read(start, stored);
      return inflateBlock(stored, blockSize, 'cloop', { alone: alone() });
    });
    const inside = offset % blockSize;
    buffer.set(data.subarray(inside, inside + buffer.length));
  }

  invalid(offset: number): BlockError {
    return new BlockError(`cloop: The image is damaged at offset ${offset}`, { code: 'EIO' });
  }
}
