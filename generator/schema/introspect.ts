import { Dialect } from '../syntax/dialect.js';
import { type IntrospectionShape, promisedShape, shapes } from './introspection-shape.js';
import type { AlternateType, Command, Event, Feature, Member, ObjectType, Schema, Type, UnionType } from './model.js';

/** A member of an introspected object type. `default` is there, and `null`, when the member is optional. */
export interface SchemaInfoMember {
  name: string;
  type: string;
  default?: null;
  features?: string[];
}

interface SchemaInfoBase {
  name: string;
  features?: string[];
}

/** An entity as `query-qmp-schema` describes it. Types are named by `name`, which stands for the type when names are masked. */
export type SchemaInfo = SchemaInfoBase &
  (
    | { 'meta-type': 'builtin'; 'json-type': string }
    | { 'meta-type': 'enum'; values: string[]; members?: { name: string; features?: string[] }[] }
    | { 'meta-type': 'array'; 'element-type': string }
    | { 'meta-type': 'object'; members: SchemaInfoMember[]; tag?: string; variants?: { case: string; type: string }[] }
    | { 'meta-type': 'alternate'; members: { type: string }[] }
    | { 'meta-type': 'command'; 'arg-type': string; 'ret-type': string; 'allow-oob'?: boolean }
    | { 'meta-type': 'event'; 'arg-type': string }
  );

/** How to introspect. */
export interface IntrospectOptions {
  /** Replace type names by numbers, as a running program does, so that no client comes to depend on them. Default: false. */
  readonly mask?: boolean;
  /** The release whose form the data takes. By default the form that the schema's own `SchemaInfo` promises, else the newest. */
  readonly dialect?: string | Dialect | undefined;
}

/**
 * The data that `query-qmp-schema` returns for a schema, with every condition taken as true:
 * all commands and events, and every type that one of them reaches.
 *
 * @throws {RangeError} when there is no such dialect
 */
export function introspect(schema: Schema, options: IntrospectOptions = {}): SchemaInfo[] {
  const shape = shapeFor(schema, Dialect.of(options.dialect));
  const types = new TypeUse(options.mask ?? false, schema.lookup('q_empty') as ObjectType);
  const infos = entryPoints(schema, shape).map((entity) => describeEntity(entity, shape, types));
  for (const type of types) infos.push(describeType(type, shape, types));
  return infos;
}

function shapeFor(schema: Schema, dialect: Dialect): IntrospectionShape {
  if (dialect.name === 'auto') return promisedShape(schema);
  const found = shapes.find(({ since }) => dialect.atLeast(since)) ?? shapes.at(-1);
  return (found as (typeof shapes)[number]).shape;
}

function entryPoints(schema: Schema, shape: IntrospectionShape): (Command | Event)[] {
  const inOrder =
    shape.order === 'module' ? schema.modules.flatMap((module) => module.definitions) : schema.definitions;
  const entities = inOrder.filter((definition) => definition.kind === 'command' || definition.kind === 'event');
  if (shape.order === 'name') entities.sort((a, b) => (a.name < b.name ? -1 : 1));
  return entities;
}

/**
 * The types reached so far, in order of first use, and the names they go by. Iterating over it also meets the types
 * that are added meanwhile.
 */
class TypeUse {
  readonly #used = new Map<string, Type>();
  readonly #numbers = new Map<string, string>();
  readonly #mask: boolean;
  readonly #empty: Type;

  /** `empty` is what a command without arguments takes and one without result returns. */
  constructor(mask: boolean, empty: Type) {
    this.#mask = mask;
    this.#empty = empty;
  }

  [Symbol.iterator](): Iterator<Type> {
    return this.#used.values();
  }

  /** Notes that a type is used and returns the name it goes by. All integer types count as `int`. */
  use(type: Type = this.#empty): string {
    const name = foldedName(type);
    if (!this.#used.has(name)) this.#used.set(name, type);
    if (type.kind === 'array') return `[${this.use(type.element)}]`;
    return type.kind === 'builtin' ? name : this.mask(name);
  }

  /** The name shown for a type: itself, or the number that stands for it. */
  mask(name: string): string {
    if (!this.#mask) return name;
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = String(this.#numbers.size);
      this.#numbers.set(name, number);
    }
    return number;
  }
}

function foldedName(type: Type): string {
  if (type.kind === 'array') return `[${foldedName(type.element)}]`;
  return type.kind === 'builtin' && type.json === 'int' ? 'int' : type.name;
}

function describeEntity(entity: Command | Event, shape: IntrospectionShape, types: TypeUse): SchemaInfo {
  const { name } = entity;
  if (entity.kind === 'event') {
    return withFeatures({ name, 'meta-type': 'event', 'arg-type': types.use(entity.arguments) }, entity, shape);
  }
  const info: SchemaInfo = {
    name,
    'meta-type': 'command',
    'arg-type': types.use(entity.arguments),
    'ret-type': types.use(entity.returns),
  };
  if (shape.allowOob === 'always' || (shape.allowOob === 'when true' && entity.allowOob)) {
    info['allow-oob'] = entity.allowOob;
  }
  return withFeatures(info, entity, shape);
}

function describeType(type: Type, shape: IntrospectionShape, types: TypeUse): SchemaInfo {
  switch (type.kind) {
    case 'builtin':
      return { name: foldedName(type), 'meta-type': 'builtin', 'json-type': type.json };
    case 'enum': {
      const info: SchemaInfo = {
        name: types.mask(type.name),
        'meta-type': 'enum',
        values: type.members.map((member) => member.name),
      };
      if (shape.enumMembers) {
        info.members = type.members.map(({ name, features }) => withMemberFeatures({ name }, features, shape));
      }
      return withFeatures(info, type, shape);
    }
    case 'array': {
      const element = types.use(type.element);
      return { name: `[${element}]`, 'meta-type': 'array', 'element-type': element };
    }
    case 'alternate':
      return withFeatures(describeAlternate(type, types), type, shape);
    case 'struct':
    case 'union':
      return withFeatures(describeObject(type, shape, types), type, shape);
  }
}

function describeAlternate(type: AlternateType, types: TypeUse): SchemaInfo {
  const members = type.branches.map((branch) => ({ type: types.use(branch.type) }));
  return { name: types.mask(type.name), 'meta-type': 'alternate', members };
}

function describeObject(type: ObjectType, shape: IntrospectionShape, types: TypeUse): SchemaInfo {
  const members = flattenedMembers(type).map((member): SchemaInfoMember => {
    const info: SchemaInfoMember = { name: member.name, type: types.use(member.type) };
    if (member.optional) info.default = null;
    return withMemberFeatures(info, member.features, shape);
  });
  const info: SchemaInfo = { name: types.mask(type.name), 'meta-type': 'object', members };
  if (type.kind === 'union') {
    info.tag = type.tag.name;
    info.variants = variants(type, shape, types);
  }
  return info;
}

function variants(type: UnionType, shape: IntrospectionShape, types: TypeUse): { case: string; type: string }[] {
  return type.branches
    .filter((branch) => shape.impliedVariants || !branch.implicit)
    .map((branch) => ({ case: branch.name, type: types.use(branch.type) }));
}

/** The members of the bases, the furthest first, then the type's own. */
function flattenedMembers(type: ObjectType): Member[] {
  const chain: ObjectType[] = [];
  for (let current: ObjectType | undefined = type; current; current = current.base) chain.push(current);
  return chain.reverse().flatMap((object) => object.members);
}

function withFeatures(info: SchemaInfo, entity: Command | Event | Type, shape: IntrospectionShape): SchemaInfo {
  const shown =
    shape.features === 'everything' ||
    (entity.kind === 'struct' && shape.features !== 'nothing') ||
    (entity.kind === 'command' && shape.features === 'structs and commands');
  if (shown && entity.features.length > 0) info.features = names(entity.features);
  return info;
}

function withMemberFeatures<I extends { name: string }>(
  info: I & { features?: string[] },
  features: readonly Feature[],
  shape: IntrospectionShape,
): I & { features?: string[] } {
  if (shape.features === 'everything' && features.length > 0) info.features = names(features);
  return info;
}

function names(features: readonly Feature[]): string[] {
  return features.map((feature) => feature.name);
}
