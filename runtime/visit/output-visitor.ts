import type { EncodeOptions } from '../json/codec.js';
import type { Int64, JsonValue } from '../json/value.js';
import { CheckingVisitor } from './checking-visitor.js';
import { toInt64, toUint64 } from './integer-range.js';
import { jsonKind } from './json-kind.js';
import { memberCount } from './member-count.js';
import { mismatch, noObject } from './mismatch.js';
import { refuseFirst, unknownMembers } from './unknown-members.js';
import { within } from './visit-error.js';
import type { Members, Name, SpecialFeature, Visit, VisitMembers } from './visitor.js';

/**
 * Prepares typed values for the wire: a checked copy, without members that are `undefined`. Objects must be plain ones: what
 * they inherit does not count.
 *
 * The visitor keeps no state, so one serves any number of values.
 *
 * @throws VisitError for the first member, in the order of the schema, that is wrong
 */
export class OutputVisitor extends CheckingVisitor {
  readonly #hidden: readonly SpecialFeature[];

  constructor(options: EncodeOptions = {}) {
    super();
    this.#hidden = (['deprecated', 'unstable'] as const).filter((feature) => options[feature] === 'hide');
  }

  number(value: unknown, name: Name): number {
    if (typeof value !== 'number' || !Number.isFinite(value))
      return this.refuse(mismatch(value, name, 'number'), value);
    return value;
  }

  int64(value: unknown, name: Name): Int64 {
    const integer = toInt64(value);
    if (integer === undefined) return this.refuse(mismatch(value, name, 'int64'), value);
    return integer;
  }

  uint64(value: unknown, name: Name): Int64 {
    const integer = toUint64(value);
    if (integer === undefined) return this.refuse(mismatch(value, name, 'uint64'), value);
    return integer;
  }

  any(value: unknown, name: Name): JsonValue {
    switch (jsonKind(value)) {
      case 'object':
        return this.#anyObject(value as Members, name);
      case 'array':
        return this.list(value, name, (_visitor, item, index) => this.any(item, index));
      case 'number':
        return typeof value === 'bigint' ? this.#anyInteger(value, name) : this.number(value, name);
      case undefined:
        return this.refuse(mismatch(value, name, 'any'), value);
      default:
        return value as JsonValue;
    }
  }

  #anyInteger(value: bigint, name: Name): Int64 {
    return value < 0n ? this.int64(value, name) : this.uint64(value, name);
  }

  #anyObject(value: Members, name: Name): JsonValue {
    const copy: Members = { ...value };
    try {
      for (const key of Object.keys(copy)) {
        if (copy[key] === undefined) delete copy[key];
        else copy[key] = this.any(copy[key], key);
      }
    } catch (error) {
      throw within(error, name);
    }
    return copy as JsonValue;
  }

  struct(value: unknown, name: Name, type: string, members: VisitMembers): unknown {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.refuse(noObject(value, name, type), value);
    const copy: Members = { ...value };
    try {
      const visited = members(this, copy);
      if (memberCount(copy) !== visited) tidy(copy, type, members);
    } catch (error) {
      throw within(error, name);
    }
    return copy;
  }

  list<T>(value: unknown, name: Name, element: Visit<T>): T[] {
    if (!Array.isArray(value)) return this.refuse(mismatch(value, name, 'list'), value);
    const copy: T[] = [];
    try {
      for (let index = 0; index < value.length; index++) copy.push(element(this, value[index], index));
    } catch (error) {
      throw within(error, name);
    }
    return copy;
  }

  admits(_value: unknown, _name: Name, features: readonly SpecialFeature[]): boolean {
    return !this.#hidden.some((feature) => features.includes(feature));
  }
}

/** Removes the members that are `undefined`; any others beyond what was visited are unknown to the schema. */
function tidy(object: Members, type: string, members: VisitMembers): void {
  refuseFirst(unknownMembers(object, type, members));
  for (const name of Object.keys(object)) if (object[name] === undefined) delete object[name];
}
