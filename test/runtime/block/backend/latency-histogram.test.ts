import fc from 'fast-check';
import { expect, it } from 'vitest';
import { areBoundaries, LatencyHistogram } from '../../../../runtime/block/backend/latency-histogram.js';

it('counts a latency in the interval that it is in, a boundary in the one above it', () => {
  const histogram = new LatencyHistogram([10, 50, 100]);
  for (const latency of [0, 9, 10, 49, 50, 99, 100, 1e12]) histogram.add(latency);
  expect(histogram.info).toEqual({ boundaries: [10, 50, 100], bins: [2, 2, 2, 2] });
});

it('takes boundaries beyond what numbers hold exactly', () => {
  const boundaries = [2n ** 63n, 2n ** 64n - 1n];
  expect(areBoundaries(boundaries)).toBe(true);
  const histogram = new LatencyHistogram(boundaries);
  histogram.add(5);
  expect(histogram.info).toEqual({ boundaries, bins: [1, 0, 0] });
});

it.each([[[]], [[0]], [[0, 1]], [[5, 5]], [[5, 4]], [[1, 3, 2]]])('refuses the boundaries %j', (boundaries) => {
  expect(areBoundaries(boundaries)).toBe(false);
});

it('counts like a search through the intervals, whatever the boundaries', () => {
  const ascending = fc
    .uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 20 })
    .map((list) => list.sort((a, b) => a - b));
  const property = fc.property(ascending, fc.array(fc.nat(1100)), (boundaries, latencies) => {
    const histogram = new LatencyHistogram(boundaries);
    for (const latency of latencies) histogram.add(latency);
    const ends = [...boundaries, Number.POSITIVE_INFINITY];
    const inside = (from: number, to: number) => latencies.filter((each) => each >= from && each < to).length;
    expect(histogram.info.bins).toEqual(ends.map((end, index) => inside(boundaries[index - 1] ?? 0, end)));
  });
  fc.assert(property, { seed: 13, numRuns: 200 });
});
