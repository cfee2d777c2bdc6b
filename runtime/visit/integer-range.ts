import type { Int64 } from '../json/value.js';

const UINT64 = 64;

/** A 64-bit integer in the one form that {@link Int64} gives it: a `number` when that is safe. */
export function int64Of(value: bigint): Int64 {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** The signed 64-bit integer that a value is; undefined when it is none. */
export function toInt64(value: unknown): Int64 | undefined {
  if (Number.isSafeInteger(value)) return value as number;
  return typeof value === 'bigint' && BigInt.asIntN(UINT64, value) === value ? int64Of(value) : undefined;
}

/** The unsigned 64-bit integer that a value is; undefined when it is none. */
export function toUint64(value: unknown): Int64 | undefined {
  if (Number.isSafeInteger(value)) return (value as number) >= 0 ? (value as number) : undefined;
  return typeof value === 'bigint' && BigInt.asUintN(UINT64, value) === value ? int64Of(value) : undefined;
}

/**
 * The unsigned 64-bit integer that a value is read as: QMP takes negative integers modulo 2^64, so `-1` is the greatest.
 * Undefined when it is no integer of 64 bits.
 */
export function wrapUint64(value: unknown): Int64 | undefined {
  const signed = toInt64(value);
  return signed !== undefined && signed < 0 ? int64Of(BigInt.asUintN(UINT64, BigInt(signed))) : toUint64(value);
}
