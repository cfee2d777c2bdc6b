import { describe, expect, it } from 'vitest';
import { Backend } from '../../../../runtime/block/backend/backend.js';
import { nbdExport } from '../../../../runtime/block/backend/nbd-export.js';
import type { BlockStatus, NodeView } from '../../../../runtime/block/driver.js';
import { RequestFlag } from '../../../../runtime/block/request-flag.js';
import { MemoryChild } from '../memory-child.js';
import { RecordingHost } from './recording-host.js';

function exported(size: number, node: Partial<NodeView> = {}, readOnly = false) {
  const backend = new Backend('', new RecordingHost());
  const root = new MemoryChild(new Uint8Array(size).fill(5), 'root', node);
  backend.root = root;
  return { backend, root, disk: nbdExport(backend, { name: 'disk', readOnly }) };
}

describe('an export of a backend', () => {
  it('keeps the length of the backend as it was when the export was added', () => {
    const { backend, root, disk } = exported(4096 + 700);
    expect(disk.size).toBe(4096 + 700);
    root.bytes = new Uint8Array(512);
    expect(backend.length).toBe(512);
    expect(disk.size).toBe(4096 + 700);
  });

  it('refuses to export a backend without a medium', () => {
    expect(() => nbdExport(new Backend('d0', new RecordingHost()), { name: 'd0', readOnly: false })).toThrow(
      expect.objectContaining({ code: 'ENOMEDIUM' }),
    );
  });

  it('exports read-only when asked to, or when the medium is read-only', () => {
    const flags = { readOnly: true, direct: false, noFlush: false, unmap: false };
    expect(exported(512).disk.readOnly).toBe(false);
    expect(exported(512, {}, true).disk.readOnly).toBe(true);
    expect(exported(512, { flags }).disk.readOnly).toBe(true);
  });

  it('reports to clients the block sizes that the medium needs', () => {
    expect(exported(512, { requestAlignment: 512 }).disk.blockSize).toEqual({ minimum: 512, preferred: 4096 });
    expect(exported(512, { requestAlignment: 512, leastBlock: 1 }).disk.blockSize).toEqual({
      minimum: 1,
      preferred: 4096,
    });
    expect(exported(512, { requestAlignment: 8192 }).disk.blockSize).toEqual({ minimum: 8192, preferred: 8192 });
  });

  it('reads and writes the medium of the backend', async () => {
    const { disk, root } = exported(1024);
    await disk.write(1, Uint8Array.of(1, 2), { fua: false });
    const buffer = new Uint8Array(4);
    await disk.read(0, buffer);
    expect([...buffer]).toEqual([5, 1, 2, 5]);
    await disk.flush();
    expect(root.steps.map(({ kind }) => kind)).toEqual(['write', 'flush']);
  });

  it('passes on the flags of a request', async () => {
    const { disk, root } = exported(4096);
    const flags: number[] = [];
    root.write = async (_offset, _data, given = 0) => void flags.push(given);
    root.writeZeroes = async (_offset, _length, given = 0) => void flags.push(given);
    await disk.write(0, new Uint8Array(1), { fua: true });
    await disk.writeZeroes(0, 512, { unmap: true, fua: false, fast: false });
    await disk.writeZeroes(0, 512, { unmap: false, fua: true, fast: true });
    expect(flags).toEqual([RequestFlag.fua, RequestFlag.mayUnmap, RequestFlag.fua | RequestFlag.noFallback]);
  });

  it('discards what is trimmed, and flushes when that must be on the disk', async () => {
    const { disk, root } = exported(4096);
    await disk.trim(0, 512, { fua: false });
    await disk.trim(512, 512, { fua: true });
    expect(root.steps.map(({ kind }) => kind)).toEqual(['discard', 'discard', 'flush']);
  });

  it('reports holes and zeroes, and merges extents that are alike', async () => {
    const { disk, root } = exported(4096);
    const states: { [at: number]: Omit<BlockStatus, 'length'> } = {
      0: { allocated: true, data: true, zero: false },
      512: { allocated: true, data: true, zero: false },
      1024: { allocated: true, data: false, zero: true },
      1536: { allocated: false, data: false, zero: true },
      2048: { allocated: false, data: false, zero: false },
      2560: { allocated: true, data: true, zero: true },
    };
    root.blockStatus = async (offset, length) => {
      const at = offset - (offset % 512);
      const state = states[Math.min(at, 2560)] as Omit<BlockStatus, 'length'>;
      return { ...state, length: Math.min(length, at + 512 - offset) };
    };
    expect(await disk.blockStatus(256, 3000, { one: false })).toEqual([
      { length: 768, hole: false, zero: false },
      { length: 1024, hole: true, zero: true },
      { length: 512, hole: true, zero: false },
      { length: 696, hole: false, zero: true },
    ]);
  });

  it('answers with a bounded number of extents', async () => {
    const { disk, root } = exported(4096);
    root.blockStatus = async (offset) => ({ length: 1, allocated: true, data: offset % 2 === 0, zero: false });
    expect(await disk.blockStatus(0, 4096, { one: false })).toHaveLength(1024);
  });

  it('asks the medium for no more than the first extent where a client wants one', async () => {
    const { disk, root } = exported(4096);
    const asked: number[] = [];
    root.blockStatus = async (offset) => {
      asked.push(offset);
      return { length: 64, allocated: true, data: offset >= 128, zero: false };
    };
    expect(await disk.blockStatus(0, 4096, { one: true })).toEqual([{ length: 128, hole: true, zero: false }]);
    expect(asked).toEqual([0, 64, 128]);
  });
});
