import fc from 'fast-check';

/** An image of any geometry, and how it is opened. */
export interface Geometry {
  readonly compat: '0.10' | '1.1';
  readonly clusterBits: number;
  readonly refcountBits: number;
  readonly lazy: boolean;
  readonly sectors: number;
  /** Sectors of the backing file; 0: there is none. */
  readonly backing: number;
  readonly smallCaches: boolean;
  readonly passDiscards: boolean;
  /** What is discarded keeps its place. */
  readonly keepsDiscarded: boolean;
}

/** Something that is done. Places and lengths are parts of the disk. */
export type Action =
  | {
      readonly kind: 'write' | 'zeroes' | 'discard' | 'compressed';
      readonly at: number;
      readonly length: number;
      /** `fua` for writes, `mayUnmap` for zeroes. */
      readonly flag: boolean;
    }
  | { readonly kind: 'resize'; readonly part: number }
  | { readonly kind: 'flush' };

const sizes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 600 }) },
  // With small clusters and wide refcounts, this is where the refcount table has to grow.
  { weight: 1, arbitrary: fc.integer({ min: 5000, max: 7000 }) },
);

export const geometries: fc.Arbitrary<Geometry> = fc
  .record({
    compat: fc.constantFrom('0.10' as const, '1.1' as const, '1.1' as const),
    clusterBits: fc.constantFrom(9, 9, 9, 10, 12, 16),
    refcountBits: fc.constantFrom(1, 2, 4, 8, 16, 32, 64, 64),
    lazy: fc.boolean(),
    sectors: fc.noBias(sizes),
    backing: fc.oneof(fc.constant(0), fc.noBias(fc.integer({ min: 1, max: 700 }))),
    smallCaches: fc.boolean(),
    passDiscards: fc.boolean(),
    keepsDiscarded: fc.boolean(),
  })
  .map((geometry) =>
    geometry.compat === '0.10' ? { ...geometry, refcountBits: 16, lazy: false, keepsDiscarded: false } : geometry,
  );

/** Evenly from 0 to 1: doubles would be next to 0 nearly always. */
const part = fc.noBias(fc.nat(9999)).map((number) => number / 10_000);

const actions: fc.Arbitrary<Action> = fc.oneof(
  ...(
    [
      ['write', 10],
      ['zeroes', 3],
      ['discard', 3],
      ['compressed', 3],
    ] as const
  ).map(([kind, weight]) => ({
    weight,
    arbitrary: fc.record({
      kind: fc.constant(kind),
      at: part,
      length: fc.oneof(
        part.map((length) => length / 20),
        part.map((length) => length / 3),
      ),
      flag: fc.integer({ min: 0, max: 5 }).map((number) => number === 0),
    }),
  })),
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resize' as const), part }) },
  { weight: 3, arbitrary: fc.constant<Action>({ kind: 'flush' }) },
);

/** Groups of things to do; those of a group run side by side. */
export const loads: fc.Arbitrary<Action[][]> = fc.noBias(
  fc.array(fc.array(actions, { minLength: 1, maxLength: 8, size: 'max' }), {
    minLength: 1,
    maxLength: 12,
    size: 'max',
  }),
);
