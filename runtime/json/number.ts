import type { Int64 } from './value.js';

/** Integers of so many characters, the sign included, are safe whatever their digits. */
const SAFE_LENGTH = 15;

/**
 * An integer, exact: a `bigint` where a `number` would not be. Outside the range of 64 bits it is what it is to QMP, a double.
 *
 * @param digits the integer as JSON writes it
 */
export function parseInteger(digits: string): Int64 {
  const double = Number(digits);
  if (digits.length <= SAFE_LENGTH || Number.isSafeInteger(double)) return double + 0;
  if (digits.length > 20) return double;
  const exact = BigInt(digits);
  return exact === BigInt.asIntN(64, exact) || exact === BigInt.asUintN(64, exact) ? exact : double;
}

/**
 * A number written with a fraction or an exponent whose value is integral, as `1.0` and `1e3` are. To QMP it is not an
 * integer, which a plain `number` could not tell. Only the strict parser makes it, and only for such numbers.
 */
export class IntegralDouble {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  valueOf(): number {
    return this.value;
  }

  toJSON(): number {
    return this.value;
  }
}
