import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refcountWidth } from '../../../../../../runtime/block/drivers/qcow2/format/refcount-width.js';

describe('refcountWidth', () => {
  it('packs narrow entries with the first in the least significant bits, and writes wide ones big-endian', () => {
    const bytes = (order: number, counts: readonly number[]) => {
      const block = new Uint8Array(16);
      for (const [index, count] of counts.entries()) refcountWidth(order).set(block, index, count);
      return Buffer.from(block)
        .toString('hex')
        .replace(/(00)+$/, '');
    };
    expect(bytes(0, [1, 0, 1, 1, 0, 0, 0, 0, 1])).toBe('0d01');
    expect(bytes(1, [1, 2, 3, 0, 1])).toBe('3901');
    expect(bytes(2, [1, 15, 2])).toBe('f102');
    expect(bytes(3, [1, 255])).toBe('01ff');
    expect(bytes(4, [0x102, 3])).toBe('01020003');
    expect(bytes(5, [0x80000102, 3])).toBe('8000010200000003');
    expect(bytes(6, [2 ** 40 + 5, 3])).toBe('00000100000000050000000000000003');
  });

  it.each([0, 1, 2, 3, 4, 5, 6])('keeps each entry to itself: 2^%i bits', (order) => {
    const width = refcountWidth(order);
    const entries = (64 * 8) / width.bits;
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: entries - 1 }), fc.maxSafeNat())), (writes) => {
        const block = new Uint8Array(64);
        const model = new Array<number>(entries).fill(0);
        for (const [index, any] of writes) {
          const count = any % (width.most + 1);
          width.set(block, index, count);
          model[index] = count;
        }
        expect(model.map((_, index) => width.get(block, index))).toEqual(model);
        expect(model.map((_, index) => width.getAtMost(block, index))).toEqual(model);
      }),
    );
  });

  it('stores counts up to the largest that its bits can hold', () => {
    expect([0, 1, 2, 3, 4, 5].map((order) => refcountWidth(order).most)).toEqual([1, 3, 15, 255, 65535, 2 ** 32 - 1]);
    expect(refcountWidth(6).most).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('refuses a count that is too large for a number', () => {
    const block = new Uint8Array(8).fill(0xff);
    expect(() => refcountWidth(6).get(block, 0)).toThrow('more than can be');
    expect(refcountWidth(6).getAtMost(block, 0)).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => refcountWidth(7)).toThrow(RangeError);
  });
});
