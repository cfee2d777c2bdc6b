import { describe, expect, it } from 'vitest';
import { frameLength, unpackHere, unzstdBlock } from '../../../../../runtime/block/drivers/shared/zstd.js';

/** A block of a frame: as it is, or one byte that is repeated. */
interface Block {
  readonly kind: 'plain' | 'repeated';
  readonly size: number;
  readonly data: readonly number[];
}

function frame(blocks: readonly Block[], window = 0): Uint8Array {
  const parts = blocks.map(({ kind, size, data }, index) => {
    const header = (size << 3) | (kind === 'plain' ? 0 : 2) | (index === blocks.length - 1 ? 1 : 0);
    return [header & 0xff, (header >> 8) & 0xff, header >> 16, ...data];
  });
  return Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, window, ...parts.flat()]);
}

const plain: Block = { kind: 'plain', size: 3, data: [1, 2, 3] };
const repeated: Block = { kind: 'repeated', size: 5, data: [9] };
const unpack = (bytes: Uint8Array, length: number) => unzstdBlock(bytes, length, 'qcow2', unpackHere);

describe('blocks compressed with zstd', () => {
  it('decompresses them, and ignores what follows the frame', async () => {
    const bytes = frame([plain, repeated]);
    const stored = Uint8Array.from([...bytes, ...new Uint8Array(700).fill(0x5a)]);
    expect(frameLength(stored)).toBe(bytes.length);
    expect([...(await unpack(stored, 8))]).toEqual([1, 2, 3, 9, 9, 9, 9, 9]);
  });

  it('refuses those that are shorter or longer than a block', async () => {
    for (const length of [4, 6]) await expect(unpack(frame([repeated]), length)).rejects.toMatchObject({ code: 'EIO' });
  });

  it('refuses those that are cut off, are no frame, or ask for too much memory', async () => {
    const bytes = frame([plain]);
    for (let end = 0; end < bytes.length; end++) {
      await expect(unpack(bytes.subarray(0, end), 3)).rejects.toMatchObject({ code: 'EIO' });
    }
    await expect(unpack(new Uint8Array(512), 3)).rejects.toMatchObject({ code: 'EIO' });
    await expect(unpack(frame([plain], 0xa8), 3)).rejects.toMatchObject({ code: 'EIO' });
  });
});
