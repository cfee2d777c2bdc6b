import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DirtyBits } from '../../../../runtime/block/bitmaps/dirty-bits.js';

it('agrees with a set of granules after any changes', () => {
  const granularity = 512;
  const size = 512 * 70_000 + 100;
  const place = fc.integer({ min: 0, max: size - 1 });
  const change = fc.record({
    kind: fc.constantFrom('set', 'clear'),
    offset: place,
    length: fc.integer({ min: 0, max: 512 * 3000 }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), place, (changes, from) => {
      const bits = new DirtyBits(size, granularity);
      const model = new Set<number>();
      for (const { kind, offset, length } of changes) {
        const end = Math.min(offset + length, size);
        for (let granule = Math.floor(offset / granularity); length > 0 && granule * granularity < end; granule++) {
          if (kind === 'set') model.add(granule);
          else model.delete(granule);
        }
        if (kind === 'set') bits.set(offset, length);
        else bits.clear(offset, length);
      }
      expect(bits.count).toBe(model.size);
      const sorted = [...model].sort((a, b) => a - b);
      const next = sorted.find((granule) => granule >= Math.floor(from / granularity));
      expect(bits.run(from, 1)?.offset).toBe(next === undefined ? undefined : next * granularity);
      const listed = [...bits.runs()].flatMap(({ offset, length }) =>
        Array.from({ length: Math.ceil(length / granularity) }, (_, index) => offset / granularity + index),
      );
      expect(listed).toEqual(sorted);
    }),
    { seed: 5, numRuns: 200 },
  );
});

it('cuts a run at the end of the disk and at the most that is asked for', () => {
  const bits = new DirtyBits(10_000, 4096);
  bits.set(4096, 6000);
  expect(bits.run(0, 1 << 20)).toEqual({ offset: 4096, length: 5904 });
  expect(bits.run(0, 4096)).toEqual({ offset: 4096, length: 4096 });
  expect(bits.run(9000, 1)).toEqual({ offset: 8192, length: 1808 });
});

it('forgets what is cut off, and has nothing dirty where a disk has grown', () => {
  const bits = new DirtyBits(8192, 4096);
  bits.set(0, 8192);
  bits.resize(4096);
  expect(bits.count).toBe(1);
  bits.resize(1 << 20);
  expect(bits.count).toBe(1);
  expect(bits.has(4096)).toBe(false);
});
