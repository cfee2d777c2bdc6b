import type { AlternateType, Definition, Member, ObjectType } from '../../generator/schema/model.js';

/** The names of the members, values, branches or arguments that a definition's documentation describes. */
export function describedNames(definition: Definition): string[] {
  switch (definition.kind) {
    case 'enum':
    case 'struct':
      return definition.members.map((member) => member.name);
    case 'union':
      return (definition.base?.members ?? definition.members).map((member) => member.name);
    case 'alternate':
      return definition.branches.map((branch) => branch.name);
    case 'command':
    case 'event':
      return inlineMembers(definition.arguments).map((member) => member.name);
    default:
      return [];
  }
}

function inlineMembers(type: ObjectType | AlternateType | undefined): readonly Member[] {
  return type?.kind === 'struct' && type.implicit ? type.members : [];
}
