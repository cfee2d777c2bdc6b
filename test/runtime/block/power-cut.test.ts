import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutsUnder, judgeCut } from './power-cut-load.js';
import { type Action, type Geometry, geometries, loads } from './power-cut-scenario.js';
import { randomFrom } from './random-from.js';

/** `QAPI_POWER_CUT_RUNS` is for many more. */
const runs = Number(process.env.QAPI_POWER_CUT_RUNS ?? 30);

/** A disk of one cluster. */
const small: Geometry = {
  compat: '1.1',
  clusterBits: 9,
  refcountBits: 16,
  lazy: false,
  sectors: 1,
  backing: 0,
  smallCaches: false,
  passDiscards: false,
  keepsDiscarded: false,
};

/** Where an image's header says that the refcount table is. */
function tableOffset(image: Uint8Array): number {
  return Buffer.from(image.buffer, image.byteOffset).readUInt32BE(52);
}

async function cutAndJudge(
  geometry: Geometry,
  load: readonly (readonly Action[])[],
  seed: number,
  { often = 0.02, honest = true } = {},
): Promise<number> {
  const random = randomFrom(seed);
  const cuts = await cutsUnder(geometry, load, random, often, honest);
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
          cuts += await cutAndJudge(geometry, load, seed, { often: 0.005 });
        }),
        { numRuns: runs },
      );
      expect(cuts).toBeGreaterThan(runs);
    },
    30_000 + runs * 1000,
  );

  it(
    'costs no more while the refcount table moves to where there is room for it',
    async () => {
      const large = { ...small, refcountBits: 64, sectors: 5000, smallCaches: true };
      const filling: Action[][] = [0, 0.25, 0.5, 0.75].map((at) => [{ kind: 'write', at, length: 0.25, flag: true }]);
      let moved = 0;
      await fc.assert(
        fc.asyncProperty(fc.nat(), fc.boolean(), async (seed, lazy) => {
          const random = randomFrom(seed);
          const cuts = await cutsUnder({ ...large, lazy }, filling, random, 0.003);
          for (const cut of cuts) await judgeCut({ ...large, lazy }, cut, [], random);
          moved += cuts.filter(({ image }) => tableOffset(image) !== 512).length;
        }),
        { numRuns: Math.ceil(runs / 6) },
      );
      expect(moved).toBeGreaterThan(0);
    },
    30_000 + runs * 1000,
  );

  it.each([1, 16])('leaves no table entry without its data, with lazy refcounts of %i bits', async (refcountBits) => {
    const geometry = { ...small, refcountBits, lazy: true };
    const write: Action = { kind: 'write', at: 0, length: 1, flag: true };
    for (let seed = 0; seed < 50; seed++) await cutAndJudge(geometry, [[write]], seed, { often: 0.5 });
  });

  it('brings nothing back from under zeroes', async () => {
    const write: Action = { kind: 'write', at: 0, length: 1, flag: true };
    const zeroes: Action = { kind: 'zeroes', at: 0, length: 1, flag: false };
    const load = [write, zeroes, { kind: 'flush' } as const, write].map((action) => [action]);
    for (let seed = 0; seed < 20; seed++) await cutAndJudge(small, load, seed, { often: 0.5 });
  });

  it('brings nothing back that was cut off, when the disk grows again', async () => {
    const resize = (part: number): Action[] => [{ kind: 'resize', part }];
    const write: Action = { kind: 'write', at: 0, length: 1, flag: true };
    const load = [resize(0.0625), [write], resize(0)];
    for (let seed = 0; seed < 20; seed++) await cutAndJudge(small, load, seed, { often: 0.5 });
  });

  it('the judge finds losses on a disk whose flushes do nothing', async () => {
    const lies = fc.asyncProperty(geometries, loads, fc.nat(), async (geometry, load, seed) => {
      await cutAndJudge(geometry, [...load, [{ kind: 'flush' }]], seed, { honest: false });
    });
    const { failed, errorInstance } = await fc.check(lies, { numRuns: 20, endOnFailure: true });
    expect(failed).toBe(true);
    expect(String(errorInstance)).toMatch(/sector|corrupt|Could not|the disk has/);
  });
});
