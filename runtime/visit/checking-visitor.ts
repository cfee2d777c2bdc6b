import type { Int64, JsonValue } from '../json/value.js';
import { jsonKind } from './json-kind.js';
import { mismatch, noBranch, noEnumValue } from './mismatch.js';
import type { VisitError } from './visit-error.js';
import type { EnumInfo, JsonKind, Name, SpecialFeature, Visit, VisitMembers, Visitor } from './visitor.js';

/** What the input and the output visitor have in common: a value must be what its schema type says. */
export abstract class CheckingVisitor implements Visitor {
  str(value: unknown, name: Name): string {
    if (typeof value !== 'string') return this.refuse(mismatch(value, name, 'str'), value);
    return value;
  }

  bool(value: unknown, name: Name): boolean {
    if (typeof value !== 'boolean') return this.refuse(mismatch(value, name, 'bool'), value);
    return value;
  }

  null(value: unknown, name: Name): null {
    if (value !== null) return this.refuse(mismatch(value, name, 'null'), value);
    return value;
  }

  int8(value: unknown, name: Name): number {
    if (typeof value !== 'number' || (value << 24) >> 24 !== value)
      return this.refuse(mismatch(value, name, 'int8'), value);
    return value;
  }

  int16(value: unknown, name: Name): number {
    if (typeof value !== 'number' || (value << 16) >> 16 !== value)
      return this.refuse(mismatch(value, name, 'int16'), value);
    return value;
  }

  int32(value: unknown, name: Name): number {
    if (typeof value !== 'number' || (value | 0) !== value) return this.refuse(mismatch(value, name, 'int32'), value);
    return value;
  }

  uint8(value: unknown, name: Name): number {
    if (typeof value !== 'number' || (value & 0xff) !== value)
      return this.refuse(mismatch(value, name, 'uint8'), value);
    return value;
  }

  uint16(value: unknown, name: Name): number {
    if (typeof value !== 'number' || (value & 0xffff) !== value)
      return this.refuse(mismatch(value, name, 'uint16'), value);
    return value;
  }

  uint32(value: unknown, name: Name): number {
    if (typeof value !== 'number' || value >>> 0 !== value) return this.refuse(mismatch(value, name, 'uint32'), value);
    return value;
  }

  enum<E extends string>(value: unknown, name: Name, type: EnumInfo<E>): E {
    return type.find(value) ?? this.refuse(noEnumValue(value, name, type), value);
  }

  alternate(value: unknown, name: Name, _type: string): JsonKind {
    const kind = jsonKind(value);
    if (kind === undefined) return this.refuse(mismatch(value, name, 'any'), value);
    return kind;
  }

  otherwise(value: unknown, name: Name, type: string, kinds: readonly JsonKind[]): unknown {
    return this.refuse(noBranch(value, name, type, kinds), value);
  }

  size(value: unknown, name: Name): Int64 {
    return this.uint64(value, name);
  }

  /** Called for every value that is wrong. */
  protected refuse(error: VisitError, _value: unknown): never {
    throw error;
  }

  abstract number(value: unknown, name: Name): number;
  abstract int64(value: unknown, name: Name): Int64;
  abstract uint64(value: unknown, name: Name): Int64;
  abstract any(value: unknown, name: Name): JsonValue;
  abstract struct(value: unknown, name: Name, type: string, members: VisitMembers): unknown;
  abstract list<T>(value: unknown, name: Name, element: Visit<T>): T[];
  abstract admits(value: unknown, name: Name, features: readonly SpecialFeature[]): boolean;
}
