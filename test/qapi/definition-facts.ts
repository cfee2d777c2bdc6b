import type {
  AlternateType,
  Command,
  Definition,
  Event,
  Member,
  ObjectType,
  Type,
} from '../../generator/schema/model.js';

/** What a definition says about the wire, as plain data: made to be compared and to be read when it differs. */
export type DefinitionFacts = Readonly<Record<string, unknown>>;

/**
 * The facts of a definition. A simple union and the flat union with the same wire format have the same facts: the
 * wrapper of a type T is called `TWrapper`, and `type` is a common member.
 */
export function factsOf(definition: Definition): DefinitionFacts {
  const { kind } = definition;
  switch (kind) {
    case 'enum':
      return { kind, values: definition.members.map((member) => member.name) };
    case 'struct':
      return { kind, ...(definition.base && { base: definition.base.name }), members: membersOf(definition.members) };
    case 'union': {
      const { base, members, tag, branches } = definition;
      return {
        kind,
        ...(base && !base.implicit && { base: base.name }),
        members: membersOf([...(base?.implicit ? base.members : []), ...members]),
        tag: tag.name,
        branches: branches.map((branch) => `${branch.name}: ${typeName(branch.type)}`),
      };
    }
    case 'alternate':
      return { kind, branches: definition.branches.map((branch) => `${branch.name}: ${typeName(branch.type)}`) };
    case 'command':
      return {
        kind,
        ...argumentsOf(definition),
        returns: definition.returns ? typeName(definition.returns) : 'nothing',
      };
    case 'event':
      return { kind, ...argumentsOf(definition) };
    default:
      throw new Error(`"${definition.name}" is no definition of a schema's own`);
  }
}

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

function argumentsOf({ arguments: type, boxed }: Command | Event): DefinitionFacts {
  if (!type) return { arguments: 'none' };
  return { arguments: type.implicit ? membersOf(inlineMembers(type)) : type.name, ...(boxed && { boxed }) };
}

function inlineMembers(type: ObjectType | AlternateType | undefined): readonly Member[] {
  return type?.kind === 'struct' && type.implicit ? type.members : [];
}

function membersOf(members: readonly Member[]): string[] {
  return members.map(({ name, optional, type }) => `${name}${optional ? '?' : ''}: ${typeName(type)}`);
}

function typeName(type: Type): string {
  if (type.kind === 'array') return `[${typeName(type.element)}]`;
  return type.name.replace(/^q_obj_(.*)-wrapper$/, '$1Wrapper');
}
