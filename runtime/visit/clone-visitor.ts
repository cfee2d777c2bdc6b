import type { JsonValue } from '../json/value.js';
import { cloneJson } from './clone-json.js';
import { jsonKind } from './json-kind.js';
import { memberCount } from './member-count.js';
import { memberNames } from './member-names.js';
import type { JsonKind, Members, Name, Visit, VisitMembers } from './visitor.js';
import { WalkVisitor } from './walk-visitor.js';

/**
 * Copies a typed value in depth, with what it has beyond the schema: the base of visitors that make a changed copy.
 *
 * @example
 * class Redaction extends CloneVisitor {
 *   override str(value: unknown, name: Name): string {
 *     return name === 'password' ? '********' : super.str(value, name);
 *   }
 * }
 */
export class CloneVisitor extends WalkVisitor {
  override any(value: unknown, _name: Name): JsonValue {
    return cloneJson(value) as JsonValue;
  }

  override struct(value: unknown, _name: Name, _type: string, members: VisitMembers): unknown {
    if (jsonKind(value) !== 'object') return cloneJson(value);
    const copy: Members = { ...(value as Members) };
    if (members(this, copy) !== memberCount(copy)) {
      const known = memberNames(members, copy);
      for (const key of Object.keys(copy)) if (!known.has(key)) copy[key] = cloneJson(copy[key]);
    }
    return copy;
  }

  override list<T>(value: unknown, _name: Name, element: Visit<T>): T[] {
    if (!Array.isArray(value)) return cloneJson(value) as T[];
    return value.map((item, index) => element(this, item, index));
  }

  override otherwise(value: unknown, _name: Name, _type: string, _kinds: readonly JsonKind[]): unknown {
    return cloneJson(value);
  }
}
