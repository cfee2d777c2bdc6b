import type { AlternateType, Conditional, ObjectType, Type } from '../generator/schema/model.js';
import { enumInfo } from '../runtime/visit/enum-info.js';
import { own } from '../runtime/visit/own.js';
import * as scalars from '../runtime/visit/scalars.js';
import type { JsonKind, Members, Visit, VisitMembers } from '../runtime/visit/visitor.js';

/** Whether a part of a schema is in the program at hand. */
export type Presence = (part: Conditional) => boolean;

const builtins: Readonly<Record<string, Visit<unknown>>> = {
  str: scalars.visitStr,
  bool: scalars.visitBool,
  null: scalars.visitNull,
  number: scalars.visitNumber,
  int: scalars.visitInt64,
  int8: scalars.visitInt8,
  int16: scalars.visitInt16,
  int32: scalars.visitInt32,
  int64: scalars.visitInt64,
  uint8: scalars.visitUint8,
  uint16: scalars.visitUint16,
  uint32: scalars.visitUint32,
  uint64: scalars.visitUint64,
  size: scalars.visitSize,
  any: scalars.visitAny,
};

/**
 * The visit functions of a schema's types, made from the model: they do what generated ones do, for programs that have a schema at run time
 * and no code for it. What is not present in the program at hand does not exist for them.
 */
export class ModelVisits {
  readonly #isPresent: Presence;
  readonly #visits = new Map<Type, Visit<unknown>>();
  readonly #members = new Map<ObjectType, VisitMembers>();

  constructor(isPresent: Presence = () => true) {
    this.#isPresent = isPresent;
  }

  /** The visit function of a type. */
  of(type: Type): Visit<unknown> {
    let visit = this.#visits.get(type);
    if (!visit) {
      // A type may hold itself: it is looked up again when it is needed.
      this.#visits.set(type, (visitor, value, name) => (visit as Visit<unknown>)(visitor, value, name));
      visit = this.#make(type);
      this.#visits.set(type, visit);
    }
    return visit;
  }

  #make(type: Type): Visit<unknown> {
    switch (type.kind) {
      case 'builtin':
        return builtins[type.name] as Visit<unknown>;
      case 'enum': {
        const values = type.members.filter(this.#isPresent).map(({ name }) => name);
        const info = enumInfo(type.name, values);
        return (visitor, value, name) => visitor.enum(value, name, info);
      }
      case 'array': {
        const element = this.of(type.element);
        return (visitor, value, name) => visitor.list(value, name, element);
      }
      case 'alternate':
        return this.#alternate(type);
      case 'struct':
      case 'union': {
        const { name: typeName } = type;
        return (visitor, value, name) => visitor.struct(value, name, typeName, this.#membersOf(type));
      }
    }
  }

  #alternate({ name: typeName, branches }: AlternateType): Visit<unknown> {
    const byKind = new Map<JsonKind, Visit<unknown>>();
    for (const { type } of branches.filter(this.#isPresent)) byKind.set(jsonKindOf(type), this.of(type));
    const kinds = [...byKind.keys()];
    return (visitor, value, name) => {
      const visit = byKind.get(visitor.alternate(value, name, typeName));
      return visit ? visit(visitor, value, name) : visitor.otherwise(value, name, typeName, kinds);
    };
  }

  #membersOf(type: ObjectType): VisitMembers {
    let members = this.#members.get(type);
    if (!members) {
      members = this.#makeMembers(type);
      this.#members.set(type, members);
    }
    return members;
  }

  #makeMembers(type: ObjectType): VisitMembers {
    const base = type.base && this.#membersOf(type.base);
    const steps = type.members
      .filter(this.#isPresent)
      .map(({ name, type: memberType, optional }) => ({ name, optional, visit: this.of(memberType) }));
    const branches = new Map(
      type.kind === 'union' ? type.branches.filter(this.#isPresent).map((branch) => [branch.name, branch.type]) : [],
    );
    const tag = type.kind === 'union' ? type.tag.name : undefined;
    return (visitor, object) => {
      let count = base?.(visitor, object) ?? 0;
      for (const { name, optional, visit } of steps) {
        const member = own(object, name);
        if (member === undefined && optional) continue;
        count++;
        const result = visit(visitor, member, name);
        if (result !== member) define(object, name, result);
      }
      const branch = tag === undefined ? undefined : branches.get(own(object, tag) as string);
      return branch ? count + this.#membersOf(branch)(visitor, object) : count;
    };
  }
}

/** Sets a member, whatever its name: an assignment to `__proto__` would not. */
function define(object: Members, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

/** The JSON kind of a type's values, which tells the branches of an alternate apart. */
export function jsonKindOf(type: Type): JsonKind {
  switch (type.kind) {
    case 'enum':
      return 'string';
    case 'array':
      return 'array';
    case 'builtin':
      return type.json === 'int' ? 'number' : (type.json as JsonKind);
    default:
      return 'object';
  }
}
