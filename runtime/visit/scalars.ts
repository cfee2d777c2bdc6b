import type { Int64, JsonValue } from '../json/value.js';
import { VisitError } from './visit-error.js';
import type { Name, VisitMembers, Visitor } from './visitor.js';

/*
 * The built-in types as visit functions: for elements of lists, arguments and results. Members of objects are visited by
 * calling the visitor directly.
 */

/** Visits a `str`. */
export const visitStr = (visitor: Visitor, value: unknown, name?: Name): string => visitor.str(value, name);
/** Visits a `bool`. */
export const visitBool = (visitor: Visitor, value: unknown, name?: Name): boolean => visitor.bool(value, name);
/** Visits a `null`. */
export const visitNull = (visitor: Visitor, value: unknown, name?: Name): null => visitor.null(value, name);
/** Visits a `number`. */
export const visitNumber = (visitor: Visitor, value: unknown, name?: Name): number => visitor.number(value, name);
/** Visits an `int8`. */
export const visitInt8 = (visitor: Visitor, value: unknown, name?: Name): number => visitor.int8(value, name);
/** Visits an `int16`. */
export const visitInt16 = (visitor: Visitor, value: unknown, name?: Name): number => visitor.int16(value, name);
/** Visits an `int32`. */
export const visitInt32 = (visitor: Visitor, value: unknown, name?: Name): number => visitor.int32(value, name);
/** Visits an `int` or `int64`. */
export const visitInt64 = (visitor: Visitor, value: unknown, name?: Name): Int64 => visitor.int64(value, name);
/** Visits a `uint8`. */
export const visitUint8 = (visitor: Visitor, value: unknown, name?: Name): number => visitor.uint8(value, name);
/** Visits a `uint16`. */
export const visitUint16 = (visitor: Visitor, value: unknown, name?: Name): number => visitor.uint16(value, name);
/** Visits a `uint32`. */
export const visitUint32 = (visitor: Visitor, value: unknown, name?: Name): number => visitor.uint32(value, name);
/** Visits a `uint64`. */
export const visitUint64 = (visitor: Visitor, value: unknown, name?: Name): Int64 => visitor.uint64(value, name);
/** Visits a `size`. */
export const visitSize = (visitor: Visitor, value: unknown, name?: Name): Int64 => visitor.size(value, name);
/** Visits an `any`. */
export const visitAny = (visitor: Visitor, value: unknown, name?: Name): JsonValue => visitor.any(value, name);

/** Visits an `int` or `int64` in code generated with `--int64 bigint`. */
export const visitInt64AsBigint = (visitor: Visitor, value: unknown, name?: Name): bigint =>
  bigint(visitor.int64(value, name));
/** Visits a `uint64` in code generated with `--int64 bigint`. */
export const visitUint64AsBigint = (visitor: Visitor, value: unknown, name?: Name): bigint =>
  bigint(visitor.uint64(value, name));
/** Visits a `size` in code generated with `--int64 bigint`. */
export const visitSizeAsBigint = (visitor: Visitor, value: unknown, name?: Name): bigint =>
  bigint(visitor.size(value, name));
/** Visits an `int` or `int64` in code generated with `--int64 number`. */
export const visitInt64AsNumber = (visitor: Visitor, value: unknown, name?: Name): number =>
  safe(visitor.int64(value, name), name);
/** Visits a `uint64` in code generated with `--int64 number`. */
export const visitUint64AsNumber = (visitor: Visitor, value: unknown, name?: Name): number =>
  safe(visitor.uint64(value, name), name);
/** Visits a `size` in code generated with `--int64 number`. */
export const visitSizeAsNumber = (visitor: Visitor, value: unknown, name?: Name): number =>
  safe(visitor.size(value, name), name);

// A visitor that does not check passes on what it is given, so these only convert what they can.
function bigint(value: Int64): bigint {
  return Number.isInteger(value) ? BigInt(value) : (value as bigint);
}

function safe(value: Int64, name: Name): number {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new VisitError({ kind: 'value', name, expected: 'an integer that a number holds exactly', found: value });
}

const noMembers: VisitMembers = () => 0;

/** Visits an object without members: the arguments of a command that takes none. */
export const visitEmpty = (visitor: Visitor, value: unknown, name?: Name): Record<string, never> =>
  visitor.struct(value, name, 'q_empty', noMembers) as Record<string, never>;
