import type { Member, ObjectType, Type } from '../../generator/schema/model.js';
import { branchesOf, commonMembers } from '../../testkit/model-members.js';

/** Parameters that stand on the line: keys, and their values as text. */
export type Given = ReadonlyMap<string, string>;

/** The keys that may follow, those that are mandatory first. */
export function keysOf(type: ObjectType, text: string, given: Given): string[] {
  const parent = text.slice(0, text.lastIndexOf('.') + 1);
  const holder = parent === '' ? type : typeAt(type, parent.slice(0, -1), given);
  const members = holder ? membersOf(holder, parent, given) : [];
  const free = members.filter(({ name }) => !given.has(parent + name));
  const ordered = [...free.filter(({ optional }) => !optional), ...free.filter(({ optional }) => optional)];
  return ordered.flatMap(({ name, type: own }) => endings(own).map((ending) => parent + name + ending));
}

/** The member that a key stands for. */
export function memberAt(type: Type, key: string, given: Given): Member | undefined {
  const at = key.lastIndexOf('.') + 1;
  const holder = at === 0 ? type : typeAt(type, key.slice(0, at - 1), given);
  const name = key.slice(at);
  if (holder?.kind === 'array') return memberAt(type, key.slice(0, at - 1), given);
  return holder && membersOf(holder, key.slice(0, at), given).find((member) => member.name === name);
}

/** How the key of a member of a type may go on. */
function endings(type: Type): string[] {
  switch (type.kind) {
    case 'struct':
    case 'union':
      return ['.'];
    case 'array':
      return endings(type.element).map((ending) => `.0${ending}`);
    case 'alternate':
      return [...new Set(type.branches.flatMap((branch) => endings(branch.type)))];
    default:
      return type.name === 'null' ? [] : ['='];
  }
}

/** The members of an object of a type, those of the branch that has been chosen included. */
function membersOf(type: Type, prefix: string, given: Given): Member[] {
  if (type.kind === 'alternate') return type.branches.flatMap((branch) => membersOf(branch.type, prefix, given));
  if (type.kind !== 'struct' && type.kind !== 'union') return [];
  const common = commonMembers(type, () => true);
  if (type.kind === 'struct') return common;
  const chosen = given.get(prefix + type.tag.name);
  const branch = branchesOf(type, () => true).find(({ name }) => name === chosen);
  return branch ? [...common, ...membersOf(branch.type, prefix, given)] : common;
}

/** The type of what a key stands for. */
function typeAt(type: Type, key: string, given: Given): Type | undefined {
  let current: Type | undefined = type;
  let prefix = '';
  for (const name of key.split('.')) {
    if (current?.kind === 'array') current = current.element;
    else current = current && membersOf(current, prefix, given).find((member) => member.name === name)?.type;
    prefix += `${name}.`;
  }
  return current;
}
