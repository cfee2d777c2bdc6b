import v8 from 'node:v8';
import vm from 'node:vm';
import fc from 'fast-check';
import { expect } from 'vitest';

/** How many cases a fuzz test tries: few, unless `QAPI_FUZZ_RUNS` asks for more. */
const FUZZ_RUNS = Number(process.env.QAPI_FUZZ_RUNS ?? 200);

/** The time that many runs may take. */
export const FUZZ_TIMEOUT = 30_000 + FUZZ_RUNS * 50;

/** A change of one byte. */
interface Mutation {
  readonly at: number;
  readonly byte: number;
  readonly kind: 'set' | 'insert' | 'drop';
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(),
  // Half of the bytes mean something to JSON.
  byte: fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('{}[]:,"\'\\-0.eu\n\r\t'))),
  kind: fc.constantFrom('set', 'insert', 'drop'),
});

/** Bytes of the wire with some of them changed, inserted or dropped, and how many. */
interface Noise {
  readonly bytes: Buffer;
  readonly mutations: number;
}

/** Noise made of what the peer might have said. */
function noise(said: fc.Arbitrary<string>): fc.Arbitrary<Noise> {
  return fc
    .tuple(fc.array(said, { minLength: 1, maxLength: 5 }), fc.array(mutation, { maxLength: 12 }))
    .map(([lines, mutations]) => {
      const bytes = [...Buffer.from(lines.join(''))];
      for (const { at, byte, kind } of mutations) {
        const place = at % (bytes.length + 1);
        bytes.splice(place, kind === 'insert' ? 0 : 1, ...(kind === 'drop' ? [] : [byte]));
      }
      return { bytes: Buffer.from(bytes), mutations: mutations.length };
    });
}

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

/** The memory in use, garbage not counted, in MiB. */
function memoryInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

/** Tries a property with noise upon noise, and checks that the memory in use does not grow with it. */
export async function fuzz(
  who: string,
  said: fc.Arbitrary<string>,
  property: (noises: readonly Buffer[]) => Promise<void>,
): Promise<void> {
  const started = performance.now();
  let mutations = 0;
  let runs = 0;
  let before = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(noise(said), { minLength: 1, maxLength: 8 }), async (noises) => {
      for (const { mutations: count } of noises) mutations += count;
      await property(noises.map(({ bytes }) => bytes));
      // What is only made once is there by now.
      if (++runs === 100) before = memoryInUse();
    }),
    { numRuns: FUZZ_RUNS },
  );
  const after = memoryInUse();
  if (FUZZ_RUNS > 1000) {
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    console.log(
      `${who}: ${mutations} mutations in ${seconds} s; ${before.toFixed(1)} MiB before, ${after.toFixed(1)} after`,
    );
  }
  expect(after - before).toBeLessThan(16);
}
