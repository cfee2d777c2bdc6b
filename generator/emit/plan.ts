import { createHash } from 'node:crypto';
import type { Command, Event, Member, Module, ObjectType, Schema, StructType, Type } from '../schema/model.js';
import type { SourceFile } from '../text/source-file.js';
import { moduleFolders } from './folders.js';
import { assignNames, type NamedType, type Names } from './names.js';
import type { ResolvedOptions } from './options.js';
import { type Owners, ownersOf } from './owners.js';
import { type Reach, reachOf } from './reach.js';

/** What every target needs to know about the whole schema before it writes the files of one module. */
export interface Plan {
  readonly schema: Schema;
  readonly options: ResolvedOptions;
  readonly names: Names;
  readonly owners: Owners;
  readonly reach: Reach;
  /** A digest of the texts of all modules. */
  readonly digest: string;
  /** The folder of a module, relative to the output folder. */
  folderOf(module: Module): string;
  /** A digest of a module's text. */
  digestOf(module: Module): string;
}

/** Decides all names and places of the generated code. */
export function planOf(schema: Schema, options: ResolvedOptions): Plan {
  const folders = moduleFolders(schema);
  const owners = ownersOf(schema);
  const digests = new Map(schema.modules.map((module) => [module, digestOfFile(module.file)]));
  return {
    schema,
    options,
    names: assignNames(schema, owners),
    owners,
    reach: reachOf(schema),
    digest: digest([...digests.values()].join()),
    folderOf: (module) => folders.get(module.name) as string,
    digestOf: (module) => digests.get(module) as string,
  };
}

const digestsOfFiles = new WeakMap<SourceFile, string>();

/** The digest of a file's text. A schema that is read again has the same files where they have not changed. */
function digestOfFile(file: SourceFile | undefined): string {
  if (!file) return digest('');
  const known = digestsOfFiles.get(file) ?? digest(file.text);
  digestsOfFiles.set(file, known);
  return known;
}

/** What tells one text from another, for the head of generated files. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** The types of a module that have a declaration, in order of definition. */
export function declaredTypes(plan: Plan, module: Module): NamedType[] {
  const types: NamedType[] = [];
  for (const definition of module.definitions) {
    if (definition.kind === 'command' || definition.kind === 'event') continue;
    if (plan.names.isDeclared(definition)) types.push(definition);
  }
  return types;
}

/** The commands of a module, in order of definition. */
export function commandsOf(module: Module): Command[] {
  return module.definitions.filter((definition) => definition.kind === 'command');
}

/** The events of a module, in order of definition. */
export function eventsOf(module: Module): Event[] {
  return module.definitions.filter((definition) => definition.kind === 'event');
}

/** Whether a command takes something, or an event carries something. */
export function hasArguments<D extends Command | Event>(definition: D): definition is D & { arguments: ObjectType } {
  return definition.arguments !== undefined && !isEmpty(definition.arguments);
}

/** Whether a struct has no members at all, neither own nor inherited. */
export function isEmpty(type: Type): boolean {
  for (let struct: Type | undefined = type; struct; struct = (struct as StructType).base) {
    if (struct.kind !== 'struct' || struct.members.length > 0) return false;
  }
  return true;
}

/**
 * Whether a member may hold values that the schema does not know: an enum of a type that only ever comes from the server.
 * Tags of unions stay closed, so that they tell the branches apart.
 */
export function isOpen(plan: Plan, owner: Type, member: Member): boolean {
  return isOpenPosition(plan, owner) && !plan.reach.tags.has(member);
}

/** Whether the values of a type only ever come from the server, and may be newer than the schema. */
export function isOpenPosition(plan: Plan, owner: Type): boolean {
  return plan.options.openEnums && plan.reach.received.has(owner) && !plan.reach.sent.has(owner);
}
