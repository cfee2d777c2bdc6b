import { describe, expect, it } from 'vitest';
import { ioError } from '../../../../runtime/block/error.js';
import { resize, resizeStep } from '../../../../runtime/block/graph/resize.js';
import { runTransaction, type TransactionStep } from '../../../../runtime/block/transaction.js';
import { scene } from './scene.js';

const refusal: TransactionStep = {
  prepare() {
    throw ioError('EBUSY');
  },
};

/** A raw image of 1024 bytes. */
async function image() {
  const { disk, add } = scene();
  disk.files.set('disk.img', new Uint8Array(1024).fill(7));
  const node = await add({ driver: 'raw', 'node-name': 'n', file: { driver: 'file', filename: 'disk.img' } });
  const step = (size: number) => resizeStep(node, size, disk.host.warn);
  return { disk, node, step };
}

describe('resizing a node', () => {
  it.each([0, 512, 1024, 4096])('makes it %i bytes long', async (size) => {
    const { disk, node } = await image();
    await resize(node, size, disk.host.warn);
    expect([node.length, disk.files.get('disk.img')?.length]).toEqual([size, size]);
  });

  it('restores the length of a grown image when a later step of its transaction fails', async () => {
    const { disk, node, step } = await image();
    await expect(runTransaction([step(4096), refusal])).rejects.toMatchObject({ code: 'EBUSY' });
    expect([node.length, disk.warnings]).toEqual([1024, []]);
  });

  it('cuts nothing off before all steps of its transaction are prepared', async () => {
    const { disk, step } = await image();
    await expect(runTransaction([step(512), refusal])).rejects.toMatchObject({ code: 'EBUSY' });
    expect(disk.files.get('disk.img')).toEqual(new Uint8Array(1024).fill(7));
    await runTransaction([step(512), { prepare: () => {} }]);
    expect(disk.files.get('disk.img')).toEqual(new Uint8Array(512).fill(7));
  });

  it('refuses to shrink a read-only image before another step is prepared', async () => {
    const { node, step } = await image();
    node.flags = { ...node.flags, readOnly: true };
    let prepared = false;
    const other: TransactionStep = {
      prepare() {
        prepared = true;
      },
    };
    await expect(runTransaction([step(512), other])).rejects.toThrow("Device 'n' is read only");
    expect(prepared).toBe(false);
  });

  it('warns where it cannot be undone', async () => {
    const { disk, node, step } = await image();
    const breaking: TransactionStep = {
      prepare() {
        node.flags = { ...node.flags, readOnly: true };
        throw ioError('EIO');
      },
    };
    await expect(runTransaction([step(2048), breaking])).rejects.toMatchObject({ code: 'EIO' });
    expect(disk.warnings).toEqual(["Node 'n' keeps 2048 instead of 1024 bytes: The image is read-only"]);
  });
});
