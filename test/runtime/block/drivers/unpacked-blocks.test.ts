import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { cloop } from '../../../../runtime/block/drivers/cloop.js';
import { UnpackedBlocks } from '../../../../runtime/block/drivers/shared/unpacked-blocks.js';
import { MemoryChild } from '../memory-child.js';
import { openOn } from './format-suite/on-children.js';

const MiB = 2 ** 20;

describe('blocks that are unpacked', () => {
  it('a block that several readers want is unpacked once, and kept while there is room', async () => {
    const blocks = new UnpackedBlocks();
    const loads: number[] = [];
    const get = (key: number) =>
      blocks.get(key, MiB, async () => {
        loads.push(key);
        return Uint8Array.of(key);
      });
    expect(await Promise.all([get(1), get(1), get(2)])).toEqual([Uint8Array.of(1), Uint8Array.of(1), Uint8Array.of(2)]);
    for (const key of [1, 3, 4, 1, 5, 1, 2]) await get(key);
    // The one that was not used for the longest time has gone.
    expect(loads).toEqual([1, 2, 3, 4, 5, 2]);
  });

  it('a block that could not be unpacked is tried again by the next reader', async () => {
    const blocks = new UnpackedBlocks();
    let fails = true;
    const get = () =>
      blocks.get(1, 512, async () => {
        if (fails) throw new Error('broken');
        return Uint8Array.of(1);
      });
    await expect(get()).rejects.toThrow('broken');
    fails = false;
    expect(await get()).toEqual(Uint8Array.of(1));
  });

  it('blocks that are forgotten while they are unpacked are unpacked anew, also when the first attempt fails late', async () => {
    const blocks = new UnpackedBlocks();
    let loads = 0;
    let fail = (_error: Error): void => {};
    const forgotten = blocks.get(1, MiB, () => new Promise((_resolve, reject) => (fail = reject)));
    blocks.clear();
    const get = () => blocks.get(1, MiB, async () => Uint8Array.of(++loads));
    expect(await get()).toEqual(Uint8Array.of(1));
    fail(new Error('too late'));
    await expect(forgotten).rejects.toThrow('too late');
    expect(await get()).toEqual(Uint8Array.of(1));
    blocks.clear();
    expect(await get()).toEqual(Uint8Array.of(2));
  });

  it('large blocks are unpacked one at a time, and one that is alone learns that it is', async () => {
    const blocks = new UnpackedBlocks();
    let [running, most] = [0, 0];
    const alone: boolean[] = [];
    const get = (key: number) =>
      blocks.get(key, 8 * MiB, async (isAlone) => {
        most = Math.max(most, ++running);
        alone.push(isAlone());
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return Uint8Array.of(key);
      });
    await Promise.all([get(1), get(2), get(3)]);
    expect(most).toBe(1);
    await get(4);
    expect(alone).toEqual([false, false, true, true]);
  });

  it('bombs that are read side by side take the memory of a few blocks', async () => {
    const size = 64 * MiB;
    const packed = deflateSync(Buffer.alloc(size));
    const count = 12;
    const head = Buffer.alloc(136 + (count + 1) * 8);
    head.write('#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n');
    head.writeUInt32BE(size, 128);
    head.writeUInt32BE(count, 132);
    for (let index = 0; index <= count; index++) {
      head.writeBigUInt64BE(BigInt(head.length + index * packed.length), 136 + index * 8);
    }
    const image = Buffer.concat([head, ...Array.from({ length: count }, () => packed)]);
    const disk = await openOn(cloop, new MemoryChild(image));
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().arrayBuffers);
    }, 1);
    const before = process.memoryUsage().arrayBuffers;
    await Promise.all(Array.from({ length: count }, (_, index) => disk.read(index * size, Buffer.alloc(512, 1), 0)));
    clearInterval(watch);
    // Memory that is given back counts until it is collected.
    expect(peak - before).toBeLessThan(6 * size);
  }, 60_000);
});
