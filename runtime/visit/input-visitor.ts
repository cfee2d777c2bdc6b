import type { DecodeOptions } from '../json/codec.js';
import { IntegralDouble } from '../json/number.js';
import type { Int64, JsonValue } from '../json/value.js';
import { CheckingVisitor } from './checking-visitor.js';
import { cloneJson } from './clone-json.js';
import { toInt64, wrapUint64 } from './integer-range.js';
import { jsonKind } from './json-kind.js';
import { memberCount } from './member-count.js';
import { mismatch, noObject } from './mismatch.js';
import { refuseFirst, unknownMembers } from './unknown-members.js';
import { VisitError, within } from './visit-error.js';
import type { EnumInfo, JsonKind, Members, Name, SpecialFeature, Visit, VisitMembers } from './visitor.js';

/**
 * Reads typed values from JSON, as the argument check of a QMP server does: every member must be known, mandatory ones must be
 * there, every value must have the JSON type and lie in the range of its schema type. As in QMP, a negative integer stands for
 * an unsigned one of 64 bits modulo 2^64.
 *
 * The value is taken over: what has to change is changed in place. The visitor keeps no state, so one serves any number of values.
 *
 * @throws VisitError for the first member, in the order of the schema, that is wrong
 */
export class InputVisitor extends CheckingVisitor {
  readonly #keep: boolean;
  readonly #rejected: readonly SpecialFeature[];

  constructor(options: DecodeOptions = {}) {
    super();
    this.#keep = options.unknown === 'keep';
    this.#rejected = (['deprecated', 'unstable'] as const).filter((feature) => options[feature] === 'reject');
  }

  number(value: unknown, name: Name): number {
    if (typeof value === 'number') return value;
    if (typeof value === 'bigint') return Number(value);
    if (value instanceof IntegralDouble) return value.value;
    return this.refuse(mismatch(value, name, 'number'), value);
  }

  int64(value: unknown, name: Name): Int64 {
    if (Number.isSafeInteger(value)) return value as number;
    const integer = toInt64(value);
    if (integer === undefined) return this.refuse(mismatch(value, name, 'int64'), value);
    return integer;
  }

  uint64(value: unknown, name: Name): Int64 {
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
    const integer = wrapUint64(value);
    if (integer === undefined) return this.refuse(mismatch(value, name, 'uint64'), value);
    return integer;
  }

  any(value: unknown, name: Name): JsonValue {
    if (jsonKind(value) === undefined) return this.refuse(mismatch(value, name, 'any'), value);
    return (holdsIntegralDouble(value) ? cloneJson(value) : value) as JsonValue;
  }

  override enum<E extends string>(value: unknown, name: Name, type: EnumInfo<E>): E {
    const found = type.find(value);
    return found === undefined || type.features !== undefined ? this.#unusual(value, name, type, found) : found;
  }

  /** A value that the enum does not have, or may have with special features. */
  #unusual<E extends string>(value: unknown, name: Name, type: EnumInfo<E>, found: E | undefined): E {
    if (found !== undefined) {
      this.#checkPolicy(name, `value '${found}'`, type.features?.get(found));
      return found;
    }
    return this.#keep && typeof value === 'string' ? (value as E) : super.enum(value, name, type);
  }

  struct(value: unknown, name: Name, type: string, members: VisitMembers): unknown {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.refuse(noObject(value, name, type), value);
    try {
      const visited = members(this, value as Members);
      if (memberCount(value) !== visited) this.#checkUnknown(value as Members, type, members);
    } catch (error) {
      throw placed(error, value, name, type);
    }
    return value;
  }

  list<T>(value: unknown, name: Name, element: Visit<T>): T[] {
    if (!Array.isArray(value)) return this.refuse(mismatch(value, name, 'list'), value);
    try {
      for (let index = 0; index < value.length; index++) {
        const item: unknown = value[index];
        const visited = element(this, item, index);
        if (visited !== item) value[index] = visited;
      }
    } catch (error) {
      throw within(error, name);
    }
    return value;
  }

  override otherwise(value: unknown, name: Name, type: string, kinds: readonly JsonKind[]): unknown {
    return this.#keep ? value : super.otherwise(value, name, type, kinds);
  }

  admits(_value: unknown, name: Name, features: readonly SpecialFeature[]): boolean {
    this.#checkPolicy(name, 'it', features);
    return true;
  }

  #checkUnknown(object: Members, type: string, members: VisitMembers): void {
    if (!this.#keep) refuseFirst(unknownMembers(object, type, members));
  }

  #checkPolicy(name: Name, what: string, features: readonly SpecialFeature[] | undefined): void {
    for (const feature of this.#rejected) {
      if (!features?.includes(feature)) continue;
      const expected = `${what} is ${feature}, which is not accepted here`;
      throw new VisitError({ kind: 'policy', name, expected, feature });
    }
  }
}

/** What was wrong with a member, with the object's name before it, unless the object is none. */
function placed(error: unknown, object: object, name: Name, type: string): unknown {
  return object instanceof IntegralDouble ? noObject(object, name, type) : within(error, name);
}

function holdsIntegralDouble(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof IntegralDouble || Object.values(value).some(holdsIntegralDouble);
}
