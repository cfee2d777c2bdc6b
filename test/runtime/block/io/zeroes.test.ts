import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isZero, zeroBuffer } from '../../../../runtime/block/io/zeroes.js';

describe('zeroes', () => {
  it('property: are found in buffers of any length, and nothing else is', () => {
    const length = fc.oneof(fc.nat(5000), fc.constantFrom(2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 2 ** 21 + 5));
    fc.assert(
      fc.property(length, fc.nat(), fc.integer({ min: 1, max: 255 }), (size, place, value) => {
        const data = new Uint8Array(size);
        if (!isZero(data)) return false;
        if (size === 0) return true;
        data[place % size] = value;
        return !isZero(data);
      }),
      { numRuns: 300 },
    );
  });

  it('come in as many at a time as there are, or as the unit wants', () => {
    expect(zeroBuffer(0).length).toBe(0);
    expect(zeroBuffer(5).length).toBe(5);
    expect(zeroBuffer(2 ** 30).length).toBe(2 ** 20);
    expect(zeroBuffer(2 ** 30, 512).length % 512).toBe(0);
    expect(zeroBuffer(2 ** 30, 2 ** 22).length).toBe(2 ** 22);
  });
});
