import { z } from 'zod';
import type { BuiltinType, Member, Type } from '../generator/schema/model.js';
import { branchMembers, membersOf } from './json-schema.js';

/** The zod schema that accepts what a type of a QAPI schema accepts. */
export function zodSchemaOf(root: Type): z.ZodType {
  const known = new Map<Type, z.ZodType>();

  function schemaOf(type: Type): z.ZodType {
    let schema = known.get(type);
    if (!schema) {
      schema = make(type);
      known.set(type, schema);
    }
    return schema;
  }

  function make(type: Type): z.ZodType {
    switch (type.kind) {
      case 'builtin':
        return builtin(type);
      case 'array':
        return z.array(schemaOf(type.element));
      case 'enum':
        return z.enum(type.members.map(({ name }) => name));
      case 'alternate':
        return z.union(type.branches.map((branch) => schemaOf(branch.type)));
      case 'struct':
        return object(membersOf(type));
      case 'union': {
        const branches = type.branches.map((branch) =>
          object([...membersOf(type), ...branchMembers(branch.type)], {
            [type.tag.name]: z.literal(branch.name),
          }),
        );
        return z.discriminatedUnion(type.tag.name, branches as [z.ZodObject]);
      }
    }
  }

  /** Members are getters, as zod wants it where types refer to themselves. */
  function object(members: readonly Member[], tag: Record<string, z.ZodType> = {}): z.ZodType {
    const shape: Record<string, z.ZodType> = {};
    for (const { name, type, optional } of members) {
      Object.defineProperty(shape, name, {
        enumerable: true,
        get: () => tag[name] ?? (optional ? schemaOf(type).optional() : schemaOf(type)),
      });
    }
    return z.strictObject(shape);
  }

  return schemaOf(root);
}

function builtin({ json, range }: BuiltinType): z.ZodType {
  switch (json) {
    case 'string':
      return z.string();
    case 'boolean':
      return z.boolean();
    case 'null':
      return z.null();
    case 'number':
      return z.number();
    case 'value':
      return z.unknown();
    case 'int': {
      const integer = z.int();
      if (!range || range.min <= -(2n ** 63n)) return integer;
      return range.max > 2n ** 53n ? integer.min(0) : integer.min(Number(range.min)).max(Number(range.max));
    }
  }
}
