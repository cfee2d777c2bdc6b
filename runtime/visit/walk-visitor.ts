import type { Int64, JsonValue } from '../json/value.js';
import { jsonKind } from './json-kind.js';
import type { EnumInfo, JsonKind, Members, Name, SpecialFeature, Visit, VisitMembers, Visitor } from './visitor.js';

/**
 * Goes through a typed value and leaves it as it is: the base of visitors that collect something.
 *
 * Overrides must return the value that they were given. To make changed values, extend {@link CloneVisitor}.
 *
 * @example
 * class References extends WalkVisitor {
 *   readonly found: string[] = [];
 *   override alternate(value: unknown, name: Name, type: string): JsonKind {
 *     if (type === 'BlockdevRef' && typeof value === 'string') this.found.push(value);
 *     return super.alternate(value, name, type);
 *   }
 * }
 */
export class WalkVisitor implements Visitor {
  str(value: unknown, _name: Name): string {
    return value as string;
  }

  bool(value: unknown, _name: Name): boolean {
    return value as boolean;
  }

  null(value: unknown, _name: Name): null {
    return value as null;
  }

  number(value: unknown, _name: Name): number {
    return value as number;
  }

  int8(value: unknown, _name: Name): number {
    return value as number;
  }

  int16(value: unknown, _name: Name): number {
    return value as number;
  }

  int32(value: unknown, _name: Name): number {
    return value as number;
  }

  int64(value: unknown, _name: Name): Int64 {
    return value as Int64;
  }

  uint8(value: unknown, _name: Name): number {
    return value as number;
  }

  uint16(value: unknown, _name: Name): number {
    return value as number;
  }

  uint32(value: unknown, _name: Name): number {
    return value as number;
  }

  uint64(value: unknown, _name: Name): Int64 {
    return value as Int64;
  }

  size(value: unknown, _name: Name): Int64 {
    return value as Int64;
  }

  any(value: unknown, _name: Name): JsonValue {
    return value as JsonValue;
  }

  enum<E extends string>(value: unknown, _name: Name, _type: EnumInfo<E>): E {
    return value as E;
  }

  struct(value: unknown, _name: Name, _type: string, members: VisitMembers): unknown {
    if (jsonKind(value) === 'object') members(this, value as Members);
    return value;
  }

  list<T>(value: unknown, _name: Name, element: Visit<T>): T[] {
    if (Array.isArray(value)) {
      let index = 0;
      for (const item of value) element(this, item, index++);
    }
    return value as T[];
  }

  alternate(value: unknown, _name: Name, _type: string): JsonKind {
    return jsonKind(value) as JsonKind;
  }

  otherwise(value: unknown, _name: Name, _type: string, _kinds: readonly JsonKind[]): unknown {
    return value;
  }

  admits(_value: unknown, _name: Name, _features: readonly SpecialFeature[]): boolean {
    return true;
  }
}
