import type {
  AlternateType,
  Command,
  Definition,
  EnumType,
  Event,
  ObjectType,
  Schema,
  Type,
  UnionBranch,
  UnionType,
} from '../schema/model.js';
import { IdentifierPool, pascalCase, toIdentifier } from './identifier.js';
import type { Owner, Owners } from './owners.js';
import { typesNamedBy } from './reach.js';
import { type RuntimeExport, runtimeExports } from './runtime-exports.js';

/** A type that has a declaration of its own in the generated code. */
export type NamedType = EnumType | ObjectType | AlternateType;

/** What `index.ts` and `client.ts` export beside the declarations of the schema: the same names for every schema. */
const reservedForIndex = [
  'Commands',
  'Events',
  'CommandHandlers',
  'EventEmitter',
  'commands',
  'events',
  'eventEmitter',
];

/** The identifiers of the generated code. No two exported ones are equal, so `index.ts` can export them all. */
export interface Names {
  /** Whether a type has a declaration: arrays, built-ins, the empty type and wrappers of simple unions have none. */
  isDeclared(type: Type): type is NamedType;
  /** The interface, type alias and value list of a type. */
  type(type: NamedType): string;
  /** The interface of one branch of a union. */
  branch(branch: UnionBranch): string;
  /** The function that visits a type. */
  visitor(type: NamedType): string;
  /** The function that visits the members of an object type. */
  members(type: ObjectType): string;
  /**
   * The function that visits the members that follow the tag of a union: for objects of a branch (all branches of a type have that
   * of the first), or for objects of no branch. Undefined when there are none, or the base is a definition of its own.
   */
  rest(of: UnionType | UnionBranch): string | undefined;
  /** What visitors learn about an enum. */
  enumInfo(type: EnumType): string;
  /** The function that emits an event. */
  emitter(event: Event): string;
  /** What the protocol needs to know of a command or event. */
  entry(of: Command | Event): string;
  /** What a client needs to know of a command that looks at no more than replies. */
  reply(command: Command): string;
  /** The local name of an export of the runtime: another one where the schema uses that name itself. */
  runtime(name: RuntimeExport): string;
}

/**
 * Gives every declaration its identifier. Names from the schema come first and stay as they are wherever TypeScript can have them;
 * what is derived from them makes way.
 */
export function assignNames(schema: Schema, owners: Owners): Names {
  const pool = new IdentifierPool();
  const types = new Map<Type, string>();
  const branches = new Map<UnionBranch, string>();
  const visitors = new Map<Type, string>();
  const details = new Map<Type, string>();
  const rests = new Map<UnionType | UnionBranch, string>();
  const emitters = new Map<Event, string>();
  const entries = new Map<Command | Event, string>();
  const replies = new Map<Command, string>();
  for (const name of reservedForIndex) pool.claim(name);

  const own = schema.definitions.filter(isType).filter(isOwn);
  // A name that is an identifier already is not lost to another that becomes one.
  for (const type of own) if (toIdentifier(type.name) === type.name) types.set(type, pool.claim(type.name));
  for (const type of own) if (!types.has(type)) types.set(type, pool.claim(toIdentifier(type.name)));
  for (const [type, owner] of owners) if (!types.has(type)) types.set(type, pool.claim(partName(owner)));
  for (const type of namedImplicitTypes(schema)) {
    if (!types.has(type)) types.set(type, pool.claim(toIdentifier(type.name.replace(/^q_obj_/, ''))));
  }
  for (const definition of schema.definitions) {
    if (definition.kind !== 'union') continue;
    const union = types.get(definition) as string;
    for (const branch of definition.branches) {
      branches.set(branch, pool.claim(`${union}_${pascalCase(branch.name) || toIdentifier(branch.name)}`));
    }
  }
  for (const [type, name] of types) {
    visitors.set(type, pool.claim(`visit${name}`));
    if (type.kind === 'enum') details.set(type, pool.claim(`infoOf${name}`));
    else if (type.kind !== 'alternate') details.set(type, pool.claim(`membersOf${name}`));
  }
  for (const definition of schema.definitions) {
    if (definition.kind !== 'union' || !hasRest(definition)) continue;
    rests.set(definition, pool.claim(`restOf${types.get(definition)}`));
    for (const branch of definition.branches) rests.set(branch, pool.claim(`restOf${branches.get(branch)}`));
  }
  for (const definition of schema.definitions) {
    if (definition.kind !== 'event' && definition.kind !== 'command') continue;
    const name = pascalCase(definition.name);
    if (definition.kind === 'event') emitters.set(definition, pool.claim(`emit${name}`));
    else replies.set(definition, pool.claim(`replyOf${name}`));
    entries.set(definition, pool.claim(`${definition.kind}Of${name}`));
  }

  const runtime = new Map(runtimeExports.map((name) => [name, pool.claim(name)]));

  return {
    isDeclared: (type): type is NamedType => types.has(type),
    type: (type) => types.get(type) as string,
    branch: (branch) => branches.get(branch) as string,
    visitor: (type) => visitors.get(type) as string,
    members: (type) => details.get(type) as string,
    rest: (of) => rests.get(of),
    enumInfo: (type) => details.get(type) as string,
    emitter: (event) => emitters.get(event) as string,
    entry: (of) => entries.get(of) as string,
    reply: (command) => replies.get(command) as string,
    runtime: (name) => runtime.get(name) as string,
  };
}

/** Whether members follow the tag in a base that the union itself spells out. */
function hasRest({ base, tag }: UnionType): boolean {
  return base?.implicit === true && base.members.at(-1) !== tag;
}

function isType(definition: Definition): definition is Type {
  return definition.kind !== 'command' && definition.kind !== 'event';
}

/** Whether a type goes by its own name: all that the schema defines, and the tag enums of simple unions. */
export function isOwn(type: Type): type is NamedType {
  if (type.kind === 'builtin' || type.kind === 'array') return false;
  return !type.implicit || (type.kind === 'enum' && type.name !== 'QType');
}

function partName(owner: Owner): string {
  if (owner.kind === 'command') return `${pascalCase(owner.name)}Arguments`;
  if (owner.kind === 'event') return `${pascalCase(owner.name)}Data`;
  return `${toIdentifier(owner.name)}Base`;
}

/** Releases 4.2 and later let a schema name what the language made: a wrapper, an argument type, `QType`. */
function* namedImplicitTypes(schema: Schema): Iterable<NamedType> {
  for (const definition of schema.definitions) {
    if (definition.kind === 'builtin') continue;
    for (const type of namedTypes(definition)) {
      if (type?.implicit && isNameable(type) && type.name !== 'q_empty') yield type;
    }
  }
}

/** The types that a definition names, except the wrappers that the branches of a simple union are made of. */
function namedTypes(definition: Definition): readonly (Type | undefined)[] {
  if (definition.kind !== 'union' || !definition.simple) return typesNamedBy(definition);
  return definition.members.map((member) => member.type);
}

function isNameable(type: Type): type is NamedType {
  return type.kind !== 'builtin' && type.kind !== 'array';
}
