import v8 from 'node:v8';
import vm from 'node:vm';
import fc from 'fast-check';

/** How many cases a fuzz test tries: few, unless `QAPI_FUZZ_RUNS` asks for more. */
export const FUZZ_RUNS = Number(process.env.QAPI_FUZZ_RUNS ?? 200);

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
export interface Noise {
  readonly bytes: Buffer;
  readonly mutations: number;
}

/** Noise made of what the peer might have said. */
export function noise(said: fc.Arbitrary<string>): fc.Arbitrary<Noise> {
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
export function memoryInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}
