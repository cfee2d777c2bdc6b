import type { NamedType } from '../generator/emit/names.js';
import { resolveOptions } from '../generator/emit/options.js';
import { type Plan, planOf } from '../generator/emit/plan.js';
import type { Member, ObjectType, Schema, UnionBranch, UnionType } from '../generator/schema/model.js';

/** What an exported name of the generated code declares. */
export interface Declared {
  readonly type: NamedType;
  /** For the interface of one branch of a union: which. */
  readonly branch?: UnionBranch;
}

/** The names that generated code declares for a schema. */
export interface DeclaredNames {
  readonly plan: Plan;
  /** Types and the branches of unions, by their names in TypeScript. */
  readonly types: ReadonlyMap<string, Declared>;
  /** Every name that a program can import and that depends on the schema. */
  readonly exported: ReadonlySet<string>;
}

/** Finds out what generated code declares for a schema. */
export function declaredNames(schema: Schema): DeclaredNames {
  const plan = planOf(schema, resolveOptions({}));
  const { names } = plan;
  const types = new Map<string, Declared>();
  const exported = new Set<string>();
  for (const definition of schema.definitions) {
    if (definition.kind === 'event') exported.add(names.emitter(definition));
    if (definition.kind === 'command' || definition.kind === 'event' || !names.isDeclared(definition)) continue;
    types.set(names.type(definition), { type: definition });
    exported.add(names.visitor(definition));
    if (definition.kind !== 'union') continue;
    for (const branch of definition.branches) types.set(names.branch(branch), { type: definition, branch });
  }
  for (const name of types.keys()) exported.add(name);
  return { plan, types, exported };
}

/** The member that an interface declares itself under a name. */
export function declaredMember(
  { type, branch }: Declared,
  name: string,
): { readonly holder: ObjectType; readonly member: Member } | undefined {
  if (type.kind !== 'struct' && type.kind !== 'union') return undefined;
  if (type.kind === 'union' && type.tag.name === name) return { holder: type, member: type.tag };
  const candidates: readonly Member[] = branch && isSimple(type) ? branch.type.members : type.members;
  const member = candidates.find((candidate) => candidate.name === name);
  return member && { holder: type, member };
}

function isSimple(type: ObjectType): type is UnionType {
  return type.kind === 'union' && type.simple;
}
