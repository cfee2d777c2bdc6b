import type { MemberDraft, ObjectDraft } from '../draft.js';
import { cName } from '../names.js';

/** A member together with the object type that has it of its own. */
export interface OwnedMember {
  readonly member: MemberDraft;
  readonly owner: ObjectDraft;
}

/** Two members of one object that C could not tell apart. */
export interface Clash {
  readonly later: OwnedMember;
  readonly earlier: OwnedMember;
}

/** A clash between a member that a union's branch adds and one that the union has anyway. */
export interface BranchClash extends Clash {
  /** The place of the branch among the union's branches. */
  readonly branch: number;
}

/** The clashes of object types: those of own members with own and inherited ones, and those of branches. */
export interface Clashes {
  readonly members: ReadonlyMap<MemberDraft, Clash>;
  readonly branches: ReadonlyMap<ObjectDraft, readonly BranchClash[]>;
}

/**
 * Finds all clashes by walking from the types without base to those that extend them, with the members met on the way in one
 * table: so a long chain of bases costs no more than its members. Types that extend themselves are left out.
 *
 * @param spelling what must differ: members clash when it maps their names to the same text
 */
export function findClashes(objects: readonly ObjectDraft[], spelling: (name: string) => string = cName): Clashes {
  const finder = new ClashFinder(objects, spelling);
  finder.run(objects);
  return finder;
}

/** The struct that an object type extends, if its base is one. */
function baseOf(object: ObjectDraft): ObjectDraft | undefined {
  const base = object.base?.target;
  return base?.kind === 'object' && !base.variants ? base : undefined;
}

class ClashFinder implements Clashes {
  readonly members = new Map<MemberDraft, Clash>();
  readonly branches = new Map<ObjectDraft, BranchClash[]>();
  readonly #extensions = new Map<ObjectDraft, ObjectDraft[]>();
  /** How many members of the whole schema have a name: most have one of their own, and cannot clash. */
  readonly #counts = new Map<string, number>();
  /** The members of the type at hand and of those that it extends, by C name. */
  readonly #inScope = new Map<string, OwnedMember>();
  readonly #spelling: (name: string) => string;

  constructor(objects: readonly ObjectDraft[], spelling: (name: string) => string) {
    this.#spelling = spelling;
    for (const object of objects) {
      const base = baseOf(object);
      if (base) {
        const extensions = this.#extensions.get(base);
        if (extensions) extensions.push(object);
        else this.#extensions.set(base, [object]);
      }
      for (const { name } of object.members) {
        const key = this.#spelling(name);
        this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
      }
    }
  }

  run(objects: readonly ObjectDraft[]): void {
    type Step = { readonly object: ObjectDraft; readonly added?: readonly string[] };
    const steps: Step[] = objects.filter((object) => !baseOf(object)).map((object) => ({ object }));
    for (let step = steps.pop(); step; step = steps.pop()) {
      if (step.added) {
        for (const key of step.added) this.#inScope.delete(key);
        continue;
      }
      const { object } = step;
      steps.push({ object, added: this.#enter(object) });
      for (const extension of this.#extensions.get(object) ?? []) steps.push({ object: extension });
    }
  }

  /** Brings a type's own members into scope and returns the keys to take out again. */
  #enter(object: ObjectDraft): string[] {
    const added: string[] = [];
    for (const member of object.members) {
      const key = this.#spelling(member.name);
      const earlier = this.#inScope.get(key);
      const later = { member, owner: object };
      if (earlier) this.members.set(member, { later, earlier });
      else {
        this.#inScope.set(key, later);
        added.push(key);
      }
    }
    if (object.variants) this.#compareBranches(object);
    return added;
  }

  #compareBranches(union: ObjectDraft): void {
    if (!this.#sharesNames()) return;
    const clashes: BranchClash[] = [];
    const seen = new Set<ObjectDraft>([union]);
    for (const [branch, { type }] of (union.variants?.branches ?? []).entries()) {
      for (const owner of reachable(type.target, seen)) {
        const found = this.#clashesOf(owner);
        for (const clash of found) clashes.push({ branch, ...clash });
        // The first type of a branch that clashes will do: unions in unions in unions would all clash alike.
        if (found.length > 0) break;
      }
    }
    if (clashes.length > 0) this.branches.set(union, clashes);
  }

  #sharesNames(): boolean {
    for (const key of this.#inScope.keys()) if ((this.#counts.get(key) ?? 0) > 1) return true;
    return false;
  }

  #clashesOf(owner: ObjectDraft): Clash[] {
    return owner.members.flatMap((member) => {
      const earlier = this.#inScope.get(this.#spelling(member.name));
      return earlier ? [{ later: { member, owner }, earlier }] : [];
    });
  }
}

/** The object types whose members a branch of the given type adds: it, what it extends, and the branches of these. */
function* reachable(type: unknown, seen: Set<ObjectDraft>): Generator<ObjectDraft> {
  const pending = [type];
  while (pending.length > 0) {
    const object = pending.pop() as ObjectDraft | undefined;
    if (object?.kind !== 'object' || seen.has(object)) continue;
    seen.add(object);
    yield object;
    for (const branch of [...(object.variants?.branches ?? [])].reverse()) pending.push(branch.type.target);
    pending.push(object.base?.target);
  }
}
