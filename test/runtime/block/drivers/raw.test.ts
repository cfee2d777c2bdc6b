import { describe, expect, it } from 'vitest';
import { rawDriver } from '../../../../runtime/block/drivers/raw.js';
import { RequestFlag } from '../../../../runtime/block/request-flag.js';
import { MemoryChild } from '../memory-child.js';
import { type ContextParts, contextFor, type Writable, warnings } from './file-context.js';

async function open(file: MemoryChild, parts: ContextParts = {}): Promise<Writable> {
  return (await rawDriver.open(contextFor(rawDriver, { ...parts, file }))) as Writable;
}

const isMagic = (head: Uint8Array): string => (head[0] === 0x51 ? 'qcow2' : 'raw');
const magic = new Uint8Array(1024).fill(0x51, 0, 4);

describe('raw', () => {
  it('rounds the length up to whole sectors, and reads zeroes behind the end of the file', async () => {
    const image = await open(new MemoryChild(Uint8Array.of(1, 2, 3)));
    expect(image.length).toBe(512);
    const buffer = new Uint8Array(512).fill(9);
    await image.read(0, buffer, 0);
    expect(buffer).toEqual(Uint8Array.of(1, 2, 3, ...new Uint8Array(509)));
  });

  it('passes requests on, and announces them', async () => {
    const file = new MemoryChild(new Uint8Array(2048));
    const image = await open(file);
    await image.write(512, new Uint8Array(512).fill(7), RequestFlag.fua);
    await image.read(512, new Uint8Array(512), RequestFlag.copyOnRead);
    await image.discard?.(512, 512);
    await image.truncate(1024);
    expect(file.events).toEqual(['write_aio', 'read_aio']);
    expect(file.steps.map(({ kind }) => kind)).toEqual(['write', 'discard', 'truncate']);
    expect(image.length).toBe(1024);
  });

  it('shows the data of the file, at the same place, its holes, and what it does not have', async () => {
    const file = new MemoryChild(new Uint8Array(2048));
    file.blockStatus = async (offset) => ({ length: 512, allocated: offset < 1024, data: false, zero: offset === 512 });
    const image = await open(file);
    const hole = { length: 512, allocated: true, data: false, zero: true, offset: 512, file };
    expect(await image.blockStatus(512, 1024)).toEqual(hole);
    expect(await image.blockStatus(1024, 512)).toEqual({ ...hole, allocated: false, zero: false, offset: 1024 });
  });

  it('writes nothing beyond the part of the file that it is', async () => {
    const file = new MemoryChild(new Uint8Array(4096).fill(1));
    const image = await open(file, { options: { offset: 512, size: 1024 } });
    await image.write(512, new Uint8Array(512).fill(7), 0);
    const full = { code: 'ENOSPC' };
    await expect(image.write(512, new Uint8Array(1024).fill(8), 0)).rejects.toMatchObject(full);
    await expect(image.writeZeroes?.(1024, 512, 0)).rejects.toMatchObject(full);
    await expect(image.discard?.(1024, 512)).rejects.toMatchObject(full);
    expect([...file.bytes.subarray(1023, 1537)]).toEqual([1, ...new Array(512).fill(7), 1]);
  });

  it('writes any first sector when the format was named', async () => {
    const file = new MemoryChild(new Uint8Array(1024));
    const image = await open(file);
    await image.write(0, magic, 0);
    expect(image.requestAlignment).toBe(1);
    expect(warnings).toEqual([]);
  });
});

describe('raw that was probed', () => {
  it('warns once about a probed image, and refuses a first sector that would be probed as another format', async () => {
    const file = new MemoryChild(new Uint8Array(2048));
    const image = await open(file, { probe: isMagic });
    expect(warnings.splice(0)).toEqual([expect.stringContaining("'memory'")]);
    expect(image.requestAlignment).toBe(512);
    await expect(image.write(0, magic, 0)).rejects.toMatchObject({ code: 'EPERM' });
    expect(file.steps).toEqual([]);
    await image.write(0, magic.subarray(512), 0);
    await image.write(512, magic, 0);
    await image.writeZeroes?.(0, 512, 0);
    expect(file.steps).toHaveLength(3);
    expect(warnings).toEqual([]);
  });

  it('does not warn about a read-only image, but refuses such sectors when it is reopened', async () => {
    const file = new MemoryChild(new Uint8Array(1024));
    const image = await open(file, { probe: isMagic, flags: { readOnly: true } });
    expect(warnings).toEqual([]);
    await (await image.prepareReopen?.({ readOnly: false, direct: false, noFlush: false, unmap: false }))?.commit();
    await expect(image.write(0, magic, 0)).rejects.toMatchObject({ code: 'EPERM' });
  });

  it('keeps a larger alignment of the file', async () => {
    const file = new MemoryChild(new Uint8Array(8192), 'file', { requestAlignment: 4096 });
    expect((await open(file, { probe: isMagic })).requestAlignment).toBe(4096);
  });
});
