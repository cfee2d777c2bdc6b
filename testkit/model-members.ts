import type { Member, ObjectType, UnionBranch, UnionType } from '../generator/schema/model.js';
import type { Presence } from './schema-visits.js';

/** The members that an object of a type has whatever its branch, those of the bases first. */
export function commonMembers(type: ObjectType, isPresent: Presence): Member[] {
  const inherited = type.base ? commonMembers(type.base, isPresent) : [];
  return [...inherited, ...type.members.filter(isPresent)];
}

/** The branches of a union that a program can have. */
export function branchesOf({ tag, branches }: UnionType, isPresent: Presence): UnionBranch[] {
  const values = tag.type.kind === 'enum' ? tag.type.members.filter(isPresent).map(({ name }) => name) : [];
  return branches.filter((branch) => isPresent(branch) && values.includes(branch.name));
}
