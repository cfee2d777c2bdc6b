import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPowerOfTwo, largestSize, roundDown, roundUp } from '../../../runtime/block/limits.js';

describe('rounding', () => {
  it('property: is exact for all sizes', () => {
    const value = fc.oneof(fc.integer({ min: 0, max: largestSize }), fc.integer({ min: 0, max: 5000 }));
    fc.assert(
      fc.property(value, fc.integer({ min: 1, max: 2 ** 21 }), (size, unit) => {
        const [down, up] = [BigInt(roundDown(size, unit)), BigInt(roundUp(size, unit))];
        const [exact, step] = [BigInt(size), BigInt(unit)];
        expect(down).toBe(exact - (exact % step));
        expect(up).toBe(exact % step === 0n ? exact : down + step);
      }),
    );
  });

  it('rounds the largest size to any cluster size exactly', () => {
    expect(largestSize % 2 ** 21).toBe(0);
    expect(Number.isSafeInteger(roundUp(largestSize, 2 ** 21))).toBe(true);
  });
});

describe('powers of two', () => {
  it('recognises powers of two', () => {
    for (let exponent = 0; exponent < 53; exponent++) {
      expect(isPowerOfTwo(2 ** exponent)).toBe(true);
      if (exponent > 1)
        expect([isPowerOfTwo(2 ** exponent - 1), isPowerOfTwo(2 ** exponent + 1)]).toEqual([false, false]);
    }
    for (const other of [0, -1, -2, 0.5, 1.5, 3, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(isPowerOfTwo(other)).toBe(false);
    }
  });
});
