import type { BuiltinType, Member, ObjectType, Schema, StructType, Type } from '../generator/schema/model.js';

type JsonSchema = Record<string, unknown>;

/** The JSON Schema (draft 7, with ajv's `discriminator`) that accepts what a type of a QAPI schema accepts. */
export function jsonSchemaOf(root: Type): JsonSchema {
  const definitions: Record<string, JsonSchema> = {};

  function reference(type: Type): JsonSchema {
    if (type.kind === 'builtin') return builtin(type);
    if (type.kind === 'array') return { type: 'array', items: reference(type.element) };
    if (!definitions[type.name]) {
      // Entered first, so that a type may refer to itself.
      const definition: JsonSchema = {};
      definitions[type.name] = definition;
      Object.assign(definition, define(type));
    }
    return { $ref: `#/definitions/${type.name}` };
  }

  function define(type: Exclude<Type, { kind: 'builtin' | 'array' }>): JsonSchema {
    switch (type.kind) {
      case 'enum':
        return { enum: type.members.map(({ name }) => name) };
      case 'alternate':
        return { anyOf: type.branches.map((branch) => reference(branch.type)) };
      case 'struct':
        return object(membersOf(type));
      case 'union':
        return {
          type: 'object',
          discriminator: { propertyName: type.tag.name },
          required: [type.tag.name],
          oneOf: type.branches.map((branch) => {
            const members = [...membersOf(type), ...branchMembers(branch.type)];
            return object(members, { [type.tag.name]: { const: branch.name } });
          }),
        };
    }
  }

  function object(members: readonly Member[], tag: Record<string, JsonSchema> = {}): JsonSchema {
    const properties = Object.fromEntries(members.map(({ name, type }) => [name, tag[name] ?? reference(type)]));
    const required = members.filter(({ optional }) => !optional).map(({ name }) => name);
    return { type: 'object', properties, required, additionalProperties: false };
  }

  return { ...reference(root), definitions };
}

function builtin({ json, range }: BuiltinType): JsonSchema {
  if (json === 'value') return {};
  if (json !== 'int') return { type: json };
  if (!range || range.min <= -(2n ** 63n)) return { type: 'integer' };
  // Doubles cannot tell the greatest 64-bit integers apart, so only their sign is checked.
  return range.max > 2n ** 53n
    ? { type: 'integer', minimum: 0 }
    : { type: 'integer', minimum: Number(range.min), maximum: Number(range.max) };
}

/** The members of an object type, those of its base first. */
export function membersOf(type: ObjectType): readonly Member[] {
  return type.base ? [...membersOf(type.base), ...type.members] : type.members;
}

/** The members that a branch adds. */
export function branchMembers(type: ObjectType): readonly Member[] {
  if (type.kind === 'union')
    throw new Error(`a union as a branch (${type.name}) has no equal in JSON Schema's discriminator`);
  return membersOf(type);
}

/** A type of a schema by its name. */
export function typeNamed(schema: Schema, name: string): StructType | Exclude<Type, StructType> {
  const definition = schema.lookup(name);
  if (!definition || definition.kind === 'command' || definition.kind === 'event') throw new Error(`no type '${name}'`);
  return definition;
}
