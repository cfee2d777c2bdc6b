import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimedAverage } from '../../../../runtime/block/backend/timed-average.js';

const interval = 3000;

describe('a timed average', () => {
  it('reports 0 without measurements', () => {
    expect(new TimedAverage(interval, 0).measured(500)).toEqual({ least: 0, most: 0, average: 0, density: 0 });
  });

  it('averages all that was measured since it began, at first', () => {
    const average = new TimedAverage(interval, 1000);
    for (const value of [300, 100, 500]) average.add(1100, value);
    expect(average.measured(2000)).toEqual({ least: 100, most: 500, average: 300, density: 0.9 });
  });

  it('shows the older of two windows of four thirds of the interval, one half of that ahead', () => {
    const average = new TimedAverage(interval, 0);
    average.add(1999, 10);
    expect(average.measured(1999).most).toBe(10);
    // The first window has ended at 2000; the second has been there since the beginning.
    average.add(2000, 4);
    expect(average.measured(2000)).toEqual({ least: 4, most: 10, average: 7, density: 14 / 2000 });
    // At 4000 the second ends, and the first, which began at 2000, is the older one.
    expect(average.measured(4000)).toEqual({ least: 4, most: 4, average: 4, density: 4 / 2000 });
    expect(average.measured(6000).most).toBe(0);
  });

  it('shows all of the last two thirds of an interval, and nothing older than four thirds', () => {
    const samples = fc.array(fc.record({ after: fc.nat(5000), value: fc.integer({ min: 1, max: 1000 }) }));
    fc.assert(
      fc.property(samples, fc.nat(9000), (list, wait) => {
        const average = new TimedAverage(interval, 0);
        let now = 0;
        const added = list.map(({ after, value }) => {
          now += after;
          average.add(now, value);
          return { at: now, value };
        });
        now += wait;
        const { least, most, average: mean, density } = average.measured(now);
        const certain = added.filter(({ at }) => at > now - 2000).map(({ value }) => value);
        const possible = added.filter(({ at }) => at >= now - 4000).map(({ value }) => value);
        expect(most).toBeGreaterThanOrEqual(Math.max(0, ...certain));
        expect(most === 0 || possible.includes(most)).toBe(true);
        expect(least === 0 || possible.includes(least)).toBe(true);
        if (certain.length > 0) expect(least).toBeLessThanOrEqual(Math.min(...certain));
        expect(mean).toBeGreaterThanOrEqual(least);
        expect(mean).toBeLessThanOrEqual(most);
        expect(density).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
