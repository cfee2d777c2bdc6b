import type { MissingPart } from './compare.js';
import type { Conditional, Definition, Feature, ObjectType, Schema } from './model.js';

/**
 * What of a schema is missing from a program whose introspection was compared with that of the schema: its condition, when it
 * has one, excuses the program.
 *
 * @param missing as a comparison with the introspection of the schema, not masked, has it
 */
export function findMissing(schema: Schema, missing: MissingPart): Conditional | undefined {
  const definition = schema.lookup(missing.of);
  const thing = missing.part && definition ? partOf(definition, missing.part) : definition;
  if (missing.feature === undefined) return thing;
  const { features = [] } = (thing ?? {}) as { readonly features?: readonly Feature[] };
  return features.find(({ name }) => name === missing.feature);
}

function partOf(definition: Definition, { kind, name }: NonNullable<MissingPart['part']>): Conditional | undefined {
  if (definition.kind === 'enum') return definition.members.find((member) => member.name === name);
  // Two choices of a kind cannot be: the condition of either excuses.
  if (definition.kind === 'alternate') {
    return definition.branches.find(({ condition, type }) => condition && jsonKindOf(type) === name);
  }
  if (definition.kind !== 'struct' && definition.kind !== 'union') return undefined;
  if (kind === 'member') return memberOf(definition, name);
  return definition.kind === 'union' ? definition.branches.find((branch) => branch.name === name) : undefined;
}

function memberOf(type: ObjectType, name: string): Conditional | undefined {
  for (let current: ObjectType | undefined = type; current; current = current.base) {
    const member = current.members.find((candidate) => candidate.name === name);
    if (member) return member;
  }
  return undefined;
}

function jsonKindOf(type: Definition): string {
  if (type.kind === 'builtin') return type.json;
  if (type.kind === 'enum') return 'string';
  return type.kind === 'array' ? 'array' : 'object';
}
