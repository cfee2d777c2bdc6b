import type { Member, ObjectType } from '../schema/model.js';
import {
  memberByValue,
  memberThroughout,
  namesSomewhere,
  type Shape,
  shapeOf,
  shapesByValue,
} from '../schema/shapes.js';
import type { ChangeBranch } from './change.js';

/** A member of two objects: on both sides, or on one only. */
export interface MemberPair {
  readonly name: string;
  readonly old?: Member | undefined;
  readonly new?: Member | undefined;
  /** The branches to which this is confined. */
  readonly branch: readonly ChangeBranch[];
  /** Whether the member is gone here and still there in other branches. */
  readonly conditional?: boolean;
  /** Whether it selects a branch on one of the sides. */
  readonly tag?: boolean;
}

/** A change of a discriminator: of itself, or of a value that it can have. */
export interface TagChange {
  readonly kind: 'tag-changed' | 'branch-added' | 'branch-removed' | 'enum-value-added' | 'enum-value-removed';
  readonly tag: string;
  readonly value?: string;
  readonly old: ObjectType | undefined;
  readonly new: ObjectType | undefined;
  readonly branch: readonly ChangeBranch[];
}

/** The types that a discriminator's values select on both sides. */
export interface BranchPair {
  readonly old: ObjectType;
  readonly new: ObjectType;
  readonly branch: readonly ChangeBranch[];
}

/** What two object types have in common, and what not. */
export interface ObjectDifference {
  readonly members: readonly MemberPair[];
  readonly tags: readonly TagChange[];
}

/** Compares object types as they are on the wire: unions value by value of their discriminators. */
export function compareObjects(old: ObjectType, now: ObjectType): ObjectDifference {
  return compareShapes(shapeOf(old), shapeOf(now));
}

function compareShapes(old: Shape, now: Shape): ObjectDifference {
  const tag = old.union?.tag.name;
  const newTag = now.union?.tag.name;
  if (tag !== undefined && newTag !== undefined) {
    return tag === newTag ? byValue(tag, old, now) : acrossTags(tag, newTag, old, now);
  }
  // A discriminator that is a plain member on the other side has values there, too.
  if (newTag !== undefined) return old.members.has(newTag) ? byValue(newTag, old, now) : asWholes(old, now);
  if (tag !== undefined) return byValue(tag, old, now);
  return { members: pairs(old, now), tags: [] };
}

function pairs(old: Shape, now: Shape): MemberPair[] {
  const names = new Set([...old.members.keys(), ...now.members.keys()]);
  return [...names].map((name) => ({ name, old: old.members.get(name), new: now.members.get(name), branch: [] }));
}

/** Compares the objects that each value of a discriminator selects. A side without branches has the same object for all. */
function byValue(tag: string, old: Shape, now: Shape): ObjectDifference {
  const before = old.union ? shapesByValue(old) : undefined;
  const after = now.union ? shapesByValue(now) : undefined;
  const valuesBefore: string[] = before ? [...before.keys()] : (plainValues(old, tag) ?? [...(after?.keys() ?? [])]);
  const valuesAfter: string[] = after ? [...after.keys()] : (plainValues(now, tag) ?? [...(before?.keys() ?? [])]);
  const known = new Set(valuesAfter);
  const common = valuesBefore.filter((value) => known.has(value));
  const tags = valueChanges(tag, old, now, valuesBefore, valuesAfter);
  const groups = new Groups(tag, common.length);
  for (const value of common) {
    const difference = compareShapes(before?.get(value) ?? old, after?.get(value) ?? now);
    for (const pair of difference.members) groups.add(value, pair);
    for (const change of difference.tags)
      tags.push({ ...change, branch: [{ tag, values: [value] }, ...change.branch] });
  }
  // Without a value in common, the members that depend on none are left.
  const members = common.length === 0 ? pairs(old, now) : groups.pairs();
  return { members: members.map((pair) => (pair.name === tag ? { ...pair, tag: true } : pair)), tags };
}

/** The types of the branches that two unions have in common, however deep: introspection shows each as a type of its own. */
export function branchPairs(old: ObjectType, now: ObjectType): BranchPair[] {
  if (old.kind !== 'union' || now.kind !== 'union' || old.tag.name !== now.tag.name) return [];
  const after = new Map(now.branches.map(({ name, type }) => [name, type]));
  const pairs = new Map<string, { readonly old: ObjectType; readonly new: ObjectType; readonly values: string[] }>();
  for (const { name, type } of old.branches) {
    const other = after.get(name);
    if (other === undefined) continue;
    const key = `${numberOf(type)} ${numberOf(other)}`;
    const known = pairs.get(key);
    if (known === undefined) pairs.set(key, { old: type, new: other, values: [name] });
    else known.values.push(name);
  }
  return Array.from(pairs.values()).flatMap(({ values, ...types }) => {
    const branch = [{ tag: old.tag.name, values }];
    const inside = branchPairs(types.old, types.new);
    return [{ ...types, branch }, ...inside.map((pair) => ({ ...pair, branch: [...branch, ...pair.branch] }))];
  });
}

/** The values of an enum that is a plain member; undefined when it is no enum. */
function plainValues({ members }: Shape, name: string): string[] | undefined {
  const type = members.get(name)?.type;
  return type?.kind === 'enum' ? type.members.map((value) => value.name) : undefined;
}

function valueChanges(
  tag: string,
  old: Shape,
  now: Shape,
  before: readonly string[],
  after: readonly string[],
): TagChange[] {
  const [wasThere, isThere] = [new Set(before), new Set(after)];
  const sides = { tag, old: old.union, new: now.union, branch: [] };
  return [
    ...after
      .filter((value) => !wasThere.has(value))
      .map((value): TagChange => ({ ...sides, kind: now.union ? 'branch-added' : 'enum-value-added', value })),
    ...before
      .filter((value) => !isThere.has(value))
      .map((value): TagChange => ({ ...sides, kind: old.union ? 'branch-removed' : 'enum-value-removed', value })),
  ];
}

/** A plain object has become a union by a new discriminator: branches have no counterpart, so each member is looked at as a whole. */
function asWholes(old: Shape, now: Shape): ObjectDifference {
  const members: MemberPair[] = [];
  const somewhere = namesSomewhere(now);
  for (const [name, member] of old.members) {
    const common = now.members.get(name);
    if (common || !somewhere.has(name)) members.push({ name, old: member, new: common, branch: [] });
    else members.push(...inBranches(name, member, now));
  }
  for (const [name, member] of now.members) {
    if (!old.members.has(name)) members.push({ name, new: member, branch: [] });
  }
  return { members, tags: [] };
}

/** An old member that only branches have now. */
function inBranches(name: string, old: Member, now: Shape): MemberPair[] {
  const found = memberByValue(now, name);
  const groups = new Groups(now.union?.tag.name as string, found.size);
  for (const [value, member] of found) groups.add(value, { name, old, new: member, branch: [] });
  return groups.pairs();
}

/** Nothing links the branches of two unions with different discriminators: only what all branches have is compared. */
function acrossTags(tag: string, newTag: string, old: Shape, now: Shape): ObjectDifference {
  const somewhere = namesSomewhere(old);
  const throughout = new Map<string, Member>();
  for (const name of somewhere) {
    const member = memberThroughout(old, name);
    if (member) throughout.set(name, member);
  }
  const { members } = asWholes({ members: throughout }, now);
  const change: TagChange = {
    kind: 'tag-changed',
    tag: newTag,
    value: tag,
    old: old.union,
    new: now.union,
    branch: [],
  };
  return { members: members.filter((pair) => pair.old || !somewhere.has(pair.name)), tags: [change] };
}

/** Pairs of members that are alike, with the values of the discriminator for which there are such. */
class Groups {
  readonly #tag: string;
  readonly #count: number;
  readonly #groups = new Map<string, { readonly pair: MemberPair; readonly values: string[] }>();
  /** For how many values the old side has a member. */
  readonly #oldCounts = new Map<string, number>();
  /** The members that some value has on both sides. */
  readonly #kept = new Set<string>();

  constructor(tag: string, count: number) {
    this.#tag = tag;
    this.#count = count;
  }

  add(value: string, pair: MemberPair): void {
    const key = `${pair.name} ${look(pair.old)} ${look(pair.new)} ${pair.conditional} ${JSON.stringify(pair.branch)}`;
    const group = this.#groups.get(key);
    if (group) group.values.push(value);
    else this.#groups.set(key, { pair, values: [value] });
    if (pair.old && pair.branch.length === 0) {
      this.#oldCounts.set(pair.name, (this.#oldCounts.get(pair.name) ?? 0) + 1);
      if (pair.new) this.#kept.add(pair.name);
    }
  }

  pairs(): MemberPair[] {
    return [...this.#groups.values()].map(({ pair, values }) => {
      const inAll = values.length === this.#count;
      const branch = inAll ? pair.branch : [{ tag: this.#tag, values }, ...pair.branch];
      const { name, old, new: now } = pair;
      const wasInAll = this.#oldCounts.get(name) === this.#count;
      const conditional = old && !now && !inAll && wasInAll && this.#kept.has(name) && pair.branch.length === 0;
      return conditional ? { ...pair, branch, conditional } : { ...pair, branch };
    });
  }
}

const numbers = new WeakMap<object, number>();
let last = 0;

/** A number that stands for an object. */
export function numberOf(thing: object): number {
  const known = numbers.get(thing);
  if (known !== undefined) return known;
  numbers.set(thing, ++last);
  return last;
}

/** What about a member can differ. */
function look(member: Member | undefined): string {
  if (!member) return '-';
  const { optional, type, features, condition } = member;
  const marks = features.map(({ name }) => name).join();
  return `${optional} ${numberOf(type)} ${marks} ${JSON.stringify(condition?.source)}`;
}
