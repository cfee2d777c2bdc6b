import type { Command, Event, Schema, Type, UnionType } from '../schema/model.js';

/** A definition, a part of which is an implicit type. */
export type Owner = Command | Event | UnionType;

/** The definitions that caused implicit object types: inline arguments, data and bases, and the tags of simple unions. */
export type Owners = ReadonlyMap<Type, Owner>;

/** Finds out which definition each implicit object type is a part of. */
export function ownersOf(schema: Schema): Owners {
  const owners = new Map<Type, Owner>();
  for (const definition of schema.definitions) {
    const part = inlinePart(definition);
    if (part?.implicit && !owners.has(part)) owners.set(part, definition as Owner);
  }
  return owners;
}

function inlinePart(definition: Schema['definitions'][number]): Type | undefined {
  switch (definition.kind) {
    case 'command':
    case 'event': {
      const type = definition.arguments;
      return type?.name === `q_obj_${definition.name}-arg` ? type : undefined;
    }
    case 'union':
      if (definition.simple) return definition.tag.type;
      return definition.base?.name === `q_obj_${definition.name}-base` ? definition.base : undefined;
    default:
      return undefined;
  }
}
