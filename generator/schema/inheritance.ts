import type { MemberDraft, ObjectDraft } from './draft.js';

/** A member together with the object type that has it of its own. */
export interface OwnedMember {
  readonly member: MemberDraft;
  readonly owner: ObjectDraft;
}

/** The struct that an object type extends, if its base is one. */
function baseOf(object: ObjectDraft): ObjectDraft | undefined {
  const base = object.base?.target;
  return base?.kind === 'object' && !base.variants ? base : undefined;
}

/** An object type and the structs that it extends, itself first. A type that extends itself is met once. */
export function* withBases(object: ObjectDraft): Generator<ObjectDraft> {
  const seen = new Set<ObjectDraft>();
  for (let current: ObjectDraft | undefined = object; current && !seen.has(current); current = baseOf(current)) {
    seen.add(current);
    yield current;
  }
}

/**
 * Visits object types so that each comes after its base, and is left before the next one that does not extend it is visited:
 * with a table of members kept on the way, a long chain of bases costs no more than its members. Types that extend themselves
 * are left out.
 */
export function walkInheritance(
  objects: readonly ObjectDraft[],
  enter: (object: ObjectDraft) => void,
  leave: (object: ObjectDraft) => void,
): void {
  const extensions = new Map<ObjectDraft, ObjectDraft[]>();
  const roots: ObjectDraft[] = [];
  for (const object of objects) {
    const base = baseOf(object);
    const siblings = base && extensions.get(base);
    if (!base) roots.push(object);
    else if (siblings) siblings.push(object);
    else extensions.set(base, [object]);
  }
  const steps: { readonly object: ObjectDraft; readonly done?: true }[] = [];
  for (const object of roots) {
    if (extensions.has(object)) {
      steps.push({ object });
    } else {
      enter(object);
      leave(object);
    }
  }
  for (let step = steps.pop(); step; step = steps.pop()) {
    const { object, done } = step;
    if (done) {
      leave(object);
      continue;
    }
    enter(object);
    steps.push({ object, done: true });
    for (const extension of extensions.get(object) ?? []) steps.push({ object: extension });
  }
}
