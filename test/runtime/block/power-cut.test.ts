import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Action, cutsUnder, type Geometry, geometries, judgeCut, loads } from './power-cut-load.js';
import { randomFrom } from './random-from.js';

/** `QAPI_POWER_CUT_RUNS` is for many more. */
const runs = Number(process.env.QAPI_POWER_CUT_RUNS ?? 20);

async function cutAndJudge(geometry: Geometry, load: Action[][], seed: number, honest = true): Promise<number> {
  const random = randomFrom(seed);
  const cuts = await cutsUnder(geometry, load, random, 0.02, honest);
  for (const cut of cuts) await judgeCut(geometry, cut, load[0] ?? [], random);
  return cuts.length;
}

describe('a power cut', () => {
  it(
    'costs a qcow2 image no more than space, and nothing that was flushed',
    async () => {
      let cuts = 0;
      await fc.assert(
        fc.asyncProperty(geometries, loads, fc.nat(), async (geometry, load, seed) => {
          cuts += await cutAndJudge(geometry, load, seed);
        }),
        { numRuns: runs },
      );
      expect(cuts).toBeGreaterThan(runs);
    },
    30_000 + runs * 3000,
  );

  it('on a disk whose flushes do nothing is found to cost more', async () => {
    const lies = fc.asyncProperty(geometries, loads, fc.nat(), async (geometry, load, seed) => {
      await cutAndJudge(geometry, [...load, [{ kind: 'flush' }]], seed, false);
    });
    const { failed, errorInstance } = await fc.check(lies, { numRuns: 20, endOnFailure: true });
    expect(failed).toBe(true);
    expect(String(errorInstance)).toMatch(/sector|corrupt|Could not|the disk has/);
  });
});
