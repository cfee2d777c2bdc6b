import type { Command, Event, Member, Schema, Type } from '../schema/model.js';

/** Which types a client sends and which it receives. */
export interface Reach {
  /** Types reachable from the arguments of a command. */
  readonly sent: ReadonlySet<Type>;
  /** Types reachable from what a command returns or from the data of an event. */
  readonly received: ReadonlySet<Type>;
  /** Members that are the discriminator of some union. */
  readonly tags: ReadonlySet<Member>;
}

/** Follows every command and event of a schema to the types that it uses. */
export function reachOf(schema: Schema): Reach {
  const sent = new Set<Type>();
  const received = new Set<Type>();
  const tags = new Set<Member>();
  for (const definition of schema.definitions) {
    if (definition.kind === 'command') followCommand(definition, sent, received);
    else if (definition.kind === 'event') follow(definition.arguments, received);
    else if (definition.kind === 'union') tags.add(definition.tag);
  }
  return { sent, received, tags };
}

function followCommand(command: Command, sent: Set<Type>, received: Set<Type>): void {
  follow(command.arguments, sent);
  follow(command.returns, received);
}

/** Adds a type and all that it is made of. The stack is our own: types may be nested deeper than calls can be. */
function follow(root: Type | undefined, reached: Set<Type>): void {
  const pending = root ? [root] : [];
  for (let type = pending.pop(); type; type = pending.pop()) {
    if (reached.has(type)) continue;
    reached.add(type);
    for (const part of partsOf(type)) if (!reached.has(part)) pending.push(part);
  }
}

/** The types that a type directly consists of. */
function partsOf(type: Type): readonly Type[] {
  switch (type.kind) {
    case 'builtin':
    case 'enum':
      return [];
    case 'array':
      return [type.element];
    case 'alternate':
      return type.branches.map((branch) => branch.type);
    case 'struct':
    case 'union': {
      const parts = type.members.map((member) => member.type);
      if (type.base) parts.push(type.base);
      if (type.kind === 'union') for (const branch of type.branches) parts.push(branch.type);
      return parts;
    }
  }
}

/** The types that a definition directly names. */
export function typesNamedBy(definition: Type | Command | Event): readonly (Type | undefined)[] {
  if (definition.kind === 'command') return [definition.arguments, definition.returns];
  if (definition.kind === 'event') return [definition.arguments];
  return partsOf(definition);
}
