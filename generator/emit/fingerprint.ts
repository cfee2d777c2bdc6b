import type { Definition, Feature, Member, Module, StructType, Type } from '../schema/model.js';
import { isEmpty, isOpenPosition, type Plan } from './plan.js';
import { typesNamedBy } from './reach.js';
import { runtimeExports } from './runtime-exports.js';

/**
 * All that the generated files of a module depend on, apart from the options: the module's text, what of it has been selected, how
 * its declarations are called, and what other modules' types that it names are like. While it stays the same, so do the files.
 */
export function fingerprints(plan: Plan): (module: Module) => string {
  const runtime = runtimeExports.map(plan.names.runtime);
  const identities = new Map<Type, string>();
  const identityOf = (type: Type): string => {
    const known = identities.get(type) ?? identity(plan, type);
    identities.set(type, known);
    return known;
  };
  return (module) => {
    const parts = [plan.folderOf(module), plan.digestOf(module), ...runtime];
    for (const definition of module.definitions) describe(plan, definition, identityOf, parts);
    return parts.join('\n');
  };
}

function describe(plan: Plan, definition: Definition, identityOf: (type: Type) => string, parts: string[]): void {
  parts.push(definition.name, featureNames(definition.features));
  if (definition.kind === 'command' || definition.kind === 'event') {
    parts.push(plan.names.entry(definition));
    parts.push(definition.kind === 'event' ? plan.names.emitter(definition) : plan.names.reply(definition));
    const returns = definition.kind === 'command' ? definition.returns : undefined;
    if (returns) parts.push(String(isOpenPosition(plan, returns)));
  } else {
    parts.push(identityOf(definition), String(isOpenPosition(plan, definition)));
    if ('members' in definition) {
      for (const member of definition.members)
        parts.push(member.name, featureNames(member.features), String(plan.reach.tags.has(member as Member)));
    }
    if ('branches' in definition) for (const branch of definition.branches) parts.push(branch.name);
    if (definition.kind === 'union') {
      for (const branch of definition.branches)
        parts.push(plan.names.branch(branch) ?? '', plan.names.rest(branch) ?? '', memberNames(branch.type));
      parts.push(memberNames(definition.base));
    }
  }
  for (const type of typesNamedBy(definition)) if (type) parts.push(identityOf(type));
}

/** What code that names a type depends on. */
function identity(plan: Plan, type: Type): string {
  if (type.kind === 'array') return `[${identity(plan, type.element)}]`;
  if (!plan.names.isDeclared(type)) return type.name;
  const detail =
    type.kind === 'enum' ? plan.names.enumInfo(type) : type.kind === 'alternate' ? '' : plan.names.members(type);
  return [
    type.kind,
    plan.folderOf(type.module),
    plan.names.type(type),
    plan.names.visitor(type),
    detail,
    isEmpty(type),
  ].join(' ');
}

/** The names of all members of a struct: a union that joins two structs looks whether they share some. */
function memberNames(type: Type | undefined): string {
  const names: string[] = [];
  for (let struct = type as StructType | undefined; struct; struct = struct.base) {
    names.push(...struct.members.map((member) => member.name));
  }
  return names.join(' ');
}

function featureNames(features: readonly Feature[]): string {
  return features.map((feature) => feature.name).join(' ');
}
