import type { MemberDraft, ObjectDraft } from '../draft.js';
import { type OwnedMember, walkInheritance } from '../inheritance.js';
import { cName } from '../names.js';

/** Two members of one object that C could not tell apart. */
interface Clash {
  readonly later: OwnedMember;
  readonly earlier: OwnedMember;
}

/** A clash between a member that a union's branch adds and one that the union has anyway. */
interface BranchClash extends Clash {
  /** The place of the branch among the union's branches. */
  readonly branch: number;
}

/** The clashes of object types: those of own members with own and inherited ones, and those of branches. */
export interface Clashes {
  readonly members: ReadonlyMap<MemberDraft, Clash>;
  readonly branches: ReadonlyMap<ObjectDraft, readonly BranchClash[]>;
}

/**
 * Finds all clashes.
 *
 * @param spelling what must differ: members clash when it maps their names to the same text
 */
export function findClashes(objects: readonly ObjectDraft[], spelling: (name: string) => string = cName): Clashes {
  const finder = new ClashFinder(objects, spelling);
  walkInheritance(
    objects,
    (object) => finder.enter(object),
    (object) => finder.leave(object),
  );
  return finder;
}

class ClashFinder implements Clashes {
  readonly members = new Map<MemberDraft, Clash>();
  readonly branches = new Map<ObjectDraft, BranchClash[]>();
  /** How many members of the whole schema have a name: most have one of their own, and cannot clash. */
  readonly #counts = new Map<string, number>();
  /** The members of the type at hand and of those that it extends, by the spelling that must differ. */
  readonly #inScope = new Map<string, OwnedMember>();
  /** How many of them share their name with another member of the schema. */
  #shared = 0;
  readonly #spelling: (name: string) => string;

  constructor(objects: readonly ObjectDraft[], spelling: (name: string) => string) {
    const spelled = new Map<string, string>();
    this.#spelling = (name) => {
      let found = spelled.get(name);
      if (found === undefined) {
        found = spelling(name);
        spelled.set(name, found);
      }
      return found;
    };
    for (const object of objects) {
      for (const { name } of object.members) {
        const key = this.#spelling(name);
        this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
      }
    }
  }

  enter(object: ObjectDraft): void {
    for (const member of object.members) {
      const key = this.#spelling(member.name);
      const earlier = this.#inScope.get(key);
      const later = { member, owner: object };
      if (earlier) this.members.set(member, { later, earlier });
      else {
        this.#inScope.set(key, later);
        if (this.#isShared(key)) this.#shared += 1;
      }
    }
    if (object.variants && this.#shared > 0) this.#compareBranches(object);
  }

  leave(object: ObjectDraft): void {
    for (const member of object.members) {
      const key = this.#spelling(member.name);
      if (this.#inScope.get(key)?.member !== member) continue;
      this.#inScope.delete(key);
      if (this.#isShared(key)) this.#shared -= 1;
    }
  }

  #isShared(key: string): boolean {
    return (this.#counts.get(key) ?? 0) > 1;
  }

  #compareBranches(union: ObjectDraft): void {
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

  #clashesOf(owner: ObjectDraft): Clash[] {
    const found: Clash[] = [];
    for (const member of owner.members) {
      const earlier = this.#inScope.get(this.#spelling(member.name));
      if (earlier) found.push({ later: { member, owner }, earlier });
    }
    return found;
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
