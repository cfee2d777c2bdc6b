import type { JsonKind, Members, VisitMembers } from './visitor.js';
import { WalkVisitor } from './walk-visitor.js';

/**
 * The names of all members that an object of a type may have, in the order of the schema. For a union these are the members of
 * the branch that the object's tag chooses.
 *
 * A type's members are those that its function asks an object for: so the function is run over an object that takes note.
 * No table of names has to be generated, and the time is only spent when something is wrong.
 */
export function memberNames(members: VisitMembers, object: Members): Set<string> {
  const names = new Set<string>();
  const note = (name: string | symbol): void => {
    if (typeof name === 'string') names.add(name);
  };
  const noting = new Proxy(object, {
    get(target, name) {
      note(name);
      return Object.hasOwn(target, name) ? target[name as string] : undefined;
    },
    getOwnPropertyDescriptor(target, name) {
      note(name);
      return Reflect.getOwnPropertyDescriptor(target, name);
    },
    set: () => true,
  });
  members(shallow, noting);
  return names;
}

/** Accepts every scalar and goes into nothing. */
class ShallowVisitor extends WalkVisitor {
  override struct(value: unknown): unknown {
    return value;
  }

  override list<T>(value: unknown): T[] {
    return value as T[];
  }

  override alternate(): JsonKind {
    // No branch is chosen, so none is visited.
    return 'none' as JsonKind;
  }
}

const shallow: ShallowVisitor = /* @__PURE__ */ new ShallowVisitor();
