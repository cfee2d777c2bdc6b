import fc from 'fast-check';
import type { JsonValue } from '../../../runtime/json/value.js';

const INTERESTING = [
  '__proto__',
  'constructor',
  'toString',
  '',
  '\0',
  '"',
  "'",
  '\\',
  '\u2028',
  '€',
  '😀',
  '\u007f',
  '12345678901234567',
];

/** Text that may be exchanged: no half surrogates, no non-characters. */
export const jsonText = fc
  .oneof(
    { weight: 3, arbitrary: fc.string({ unit: 'grapheme-composite', maxLength: 12 }) },
    { weight: 1, arbitrary: fc.constantFrom(...INTERESTING) },
  )
  .filter((text) => !/\p{Noncharacter_Code_Point}/u.test(text));

/** 64-bit integers as the library holds them: numbers when safe, else bigints. */
export const int64 = fc
  .oneof(
    fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n),
    fc.maxSafeInteger().map(BigInt),
    fc.constantFrom(2n ** 53n, -(2n ** 53n), 2n ** 63n),
  )
  .map((value) => (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value));

/** Doubles that are not taken for integers: those would come back as `bigint`s beyond the safe range. */
const double = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .filter((value) => !Number.isInteger(value) || Math.abs(value) < 2 ** 53);

/** Any JSON value, lossless integers included. */
export function jsonValue(): fc.Arbitrary<JsonValue> {
  const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<JsonValue>(null, true, false),
      jsonText,
      int64,
      double,
      fc.array(tie('value'), { maxLength: 5 }),
      fc.array(fc.tuple(jsonText, tie('value')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
    ),
  }));
  return value;
}
