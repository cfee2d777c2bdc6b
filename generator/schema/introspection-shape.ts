import type { Definition, Schema, StructType } from './model.js';

/**
 * What differs between releases in the data that `query-qmp-schema` returns.
 * Source: the reference generators' output for the releases named.
 */
export interface IntrospectionShape {
  /** In which order commands and events stand: by name, in order of definition, or module by module. */
  readonly order: 'name' | 'definition' | 'module';
  /** When a command carries `allow-oob`. */
  readonly allowOob: 'never' | 'always' | 'when true';
  /** Which entities carry `features`; `everything` includes members. */
  readonly features: 'nothing' | 'structs' | 'structs and commands' | 'everything';
  /** Whether an enum carries `members` (with features) beside `values`. */
  readonly enumMembers: boolean;
  /** Whether a tag value without a branch stands among the variants, with an empty type. */
  readonly impliedVariants: boolean;
}

const sinceTheFirst: IntrospectionShape = {
  order: 'name',
  allowOob: 'never',
  features: 'nothing',
  enumMembers: false,
  impliedVariants: false,
};
const since2_12: IntrospectionShape = { ...sinceTheFirst, order: 'definition', allowOob: 'always' };
const since3_0: IntrospectionShape = { ...since2_12, allowOob: 'when true', impliedVariants: true };
const since4_1: IntrospectionShape = { ...since3_0, features: 'structs' };
const since4_2: IntrospectionShape = { ...since4_1, features: 'structs and commands' };
const since5_0: IntrospectionShape = { ...since4_2, order: 'module', features: 'everything' };
const since6_2: IntrospectionShape = { ...since5_0, enumMembers: true };

/** The shapes by the release that brought them, newest first. */
export const shapes: readonly { readonly since: string; readonly shape: IntrospectionShape }[] = [
  { since: '6.2', shape: since6_2 },
  { since: '5.0', shape: since5_0 },
  { since: '4.2', shape: since4_2 },
  { since: '4.1', shape: since4_1 },
  { since: '3.0', shape: since3_0 },
  { since: '2.12', shape: since2_12 },
  { since: '2.5', shape: sinceTheFirst },
];

/** Whether a schema says what shape its introspection has. Those of guest agents do not, as agents do not offer it. */
export function promisesShape(schema: Schema): boolean {
  return schema.lookup('SchemaInfo')?.kind === 'union';
}

/**
 * The shape that a schema itself promises: a schema with `query-qmp-schema` defines the `SchemaInfo` types of its own reply.
 * A schema without them gets the newest shape.
 */
export function promisedShape(schema: Schema): IntrospectionShape {
  const command = structOf(schema.lookup('SchemaInfoCommand'));
  const object = structOf(schema.lookup('SchemaInfoObject'));
  const enumeration = structOf(schema.lookup('SchemaInfoEnum'));
  const info = schema.lookup('SchemaInfo');
  if (!command || !object || !enumeration || info?.kind !== 'union') return since6_2;
  if (member(enumeration, 'members')) return since6_2;
  if (member(info.base, 'features')) return since5_0;
  if (member(command, 'features')) return since4_2;
  if (member(object, 'features')) return since4_1;
  const allowOob = member(command, 'allow-oob');
  if (!allowOob) return sinceTheFirst;
  return allowOob.optional ? since3_0 : since2_12;
}

function structOf(definition: Definition | undefined): StructType | undefined {
  return definition?.kind === 'struct' ? definition : undefined;
}

function member(struct: StructType | undefined, name: string): StructType['members'][number] | undefined {
  return struct?.members.find((candidate) => candidate.name === name);
}
