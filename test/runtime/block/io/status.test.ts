import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlockStatus, Child, DriverInstance } from '../../../../runtime/block/driver.js';
import { ioError } from '../../../../runtime/block/error.js';
import { chainStatus, statusOf } from '../../../../runtime/block/io/status.js';
import { MemoryChild } from '../memory-child.js';

/** A layer whose driver says `letter` of each block: `d`ata, explicit `z`eroes, `.` nothing. */
function layer(
  letters: string,
  {
    block = 512,
    length = letters.length * block,
    file,
    ...rest
  }: Partial<Omit<DriverInstance, 'length'>> & { block?: number; length?: number; file?: Child } = {},
): DriverInstance {
  return {
    length,
    read: async () => {},
    close: async () => {},
    async blockStatus(offset, wanted): Promise<BlockStatus> {
      const first = Math.floor(offset / block);
      const letter = letters[first];
      let last = first + 1;
      while (letters[last] === letter && last * block < offset + wanted) last++;
      return {
        length: Math.min(last * block - offset, wanted),
        allocated: letter !== '.',
        data: letter === 'd',
        zero: letter === 'z',
        ...(letter === 'd' && file ? { offset: 65536 + offset, file } : {}),
      };
    },
    ...rest,
  };
}

/** An edge to layers on top of each other, the first on top. */
function chain(...layers: DriverInstance[]): Child {
  const [instance, ...others] = layers;
  const backing = others.length > 0 ? chain(...others) : undefined;
  const edge: Pick<Child, 'blockStatus'> & { readonly node: object } = {
    node: { driver: {}, backing, length: instance?.length ?? 0 },
    blockStatus: (offset, length) => statusOf({ instance, backing }, offset, length),
  };
  return edge as Child;
}

describe('the state of a node', () => {
  it('returns the status from the driver, and data where that reports none', async () => {
    const top = chain(layer('dz.'));
    expect(await top.blockStatus(0, 9999)).toEqual({ length: 512, allocated: true, data: true, zero: false });
    expect(await top.blockStatus(512, 9999)).toEqual({ length: 512, allocated: true, data: false, zero: true });
    expect(await top.blockStatus(1024, 9999)).toEqual({ length: 512, allocated: false, data: false, zero: false });
    const { blockStatus: _, ...silent } = layer('dz.');
    expect(await chain(silent).blockStatus(512, 9999)).toEqual({
      length: 1024,
      allocated: true,
      data: true,
      zero: false,
    });
  });

  it('returns no status beyond the end', async () => {
    expect(await chain(layer('d')).blockStatus(512, 100)).toEqual({
      length: 100,
      allocated: false,
      data: false,
      zero: true,
    });
  });

  it('refuses the status of a closed node', async () => {
    await expect(statusOf({ instance: undefined, backing: undefined }, 0, 1)).rejects.toMatchObject({
      code: 'ENOMEDIUM',
    });
  });

  it('reports zeroes where nothing was written, if the format promises it and has no backing file', async () => {
    const zeroes = layer('.', { info: { unallocatedIsZero: true } });
    expect((await chain(zeroes).blockStatus(0, 512)).zero).toBe(true);
    expect((await chain(zeroes, layer('d')).blockStatus(0, 512)).zero).toBe(false);
  });

  it('reports zeroes beyond the end of a shorter backing file, and not before', async () => {
    const top = chain(layer('....'), layer('d', { length: 700 }));
    expect(await top.blockStatus(0, 2048)).toMatchObject({ length: 700, allocated: false, zero: false });
    expect(await top.blockStatus(700, 1348)).toMatchObject({ length: 1348, allocated: false, zero: true });
  });

  it('asks for the status of whole blocks, and returns it from the wanted offset on', async () => {
    const asked: [number, number][] = [];
    const file = new MemoryChild(new Uint8Array(1e6));
    const inner = layer('ddzd', { block: 4096, file });
    const aligned: DriverInstance = {
      ...inner,
      length: 15000,
      requestAlignment: 4096,
      blockStatus: (offset, length) => {
        asked.push([offset, length]);
        return inner.blockStatus?.(offset, length) as Promise<BlockStatus>;
      },
    };
    const status = await chain(aligned).blockStatus(1000, 5000);
    expect(asked).toEqual([[0, 8192]]);
    expect(status).toMatchObject({ length: 5000, data: true, offset: 65536 + 1000 });
    expect(await chain(aligned).blockStatus(5000, 9999)).toMatchObject({ length: 3192, offset: 65536 + 5000 });
    expect(await chain(aligned).blockStatus(14000, 9999)).toMatchObject({ length: 1000, data: true });
  });

  it('returns the status of a range that begins inside of a block', async () => {
    const inner = layer('dz', { block: 100 });
    const odd = { ...inner, length: 200, requestAlignment: 512 };
    expect(await chain(odd).blockStatus(150, 50)).toEqual({ length: 50, allocated: true, data: false, zero: true });
  });

  it('reports data as zero where the file below has a hole', async () => {
    const file = new MemoryChild();
    file.blockStatus = async (offset, length) => ({
      length: Math.min(length, 65536 + 512 - offset),
      allocated: true,
      data: false,
      zero: true,
    });
    const top = chain(layer('dd', { file }));
    expect(await top.blockStatus(0, 1024)).toMatchObject({ length: 512, allocated: true, data: true, zero: true });
  });

  it('returns a status although the file below fails to', async () => {
    const file = new MemoryChild();
    file.blockStatus = () => Promise.reject(ioError('EIO'));
    expect(await chain(layer('d', { file })).blockStatus(0, 512)).toMatchObject({
      length: 512,
      data: true,
      zero: false,
    });
    file.blockStatus = () => Promise.reject(new TypeError('a mistake'));
    await expect(chain(layer('d', { file })).blockStatus(0, 512)).rejects.toThrow('a mistake');
  });
});

describe('the state of a chain', () => {
  it('returns the status of the first layer of a chain that has data', async () => {
    const top = chain(layer('d..z'), layer('.d..'), layer('dddd'));
    const found: unknown[] = [];
    for (let offset = 0; offset < 2048; ) {
      const { status, depth } = await chainStatus(top, offset, 2048 - offset);
      found.push([depth, status.length, status.data, status.zero]);
      offset += status.length;
    }
    expect(found).toEqual([
      [0, 512, true, false],
      [1, 512, true, false],
      [2, 512, true, false],
      [0, 512, false, true],
    ]);
  });

  it('ends above a base', async () => {
    const top = chain(layer('.'), layer('.'), layer('d'));
    const middle = top.node.backing?.node;
    const base = middle?.backing?.node;
    expect(await chainStatus(top, 0, 512, base)).toMatchObject({ depth: 1, status: { allocated: false } });
    expect(await chainStatus(top, 0, 512, middle)).toMatchObject({ depth: 0, status: { allocated: false } });
    expect(await chainStatus(top, 0, 512)).toMatchObject({ depth: 2, status: { allocated: true } });
  });

  it('ends a range of the chain where any backing file ends', async () => {
    const top = chain(layer('....'), layer('...'), layer('d', { length: 400 }));
    expect(await chainStatus(top, 0, 2048)).toMatchObject({ depth: 2, status: { length: 400, data: true } });
    // A layer that ends early has the zeroes that are read beyond: they hide what is further down.
    const zeroes = { allocated: true, data: false, zero: true };
    expect(await chainStatus(top, 400, 1648)).toMatchObject({ depth: 2, status: { ...zeroes, length: 1136 } });
    expect(await chainStatus(top, 1536, 512)).toMatchObject({ depth: 1, status: { ...zeroes, length: 512 } });
    const middle = top.node.backing?.node;
    expect(await chainStatus(top, 1536, 512, middle)).toMatchObject({ depth: 0, status: { allocated: false } });
  });

  it('property: covers all, piece by piece, each piece of one kind', async () => {
    const letters = fc.stringMatching(/^[dz.]{1,12}$/);
    await fc.assert(
      fc.asyncProperty(fc.array(letters, { minLength: 1, maxLength: 4 }), async (layers) => {
        const top = chain(...layers.map((each) => layer(each)));
        const size = (layers[0]?.length ?? 0) * 512;
        let pieces = 0;
        for (let offset = 0; offset < size; ) {
          const { status, depth } = await chainStatus(top, offset, size - offset);
          expect(status.length).toBeGreaterThan(0);
          expect(++pieces).toBeLessThanOrEqual(12);
          for (let at = offset; at < offset + status.length; at += 512) {
            const column = layers.map((each) => each[at / 512]);
            // What is below a shorter layer does not show through it.
            const visible = column.slice(0, column.indexOf(undefined) < 0 ? undefined : column.indexOf(undefined));
            const wanted = visible.findIndex((letter) => letter !== '.');
            const ended = column.indexOf(undefined);
            if (wanted < 0 && ended >= 0) expect([depth, status.allocated, status.zero]).toEqual([ended, true, true]);
            else if (wanted < 0) expect([status.allocated, status.data]).toEqual([false, false]);
            else
              expect([depth, status.data, status.zero]).toEqual([
                wanted,
                visible[wanted] === 'd',
                visible[wanted] === 'z',
              ]);
          }
          offset += status.length;
        }
      }),
      { numRuns: 500 },
    );
  });
});
