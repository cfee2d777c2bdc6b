import type { Definition, ObjectType } from '../../schema/model.js';

/** The names of the members, branches and values that a definition shows: inherited ones, and those of inline arguments, too. */
export function namesOf(definition: Definition): string[] {
  switch (definition.kind) {
    case 'command':
    case 'event':
      return definition.arguments ? namesOf(definition.arguments) : [];
    case 'enum':
      return definition.members.map(({ name }) => name);
    case 'alternate':
      return definition.branches.map(({ name }) => name);
    case 'struct':
    case 'union':
      return objectNames(definition);
    default:
      return [];
  }
}

function objectNames(type: ObjectType): string[] {
  const names: string[] = [];
  for (let part: ObjectType | undefined = type; part; part = part.base) {
    names.push(...part.members.map(({ name }) => name));
    if (part.kind === 'union') {
      for (const { name, implicit } of part.branches) if (!implicit) names.push(name);
    }
  }
  return names;
}
